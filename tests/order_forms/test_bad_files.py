"""What cannot be an order form is refused in words, within bounded time and memory, and never by a crash."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from connector.errors import Refused
from connector.order_forms.apart import FormQuestion, FormReader
from connector.order_forms.limits import FormLimits
from tests.order_forms import hostile
from tests.order_forms.authority import SIGNED_AT, sign
from tests.order_forms.conftest import Check
from tests.order_forms.paper import LAYOUTS, STYLES, by_fpdf2

HONEST = by_fpdf2(STYLES["us"])


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "NOT_A_PDF"),
        (b"PK\x03\x04 a Word file", "NOT_A_PDF"),
        (b"<html>%PDF in a text</html>", "NOT_A_PDF"),
        (b"%PDF-1.7 and then nothing", "BROKEN_PDF"),
        (HONEST[: len(HONEST) // 3], "BROKEN_PDF"),
        (b"%PDF-1.7\n" + b"\x00\xff" * 5000, "BROKEN_PDF"),
        (hostile.encrypted(HONEST), "ENCRYPTED_PDF"),
        (hostile.encrypted(HONEST, "secret"), "ENCRYPTED_PDF"),
        (hostile.with_javascript(HONEST), "ACTIVE_CONTENT"),
        (hostile.with_launch(HONEST), "ACTIVE_CONTENT"),
        (hostile.with_launch_on_a_link(HONEST), "ACTIVE_CONTENT"),
        (hostile.with_xfa(HONEST), "XFA_FORM"),
        (hostile.with_pages(HONEST, 201), "TOO_MANY_PAGES"),
        (hostile.endless_pages(), "BROKEN_PDF"),
    ],
)
def test_a_bad_file_is_refused_with_its_own_code(check: Check, content: bytes, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        check(content)

    assert refusal.value.code == code
    assert refusal.value.fix


def test_five_thousand_pages_are_refused_at_once(check: Check) -> None:
    with pytest.raises(Refused, match="5,000 pages") as refusal:
        check(hostile.with_pages(HONEST, 5000))

    assert refusal.value.code == "TOO_MANY_PAGES"


def test_a_file_that_is_too_large_never_reaches_a_process() -> None:
    with FormReader() as reader, pytest.raises(Refused) as refusal:
        reader.check(FormQuestion(bytes(200_000_000), SIGNED_AT))

    assert refusal.value.code == "FORM_TOO_LARGE"
    assert reader.process_id is None


def test_a_decompression_bomb_ends_within_its_memory(form_reader: FormReader) -> None:
    question = FormQuestion(hostile.bomb(), SIGNED_AT, limits=FormLimits(seconds=20))

    with pytest.raises(Refused) as refusal:
        form_reader.check(question)

    assert refusal.value.code in ("FORM_TOO_HARD", "BROKEN_PDF")


def test_a_file_that_takes_too_long_is_given_up_and_the_next_one_is_read(form_reader: FormReader) -> None:
    with pytest.raises(Refused) as refusal:
        form_reader.check(FormQuestion(sign(HONEST), SIGNED_AT, limits=FormLimits(seconds=0.001)))

    assert refusal.value.code == "FORM_TOO_HARD"
    assert form_reader.check(FormQuestion(HONEST, SIGNED_AT, layouts=LAYOUTS)).pages == 1


def test_the_reading_process_can_neither_speak_nor_write(form_reader: FormReader) -> None:
    form_reader.check(FormQuestion(HONEST, SIGNED_AT, layouts=LAYOUTS))

    with open(f"/proc/{form_reader.process_id}/limits", encoding="ascii") as file:  # noqa: PTH123
        limits = {line[:26].strip(): line[26:].split()[0] for line in file}
    assert limits["Max file size"] == "0"
    assert int(limits["Max address space"]) == FormLimits().memory


def test_the_reading_process_has_a_network_in_which_there_is_nothing(form_reader: FormReader) -> None:
    own = subprocess.run(["unshare", "--user", "--net", "true"], check=False, capture_output=True)
    if own.returncode != 0:
        pytest.skip(f"This system gives no process a network of its own: {own.stderr.decode()[:100]}")
    form_reader.check(FormQuestion(HONEST, SIGNED_AT, layouts=LAYOUTS))

    child = f"/proc/{form_reader.process_id}"

    assert Path(f"{child}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
    # Nothing but the loopback, which nobody has switched on; and no rights of ours.
    devices = Path(f"{child}/net/dev").read_text(encoding="ascii").splitlines()[2:]
    assert [line.split(":")[0].strip() for line in devices] == ["lo"]
