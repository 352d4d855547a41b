"""The tax of a credit note, so that credits of all of an invoice give back all of its tax, to the cent.

Exists because tax is rounded once per document: three credits of a third may together round to a cent less than the
invoice. The credit that takes the rest of a rate takes the rest of its tax. It must not decide what is credited.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.domain.money import Money, total
from connector.domain.tax import RateTotal, TaxTotals


def credit_totals(*, totals: TaxTotals, invoice: TaxTotals, credited: Sequence[RateTotal]) -> TaxTotals:
    """The sums of a credit note (negative) over an invoice (positive), less what its earlier credits left of its tax.

    `credited` are the rows per rate of those credits, negative as well.
    """
    rates = tuple(_row(row, invoice.rates, credited) for row in totals.rates)
    tax = total((row.amount for row in rates), currency=totals.net.currency)
    return TaxTotals(rates, totals.net, tax, totals.net + tax)


def _row(row: RateTotal, invoice: Sequence[RateTotal], credited: Sequence[RateTotal]) -> RateTotal:
    currency = row.net.currency
    known = [one for one in (*invoice, *credited) if one.tax == row.tax]
    left = total((one.net for one in known), currency=currency)
    if not known or left + row.net != Money.zero(currency):
        return row
    return RateTotal(row.tax, row.net, -total((one.amount for one in known), currency=currency))
