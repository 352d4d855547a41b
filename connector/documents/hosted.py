"""The customer's pages as HTML: one shared document as it stands, what comes next, and the page for everything else.

Made here and not by the web part, because words, numbers and dates of six languages belong together. The pages load
nothing but our own style sheets, run no script and hold no form. Nothing here decides what a customer may see.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connector.documents.formats import long_day_text, money_text
from connector.documents.html import hosted_template, render_fragment
from connector.documents.page import account_rows
from connector.documents.plain_text import all_readable
from connector.documents.qr import code_image, png_image
from connector.documents.texts import LANGUAGES, Texts, texts_of
from connector.domain.documents import PaymentDetails, Seller
from connector.domain.hosted import AccountDocument, HostedDocument, Movement, MovementKind, Standing, UpcomingDocuments
from connector.domain.payment_reference import grouped, is_creditor_reference

_OWED = (Standing.OPEN, Standing.OVERDUE, Standing.PARTLY_PAID)
_HTTPS = "https://"
# Only for a provider on this machine, as in the demo and in tests.
_HERE = ("http://127.0.0.1:", "http://localhost:")


@dataclass(frozen=True, slots=True)
class HostedAddress:
    """Where the page is: the token, and which document of the account when it is not the link's own."""

    token: str
    number: str = ""

    @property
    def link(self) -> str:
        """The address of the link's own document."""
        return f"/invoice/{self.token}"

    @property
    def page(self) -> str:
        """The address of the page itself, of which files are named by their ending."""
        return self.other(self.number) if self.number else self.link

    def other(self, number: str) -> str:
        """The address of another document of the account."""
        return f"{self.link}/documents/{number}"


def render_hosted(*, shown: HostedDocument, address: HostedAddress, language: str) -> str:
    """The page of a document. `language` that is none of ours is English."""
    texts = _texts(language)
    page = {
        **_frame(address.page, shown.view.seller, texts),
        "title": f"{texts.title[shown.view.kind.value]} {shown.view.number}",
        "standing": _standing(shown, texts),
        "files": _files(shown, address, texts),
        "pay": _pay(shown, texts),
        "history": _history(shown, texts),
        "invoices": [_row(one, address, texts) for one in shown.others],
        "is_for_account": shown.is_for_account,
        "upcoming_url": _with_language(f"{address.link}/upcoming", texts) if shown.is_for_account else "",
        "link_url": _with_language(address.link, texts) if address.number else "",
        "private": _private(shown.expires_at, texts),
    }
    # How to pay stands beside it, over what is open now; the document itself keeps its terms.
    document = replace(shown.view, payment=PaymentDetails())
    fragment = render_fragment(view=document, language=texts.language)
    return hosted_template("page.html").render(
        page=all_readable(page), document=fragment, texts=texts.page, label=texts.label
    )


def render_upcoming(*, upcoming: UpcomingDocuments, address: HostedAddress, seller: Seller, language: str) -> str:
    """The page about what will be billed next; it is marked as a preview, and nothing on it can be paid."""
    texts = _texts(language)
    page = {
        **_frame(f"{address.link}/upcoming", seller, texts),
        "title": texts.page["upcoming_title"],
        "computed": texts.page["computed"].format(date=long_day_text(upcoming.computed_on, texts)),
        "link_url": _with_language(address.link, texts),
        "is_known": upcoming.is_known,
        "has_tax": upcoming.has_tax,
    }
    documents = [render_fragment(view=view, language=texts.language) for view in upcoming.views]
    return hosted_template("upcoming.html").render(page=all_readable(page), documents=documents, texts=texts.page)


def render_missing() -> str:
    """The one page for whatever opens nothing: unknown, expired and revoked look the same, in every language."""
    return hosted_template("missing.html").render()


def render_preparing() -> str:
    """The page for what is not there just now: a file that is being made."""
    found = [texts_of(code) for code in LANGUAGES]
    rows = [{"language": one.language, "direction": one.direction, "text": one.page["preparing"]} for one in found]
    return hosted_template("preparing.html").render(languages=rows)


