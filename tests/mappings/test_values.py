"""Single values: numbers, dates, texts, ids, tiers. What is read exactly, what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.terms import Tier
from mappings.dates import NotADate, day_after, months_after, parse_date
from mappings.faults import label, named_field
from mappings.numbers import NotANumber, NotExact, OutOfRange, decimal_places, exact_number
from mappings.targets import normal_key
from mappings.text import cleaned, cleaned_lines, shortened, shown
from mappings.tiers import UnreadableTiers, parse_tiers
from mappings.transforms import TRANSFORMS, Bounds, Special, Unreadable


def read(name: str, value: object, **bounds: object) -> object:
    return TRANSFORMS[name].read(value, Bounds(**bounds))  # type: ignore[arg-type]


class TestNumbers:
    @pytest.mark.parametrize(
        ("value", "plain"),
        [
            (Decimal("100.00"), "100"),
            (Decimal("1.2E7"), "12000000"),
            ("1.2E7", "12000000"),
            ("50000.0", "50000"),
            (" -0.50 ", "-0.5"),
            ("0.00000001", "0.00000001"),
            (Decimal("999999999999999999.123456789012"), "999999999999999999.123456789012"),
            (12, "12"),
            (Decimal("0E-20"), "0"),
        ],
    )
    def test_numbers_keep_every_digit(self, value: object, plain: str) -> None:
        assert format(exact_number(value), "f") == plain

    @pytest.mark.parametrize(
        "value", ["1,234", "1.234,5", "5 EUR", "1_000", "٣", "", "NaN", "Infinity", "0x1F", True, None]
    )
    def test_what_is_no_number_is_refused(self, value: object) -> None:
        with pytest.raises(NotANumber):
            exact_number(value)

    def test_a_float_is_refused_because_its_digits_are_gone(self) -> None:
        with pytest.raises(NotExact):
            exact_number(0.1)

    @pytest.mark.parametrize("value", ["1e18", Decimal("1E+999999"), Decimal("1E-13"), 10**400, Decimal("1E-999999")])
    def test_absurd_sizes_are_refused_before_any_arithmetic(self, value: object) -> None:
        with pytest.raises(OutOfRange):
            exact_number(value)

    @given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**17), max_value=10**17, places=8))
    def test_reading_never_changes_a_number(self, number: Decimal) -> None:
        assert exact_number(number) == number == exact_number(str(number))
        assert decimal_places(number) <= 8


class TestDates:
    @pytest.mark.parametrize(
        "value", ["2026-1-1", "2026-02-30", "20260101", "01.02.2026", "2026-01-01T10:00:00", 5, None]
    )
    def test_what_is_no_date_is_refused(self, value: object) -> None:
        with pytest.raises(NotADate):
            parse_date(value, zone=UTC)

    def test_an_instant_is_the_day_it_was_in_the_zone(self) -> None:
        late = "2025-12-31T23:30:00.000+0000"

        assert parse_date(late, zone=UTC) == date(2025, 12, 31)
        assert parse_date(late, zone=ZoneInfo("Europe/Berlin")) == date(2026, 1, 1)
        assert parse_date(datetime(2025, 12, 31, 23, 30, tzinfo=UTC), zone=ZoneInfo("Asia/Tokyo")) == date(2026, 1, 1)

    def test_an_instant_without_its_offset_is_refused(self) -> None:
        with pytest.raises(NotADate):
            parse_date(datetime(2026, 1, 1), zone=UTC)  # noqa: DTZ001

    def test_the_calendar_has_an_end(self) -> None:
        with pytest.raises(NotADate):
            day_after(date.max)
        with pytest.raises(NotADate):
            months_after(date(2026, 1, 1), months=10**6)

    def test_a_month_end_stays_within_the_month(self) -> None:
        assert months_after(date(2027, 1, 31), months=1) == date(2027, 2, 28)
        assert months_after(date(2028, 2, 29), months=12) == date(2029, 2, 28)


class TestTexts:
    def test_control_and_direction_marks_are_dropped(self) -> None:
        assert cleaned(" A\x00c\x1bme\u202e \r\n\t Inc\ufeff\ud800 ") == "Acme Inc"

    def test_names_in_any_script_stay(self) -> None:
        assert cleaned("株式会社テスト – Ærø & Söhne, ‌نمونه") == "株式会社テスト – Ærø & Söhne, ‌نمونه"

    def test_lines_of_an_address_stay_lines(self) -> None:
        assert cleaned_lines("Strandgaten 12\r\n\r\n  Inngang B\u2028Etg. 3") == "Strandgaten 12\nInngang B\nEtg. 3"

    def test_display_text_is_cut_and_keys_are_refused(self) -> None:
        assert shortened("abcdef", limit=4) == "abc…"
        assert read("text", "abcdef", length=4, is_cut=True) == "abc…"
        with pytest.raises(Unreadable, match="6 characters"):
            read("text", "abcdef", length=4)

    @given(st.text())
    def test_cleaned_text_is_clean(self, text: str) -> None:
        assert cleaned(cleaned(text)) == cleaned(text)
        assert "\n" not in cleaned(text)

    def test_found_values_are_shown_short(self) -> None:
        assert shown("x" * 500) == "x" * 79 + "…"
        assert shown({"a": 1}) == "a record of 1 values"
        assert shown(10**5000) == "a number of very many digits"
        assert shown(True) == "true"

    def test_field_names_become_words(self) -> None:
        assert label("Contract_Start__c") == "Contract Start"
        assert label("SBQQ__StartDate__c") == "Start Date"
        assert label("Product2.ProductCode") == "Product Code"
        assert label("Account.Billing_Email__c") == "Account Billing Email"
        assert named_field("Quantity") == "Quantity"
        assert named_field("UnitPrice") == "Unit Price (UnitPrice)"

    def test_picklist_values_are_compared_without_case_spaces_and_hyphens(self) -> None:
        assert normal_key("Semi-Annual ") == normal_key("semiannual") == normal_key("SEMI ANNUAL")
        assert normal_key("-") != normal_key("")


class TestTransforms:
    @pytest.mark.parametrize(
        ("terms", "days"),
        [
            ("Net 30", 30), ("NET-45", 45), ("net60", 60), ("90 days", 90), ("Due on Receipt", 0), ("immediate", 0),
            ("15", 15), (Decimal("30.0"), 30),
        ],
    )  # fmt: skip
    def test_payment_terms_become_days(self, terms: object, days: int) -> None:
        assert read("net_days", terms) == days

    @pytest.mark.parametrize("terms", ["Net", "30/60", "Net thirty", "2% 10 Net 30", Decimal("30.5"), True])
    def test_payment_terms_that_name_no_days_are_refused(self, terms: object) -> None:
        with pytest.raises(Unreadable):
            read("net_days", terms)

    @pytest.mark.parametrize("address", ["a@b", "a b@c.example", "a@b.example, c@d.example", "@b.example", "a@-.", ""])
    def test_what_is_not_one_mail_address_is_refused(self, address: str) -> None:
        with pytest.raises(Unreadable):
            read("email", address)

    def test_a_mail_address_is_kept_as_written(self) -> None:
        assert read("email", " AP+EMEA@Halvorsen.example ") == "AP+EMEA@Halvorsen.example"

    def test_a_percentage_is_read_with_and_without_its_sign(self) -> None:
        assert read("percent", "12.5 %") == read("percent", Decimal("12.50")) == Decimal("12.5")

    def test_short_ids_become_long_and_lost_case_is_mended(self) -> None:
        assert read("id18", "0Q05g000001AbCd") == "0Q05g000001AbCdCAK"
        assert read("id18", "0q05g000001abcdcak") == "0Q05g000001AbCdCAK"
        with pytest.raises(Unreadable):
            read("id18", "0Q05g000001AbCdZZZ")

    def test_unlimited_is_a_word_and_a_limit_a_number(self) -> None:
        assert read("unlimited_or_number", " unLIMITED ") is Special.UNLIMITED
        assert read("unlimited_or_number", "2500") == Decimal(2500)

    def test_an_inclusive_end_becomes_exclusive(self) -> None:
        assert read("date_inclusive_end", "2026-12-31") == date(2027, 1, 1)

    def test_checkboxes_are_true_or_false_and_nothing_else(self) -> None:
        assert read("boolean", "True") is read("boolean", True) is True
        for value in ("yes", 1, ""):
            with pytest.raises(Unreadable):
                read("boolean", value)


class TestTiers:
    def test_numbers_as_text_and_as_json_are_read_exactly(self) -> None:
        text = '[{"up_to": "50", "unit_price": 0.1, "flat_price": "0"}, {"up_to": null, "unit_price": "1e-8"}]'

        assert parse_tiers(text) == (
            Tier(Decimal(50), Decimal("0.1"), Decimal(0)),
            Tier(None, Decimal("0.00000001"), Decimal(0)),
        )

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ('{"up_to": null}', "not a list"),
            ("[]", "is empty"),
            ("[1", "not valid JSON"),
            ("[" * 3000, "JSON|nested too deeply"),
            ("x" * 40_000, "longer than"),
            ("[" + ",".join(['{"up_to":1,"unit_price":1}'] * 201) + "]", "has 201 tiers"),
            ('[{"up_to": 1, "unit_price": 1, "unit_price": 2}]', "Tier 1 has the same key twice"),
            ('[{"up_to": null, "unit_price": NaN}]', "Tier 1: unit_price is 'NaN'"),
            ('[{"up_to": true, "unit_price": 1}]', "Tier 1: up_to is 'true'"),
            ('[{"up_to": null, "unit_price": 1e400}]', "Tier 1: unit_price is '1e400', which is not a number"),
            ('[{"up_to": null, "unit_price": "1e30"}]', "Tier 1: unit_price is '1e30', which has too many digits"),
            ('[{"unit_price": 1}]', "Tier 1 has no up_to"),
            ('[{"up_to": 1, "unit_price": 1}, {"up_to": null, "price": 1}]', "Tier 2 has 'price'"),
        ],
    )
    def test_a_table_that_cannot_be_read_names_the_row(self, text: str, said: str) -> None:
        with pytest.raises(UnreadableTiers, match=said):
            parse_tiers(text)

    @given(st.text() | st.from_regex(r'\[(\{"up_to": ?(null|[0-9"e.]+), ?"unit_price": ?.{0,6}\},?)*\]'))
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        try:
            assert parse_tiers(text)
        except UnreadableTiers as error:
            assert error.faults
