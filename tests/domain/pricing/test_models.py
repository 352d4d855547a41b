"""What each price model asks for a quantity."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.pricing import PRICING_MODELS, TierRow, price, tier_faults, tiers_from_rows
from connector.domain.terms import LineItem, PriceModel, Tier
from connector.errors import Refused
from tests.domain.making import make_item

RATES = (Tier(Decimal(50), Decimal(30)), Tier(None, Decimal(25)))
FEES = (Tier(Decimal(50), Decimal(0), Decimal(500)), Tier(None, Decimal(0), Decimal(900)))


def item_of(model: PriceModel, unit_price: str = "10", **changes: object) -> LineItem:
    return make_item(price=unit_price, price_model=model, **changes)


@pytest.mark.parametrize(
    ("item", "quantity", "expected"),
    [
        (item_of(PriceModel.FLAT, "12000"), "3", "12000"),
        (item_of(PriceModel.PER_UNIT, "30"), "25", "750"),
        (item_of(PriceModel.PER_UNIT, "0.0000375"), "1234567", "46.2962625"),
        (item_of(PriceModel.TIERED, tiers=RATES), "60", "1750"),
        (item_of(PriceModel.VOLUME, tiers=RATES), "60", "1500"),
        (item_of(PriceModel.STAIRSTEP, tiers=FEES), "60", "900"),
        (item_of(PriceModel.PACKAGE, "44", package_size=Decimal(1000)), "2500", "132"),
        (item_of(PriceModel.PACKAGE, "44", package_size=Decimal(1000)), "2000", "88"),
        (item_of(PriceModel.PACKAGE, "44", package_size=Decimal(1000)), "2000.01", "132"),
    ],
)
def test_each_model_prices_by_its_formula(item: LineItem, quantity: str, expected: str) -> None:
    assert price(item=item, quantity=Decimal(quantity)) == Decimal(expected)


@pytest.mark.parametrize(
    ("model", "tiers", "at_edge", "above_edge"),
    [
        (PriceModel.TIERED, RATES, "1500", "1500.25"),
        (PriceModel.VOLUME, RATES, "1500", "1250.25"),
        (PriceModel.STAIRSTEP, FEES, "500", "900"),
    ],
)
def test_the_end_of_a_tier_belongs_to_it(
    model: PriceModel, tiers: tuple[Tier, ...], at_edge: str, above_edge: str
) -> None:
    item = item_of(model, tiers=tiers)

    assert price(item=item, quantity=Decimal(50)) == Decimal(at_edge)
    assert price(item=item, quantity=Decimal("50.01")) == Decimal(above_edge)


def test_the_flat_price_of_each_reached_tier_is_added_in_the_tiered_model() -> None:
    tiers = (Tier(Decimal(10), Decimal(2), Decimal(100)), Tier(None, Decimal(1), Decimal(50)))

    assert price(item=item_of(PriceModel.TIERED, tiers=tiers), quantity=Decimal(10)) == Decimal(120)
    assert price(item=item_of(PriceModel.TIERED, tiers=tiers), quantity=Decimal(11)) == Decimal(171)


def test_a_percentage_follows_the_other_line() -> None:
    assert price(item=item_of(PriceModel.PERCENT_OF, "20"), quantity=Decimal(1), base=Decimal(12000)) == Decimal(2400)


def test_quantity_zero_costs_nothing_in_every_model() -> None:
    for model in (*PRICING_MODELS, PriceModel.PERCENT_OF):
        item = item_of(model, tiers=FEES, package_size=Decimal(5))
        assert price(item=item, quantity=Decimal(0), base=Decimal(100)) == 0


def test_every_model_of_the_terms_can_be_priced() -> None:
    assert {*PRICING_MODELS, PriceModel.PERCENT_OF} == set(PriceModel)


def test_a_negative_quantity_is_refused() -> None:
    with pytest.raises(Refused, match="negative"):
        price(item=item_of(PriceModel.PER_UNIT), quantity=Decimal(-1))


def test_a_quantity_above_a_closed_last_tier_is_refused_not_free() -> None:
    item = item_of(PriceModel.VOLUME, tiers=(Tier(Decimal(50), Decimal(30)),))

    with pytest.raises(Refused, match="reaches up to 51"):
        price(item=item, quantity=Decimal(51))


def test_a_package_without_a_size_is_refused() -> None:
    with pytest.raises(Refused, match="package size"):
        price(item=item_of(PriceModel.PACKAGE), quantity=Decimal(1))


@pytest.mark.parametrize(
    ("ends", "code", "named"),
    [
        ((50, 50, None), "TIERS_UNORDERED", "tier 2"),
        ((100, 50, None), "TIERS_UNORDERED", "tier 2"),
        ((0, None), "TIERS_UNORDERED", "tier 1"),
        ((None, 50, None), "TIERS_OVERLAP", "tier 1"),
        ((50, 100), "TIER_OPEN_END_MISSING", "row 2"),
        ((), "TIERS_MISSING", "no"),
    ],
)
def test_faulty_tiers_are_refused_with_the_row_named(ends: tuple[int | None, ...], code: str, named: str) -> None:
    tiers = [Tier(None if end is None else Decimal(end), Decimal(1)) for end in ends]
    faults = tier_faults(tiers=tiers, line="L1")

    assert faults[0].code == code
    assert named in faults[0].message
    assert faults[0].line == "L1"


def test_a_closed_top_is_accepted_when_the_setting_says_so() -> None:
    assert tier_faults(tiers=[Tier(Decimal(50), Decimal(1))], line="L1", is_open_end_needed=False) == ()


@pytest.mark.parametrize(
    ("bounds", "code", "named"),
    [
        (((0, 50), (51, None)), "TIERS_GAP", "tier 2"),
        (((0, 50), (49, None)), "TIERS_OVERLAP", "tier 2"),
        (((1, 50), (50, None)), "TIERS_GAP", "tier 1"),
    ],
)
def test_rows_with_a_gap_or_an_overlap_are_refused_with_the_row_named(
    bounds: tuple[tuple[int, int | None], ...], code: str, named: str
) -> None:
    rows = [TierRow(Decimal(low), None if high is None else Decimal(high), Decimal(1)) for low, high in bounds]
    tiers, faults = tiers_from_rows(rows=rows, line="L1")

    assert tiers == ()
    assert [fault.code for fault in faults] == [code]
    assert named in faults[0].message


@given(st.decimals(0, 10_000, places=2), st.decimals(0, 10_000, places=2))
def test_a_tiered_price_never_falls_when_the_quantity_rises(one: Decimal, other: Decimal) -> None:
    item = item_of(PriceModel.TIERED, tiers=RATES)
    low, high = sorted((one, other))

    assert price(item=item, quantity=low) <= price(item=item, quantity=high)