def _texts(language: str) -> Texts:
    return texts_of(language if language in LANGUAGES else LANGUAGES[0])


def _frame(address: str, seller: Seller, texts: Texts) -> dict[str, Any]:
    """What surrounds every page: who sends it, and the same page in the other languages."""
    return {
        "language": texts.language,
        "direction": texts.direction,
        "seller": seller.name,
        "logo": png_image(seller.logo) if seller.logo else "",
        "languages": [
            {
                "code": code,
                "name": texts_of(code).name,
                "direction": texts_of(code).direction,
                "url": f"{address}?lang={code}",
                "is_this": code == texts.language,
            }
            for code in LANGUAGES
        ],
    }


def _standing(shown: HostedDocument, texts: Texts) -> dict[str, str]:
    is_owed = shown.standing in _OWED
    due = long_day_text(shown.view.due_on, texts)
    sentence = "settled"
    if is_owed:
        sentence = "overdue_since" if shown.standing is Standing.OVERDUE else "due_by"
    return {
        "state": shown.standing.value,
        "word": texts.page[shown.standing.value],
        "label": texts.page["to_pay"] if shown.standing is not Standing.CREDIT else texts.label["credited"],
        "amount": money_text(shown.view.gross if shown.standing is Standing.CREDIT else shown.open, texts),
        "sentence": texts.page[sentence].format(date=due),
    }


def _files(shown: HostedDocument, address: HostedAddress, texts: Texts) -> dict[str, str]:
    return {
        "pdf": f"{address.page}.pdf" if shown.has_pdf else "",
        "xml": f"{address.page}.xml" if shown.has_xml else "",
        "preparing": "" if shown.has_pdf else texts.page["preparing"],
    }


def _pay(shown: HostedDocument, texts: Texts) -> dict[str, Any] | None:
    """How to pay what is open now, None where nothing is open or nobody said how."""
    options = [_option(one.url, one.name, texts) for one in shown.options if _is_safe(one.url)]
    if shown.standing not in _OWED or not (shown.accounts or options):
        return None
    reference = shown.reference
    return {
        "options": options,
        "accounts": [account_rows(account, texts) for account in shown.accounts],
        "reference": grouped(reference) if is_creditor_reference(reference) else reference,
        "code": code_image(shown.code) if shown.code else "",
    }


def _option(url: str, name: str, texts: Texts) -> dict[str, str]:
    return {"url": url, "word": texts.page["pay_with"].format(name=name) if name else texts.page["pay_now"]}


def _is_safe(url: str) -> bool:
    return url.startswith((_HTTPS, *_HERE))


def _history(shown: HostedDocument, texts: Texts) -> list[dict[str, str]]:
    return [
        {
            "on": long_day_text(one.on, texts),
            "what": _what(one, texts),
            "amount": money_text(one.amount, texts),
        }
        for one in shown.movements
    ]


def _what(one: Movement, texts: Texts) -> str:
    word = texts.page[one.kind.value]
    return word.format(number=one.number) if one.kind is MovementKind.CREDIT_NOTE else word


def _row(one: AccountDocument, address: HostedAddress, texts: Texts) -> dict[str, str]:
    return {
        "number": one.number,
        "url": _with_language(address.other(one.key), texts),
        "issued_on": long_day_text(one.issued_on, texts),
        "due_on": long_day_text(one.due_on, texts),
        "gross": money_text(one.gross, texts),
        "open": money_text(one.open, texts),
        "state": one.standing.value,
        "word": texts.page[one.standing.value],
    }


def _with_language(address: str, texts: Texts) -> str:
    return f"{address}?lang={texts.language}"


def _private(expires_at: datetime | None, texts: Texts) -> str:
    if expires_at is None:
        return ""
    return texts.page["private"].format(date=long_day_text(expires_at.date(), texts))
