"""Files that must not be taken: cut off, wrong balances, other encodings, hostile, huge; each refused in words."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.bank_statements import StatementRefused
from connector.statements.reading import read_statements
from tests.statements.reading import AMERICAN, DESCRIPTIONS, SAMPLES


def _refused(content: bytes, **changes: int) -> StatementRefused:
    with pytest.raises(StatementRefused) as refused:
        read_statements(content=content, descriptions=DESCRIPTIONS, **changes)
    assert str(refused.value)
    assert refused.value.fix
    return refused.value


def _sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


@pytest.mark.parametrize(
    "name",
    ["camt053_v2_batch.xml", "camt053_v8_nordic.xml", "mt940_german.sta", "mt940_dutch.sta", "bai2_american.bai"],
)
@pytest.mark.parametrize("share", ["0.2", "0.5", "0.9"])
def test_a_file_that_is_cut_is_refused(name: str, share: str) -> None:
    content = _sample(name)

    _refused(content[: int(len(content) * Decimal(share))])


def test_a_csv_cut_inside_a_row_is_refused() -> None:
    assert _refused(_sample("csv_savings_bank.csv")[:-20]).code in ("NOT_WHOLE", "ROW")


@pytest.mark.parametrize(
    ("name", "was", "becomes"),
    [
        ("camt053_v2_batch.xml", b">2390.00<", b">2390.01<"),
        ("mt940_german.sta", b":62F:C260303EUR2077,50", b":62F:C260303EUR2277,50"),
        ("csv_american.csv", b"2800.00", b"2801.00"),
    ],
)
def test_a_wrong_balance_is_refused(name: str, was: bytes, becomes: bytes) -> None:
    content = _sample(name)
    assert was in content

    assert _refused(content.replace(was, becomes)).code == "WRONG_BALANCE"


def test_a_wrong_control_sum_is_refused() -> None:
    assert _refused(_sample("bai2_american.bai").replace(b"49,760000", b"49,760001")).code == "UNREADABLE"


def test_a_batch_that_does_not_add_up_is_refused() -> None:
    content = _sample("camt053_v2_batch.xml").replace(b'<Amt Ccy="EUR">200.00</Amt>', b'<Amt Ccy="EUR">201.00</Amt>')

    assert _refused(content).code == "BATCH_DIFFERS"


def test_a_detail_of_a_batch_without_an_amount_never_takes_that_of_the_whole() -> None:
    content = _sample("camt053_v2_batch.xml").replace(
        b'<AmtDtls><TxAmt><Amt Ccy="EUR">200.00</Amt></TxAmt></AmtDtls>', b""
    )

    assert _refused(content).code == "BATCH_DIFFERS"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_text_in_an_unknown_encoding_is_refused(encoding: str) -> None:
    content = _sample("mt940_german.sta").decode("ascii").encode(encoding)

    assert _refused(content).code == "ENCODING"


def test_bytes_that_no_known_encoding_has_are_refused() -> None:
    assert _refused(_sample("mt940_german.sta").replace(b"GMB\n", b"GM\x81\n")).code == "ENCODING"


def test_an_unknown_encoding_of_xml_is_refused() -> None:
    _refused(_sample("camt053_v2_batch.xml").replace(b"UTF-8", b"KLINGON"))


def test_an_empty_file_and_a_picture_are_refused() -> None:
    assert _refused(b" \n").code == "EMPTY"
    assert _refused(b"\x89PNG\r\n\x1a\n\x00\x00").code == "ENCODING"


def test_a_text_of_no_format_says_what_is_understood() -> None:
    refused = _refused(b"Dear finance team,\nplease find attached\n")

    assert refused.code == "UNKNOWN_FORMAT"
    assert "MT940" in str(refused)


def test_a_huge_file_is_refused_before_it_is_read() -> None:
    assert _refused(_sample("mt940_german.sta"), largest=100).code == "TOO_LARGE"


def test_entities_and_document_types_are_refused() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><Document>&c;</Document>'
    file = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><Document>&b;</Document>'

    for content in (bomb, file):
        assert _refused(content).code in ("DOCTYPE", "ENTITIES")


def test_deep_nesting_is_refused() -> None:
    _refused(b"<a>" * 5000 + b"</a>" * 5000)


@pytest.mark.parametrize(("element", "name"), [("BkToCstmrAcctRpt", "camt.052"), ("BkToCstmrDbtCdtNtfctn", "camt.054")])
def test_another_message_of_the_family_is_named(element: str, name: str) -> None:
    refused = _refused(f"<Document><{element}><Rpt/></{element}></Document>".encode())

    assert (refused.code, name in str(refused)) == ("WRONG_MESSAGE", True)


def test_an_intraday_bai2_file_is_refused() -> None:
    content = _sample("bai2_american.bai").replace(b"2359,USD,2/", b"2359,USD,3/")

    assert _refused(content).code == "WRONG_MESSAGE"


@pytest.mark.parametrize("amount", [b'"1.19,00"', b'"1190.00"', b'"abc"', b'""', b'"1,190.00"'])
def test_a_number_in_another_form_refuses_the_file(amount: bytes) -> None:
    refused = _refused(_sample("csv_savings_bank.csv").replace(b'"1.190,00"', amount))

    assert (refused.code, "Row 2" in str(refused)) == ("ROW", True)


def test_a_date_in_another_form_refuses_the_file() -> None:
    assert "Row 3" in str(_refused(_sample("csv_american.csv").replace(b"03/04/2026", b"2026-03-04")))


def test_an_entry_in_another_currency_is_refused() -> None:
    content = _sample("camt053_v2_batch.xml").replace(
        b'<Ntry>\n        <Amt Ccy="EUR">1190.00', b'<Ntry>\n        <Amt Ccy="USD">1190.00'
    )

    _refused(content)


def test_a_description_whose_columns_are_absent_does_not_fit() -> None:
    with pytest.raises(StatementRefused) as refused:
        read_statements(content=b"Posting Date,Description\n03/04/2026,X\n", descriptions=[AMERICAN])

    assert refused.value.code == "UNKNOWN_FORMAT"


@given(name=st.sampled_from(sorted(file.name for file in SAMPLES.iterdir())), data=st.data())
def test_damaged_bytes_are_refused_or_read_never_a_crash(name: str, data: st.DataObject) -> None:
    content = bytearray(_sample(name))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))

    try:
        read_statements(content=bytes(content), descriptions=DESCRIPTIONS)
    except StatementRefused as refused:
        assert str(refused)
