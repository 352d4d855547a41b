"""Whether the payment provider lets us in and can take what our invoices ask for: its part of `countersign check`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.domain.assumptions import Finding, FindingState
from connector.ports_payments import PaymentProvider

GOOD, BAD, UNKNOWN = FindingState.GOOD, FindingState.BAD, FindingState.UNKNOWN
AREA = "payments"
_OPERATOR, _FINANCE = "operator", "finance"


def check_payments(*, provider: PaymentProvider, currencies: Sequence[str], is_live: bool) -> Iterator[Finding]:
    """Log in, name the account, compare its currencies with those of the settings. Raises ConnectorErrors.

    Makes no link and moves no money.
    """
    account = provider.account()
    money = "real money" if is_live else "no real money"
    yield Finding(AREA, GOOD, f"{provider.name} ({provider.environment}, {money}) answers as {account.name!r}.")
    if provider.name == "embedded":
        fix = 'Set [payments] provider to "airwallex" or "none" before customers see an invoice.'
        yield Finding(AREA, UNKNOWN, "The embedded provider marks invoices as paid without money.", fix, _OPERATOR)
        return
    if not account.currencies:
        fix = "Look in the provider's web app which currencies can be taken."
        yield Finding(AREA, UNKNOWN, "The account does not tell its currencies.", fix, _FINANCE)
        return
    held = ", ".join(sorted(account.currencies))
    lacking = sorted(set(currencies) - account.currencies)
    if lacking:
        message = f"The account has no wallet in {', '.join(lacking)}; it has {held}. Payments would be converted."
        fix = "Open these wallets in the provider's web app, or take the currencies out of [payments] currencies."
        yield Finding(AREA, BAD, message, fix, _FINANCE)
        return
    yield Finding(AREA, GOOD, f"The account has wallets in {held}.")
