"""The review pages: what the queue shows and refuses, what each role can press, and what comes of each decision."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest

from connector.adapters.clock import FixedClock
from connector.store.unit_of_work import Database
from connector.usecases.review_invoice import edit_invoice
from tests.domain.making import make_item
from tests.recording import RecordingStarter
from tests.reviewing import sold
from tests.web.queued import ARABIC, FORMULA, deal, judge, monthly, morning
from tests.web.reviewed import Team, make_team
from tests.web.test_pages import HOSTILE, text_of

LONG_TEXT = "Ж" * 5000
EMOJI = "Ω 🚀👩‍💻 \u202eesrever"


@pytest.fixture
def starter() -> RecordingStarter:
    return RecordingStarter()


@pytest.fixture
def team(sqlite_database: Database, clock: FixedClock, starter: RecordingStarter) -> Team:
    return make_team(sqlite_database, clock, starter=starter)


def words(team: Team, name: str, path: str) -> str:
    """The text of a page as that person reads it."""
    answer = team.browser(name).get(path)
    assert answer.status_code == 200, answer.text
    return text_of(answer.text)


def followed(team: Team, name: str, path: str, **form: Any) -> str:
    """The text of the page that a decision leads to."""
    answer = team.press(name, path, page="/review/invoices/1", **form)
    assert answer.status_code == 303, answer.text
    return words(team, name, answer.headers["Location"])


def seen(team: Team, invoice_id: int) -> str:
    """The hash that the page of the document holds."""
    found = re.search(r'name="content_hash" value="([0-9a-f]{64})"', _page(team, invoice_id))
    assert found
    return found[1]


def _page(team: Team, invoice_id: int) -> str:
    return team.browser("anna").get(f"/review/invoices/{invoice_id}").text


# The queue


def test_an_empty_queue_says_what_will_come(team: Team) -> None:
    assert "Nothing waits for you Every draft is decided on." in words(team, "vera", "/review")
    assert "Nothing matches" in words(team, "vera", "/review?risk=blocked")


def test_what_the_rules_have_not_seen_yet_is_told(team: Team) -> None:
    team.finance.draft(sold())

    page = words(team, "vera", "/review")

    assert "1 draft is being checked by the rules." in page
    assert "Checking" in page


def test_the_queue_shows_who_how_much_and_what_to_know(team: Team) -> None:
    morning(team)

    page = words(team, "anna", "/review")

    assert "18 Open 16 Draft 1 Second approval 1 On hold 1 Sent back" in page
    assert "Any 18 Blocked 2 Warning 3 Look 4 Quiet 9" in page
    assert "1 Feb 2026 29 days ago Kestrel & Finch Ltd 1 line · from DE 2,142.00 EUR Warning Tax id missing" in page
    assert "The customer disputes the start date; legal is asking. until 1 Apr 2026 On hold" in page
    assert "Approve 8 quiet" in page
    assert "rosa@customer.example: Signed for 700 a month" in words(team, "vera", "/review?state=sent_back")


def test_pages_of_the_queue_keep_the_filters(team: Team) -> None:
    for number in range(1, 8):
        team.finance.books.sign(deal(number, f"Fleet {number}"))
    team.finance.books.bill("2026-09-15")
    judge(team)

    found, address = [], "/review?q=fleet&sort=amount&risk=quiet"
    while address:
        page = team.browser("vera").get(address).text
        found += re.findall(r'data-row href="/review/invoices/(\d+)\?', page)
        _, _, rest = page.partition('rel="next" href="')
        address = rest.partition('"')[0].replace("&amp;", "&")
        assert not address or {"q=fleet", "sort=amount", "risk=quiet"} <= set(re.split("[?&]", address))

    assert len(found) == len(set(found)) == 63


@pytest.mark.parametrize(
    "query",
    [
        "state=paid", "sort=colour", "risk=none", "code=x", "currency=euro", "least=1e9", "most=-1", "older=soon",
        "after=zzz", "q=" + "x" * 201, "q=%00", "least=" + "9" * 40, "after=" + "A" * 900,
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/review", "/review/queue.csv", "/review/approve-quiet"])
def test_an_address_that_cannot_be_is_refused_with_a_sentence(team: Team, path: str, query: str) -> None:
    answer = team.browser("anna").get(f"{path}?{query}")

    assert answer.status_code == 400
    assert "This request cannot be understood" in answer.text


def test_the_export_is_the_view_as_a_file_in_which_no_formula_runs(team: Team) -> None:
    for number, name in enumerate(
        [FORMULA, "+1", "-2+3", "@SUM(A1)", "\t=1", "\u200f=1", "＝1", HOSTILE, ARABIC, EMOJI]
    ):
        team.finance.books.sign(deal(number + 1, name))
    team.finance.books.bill("2026-01-10")
    judge(team)

    answer = team.browser("vera").get("/review/queue.csv?sort=customer")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="review.csv"' in answer.headers["Content-Disposition"]
    cells = {cell for row in rows for cell in row.values()}
    assert [cell for cell in cells if cell[:1] in "=+-@\t\r＝" and cell] == []
    names = {row["customer"] for row in rows}
    assert {f"'{FORMULA}", "'+1", "'-2+3", "'@SUM(A1)", "'\u200f=1", "'＝1", HOSTILE, ARABIC, EMOJI} <= names
    assert {row["gross"] for row in rows} == {"2142.00"}


def test_the_export_has_every_row_of_the_view(team: Team) -> None:
    morning(team)

    rows = list(csv.DictReader(io.StringIO(team.browser("vera").get("/review/queue.csv").data.decode("utf-8-sig"))))

    assert len(rows) == 18
    assert next(row for row in rows if row["state"] == "held")["reason"].startswith("The customer disputes")
    assert next(row for row in rows if row["risk"] == "blocked")["warnings"].startswith("TAX_UNDECIDED")


# One document


def test_the_document_is_shown_as_the_customer_will_see_it(team: Team) -> None:
    invoice_id = team.finance.draft(deal(1, HOSTILE, monthly(EMOJI)))

    answer = team.browser("vera").get(f"/review/invoices/{invoice_id}/document")

    assert answer.status_code == 200
    assert "Rechnungsentwurf" in answer.text
    assert "<script>alert" not in answer.text
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert "script" not in answer.headers["Content-Security-Policy"]
    assert team.browser("vera").get("/review/document.css").content_type == "text/css; charset=utf-8"
    assert team.browser("vera").get("/review/invoices/99/document").status_code == 404


def test_evidence_compares_with_schedule_last_invoice_and_usage(team: Team) -> None:
    made = morning(team)

    same, usage = (words(team, "vera", f"/review/invoices/{made[name]}") for name in ("quiet", "usage"))

    assert "The line is as the schedule says The same as the last invoice DE-2026-000001 of 1 Jan 2026" in same
    assert "+482.13 EUR +40 % against the last invoice" in usage
    assert "API calls : 48,213 units, read just now" in usage.replace("calls:", "calls :")


def test_the_history_tells_who_did_what_when_and_why(team: Team) -> None:
    made = morning(team)

    page = words(team, "vera", f"/review/invoices/{made['sent_back']}")
    large = words(team, "vera", f"/review/invoices/{made['large']}")

    assert "finn sent it back , to rosa@customer.example just now · finance Signed for 700 a month" in page.replace(
        "back,", "back ,"
    )
    assert "finn wrote just now · finance PO came by mail this morning. finn edited it" in large


# Decisions


def test_approving_issues_and_says_the_number(team: Team) -> None:
    invoice_id = team.finance.draft(sold())

    page = followed(team, "anna", f"/review/invoices/{invoice_id}/approve", content_hash=seen(team, invoice_id))

    assert "Approved and issued as DE-2026-000001." in page
    assert "Issued by anna . Open: 14,280.00 EUR" in page


def test_a_draft_that_changed_since_it_was_looked_at_is_not_approved_and_says_so(team: Team) -> None:
    invoice_id = team.finance.draft(sold())
    looked_at = seen(team, invoice_id)
    edit_invoice(
        desk=team.finance.desk, invoice_id=invoice_id, looked_at=looked_at, actor="finn", role="finance", memo="New."
    )

    page = followed(team, "anna", f"/review/invoices/{invoice_id}/approve", content_hash=looked_at)

    assert "The document has changed since it was looked at, so this decision was not made." in page
    assert team.finance.state(invoice_id) == "draft"


def test_a_double_click_and_a_second_person_get_one_clear_outcome(team: Team) -> None:
    invoice_id = team.finance.draft(sold())
    looked_at = seen(team, invoice_id)
    path = f"/review/invoices/{invoice_id}/approve"

    pages = [followed(team, name, path, content_hash=looked_at) for name in ("anna", "anna", "alex")]

    assert "Approved and issued as DE-2026-000001." in pages[0]
    assert "Approved and issued as DE-2026-000001." in pages[1]
    assert "It was issued as DE-2026-000001 by anna already. Nothing is left to approve." in pages[2]
    assert team.finance.events(invoice_id) == [("anna", "approve"), ("anna", "issue")]


def test_above_the_threshold_a_second_person_is_needed_never_the_same(team: Team) -> None:
    invoice_id = team.finance.draft(sold(make_item(price="60000")))
    path, looked_at = f"/review/invoices/{invoice_id}/approve", seen(team, invoice_id)

    first = followed(team, "anna", path, content_hash=looked_at)
    same = followed(team, "anna", path, content_hash=looked_at)
    second = followed(team, "alex", path, content_hash=looked_at)

    assert "anna approved it just now . A second person must approve it, too." in first
    assert "You approved it. Another person must be the second." in first
    assert "anna has approved this document already; another person must be the second." in same
    assert "Approved and issued as DE-2026-000001." in second


def test_hold_release_send_back_return_and_void(team: Team) -> None:
    invoice_id = team.finance.draft(sold())
    path = f"/review/invoices/{invoice_id}/"

    held = followed(team, "finn", path + "hold", reason="Dispute.", until="2026-04-01")
    released = followed(team, "finn", path + "release")
    sent = followed(team, "finn", path + "send-back", reason="Wrong price.", owner="rosa")
    returned = followed(team, "finn", path + "return")
    voided = followed(team, "finn", path + "void", reason="Drafted anew.")

    assert "On hold Dispute. Look again on 1 Apr 2026." in held
    assert "Released." in released
    assert "Sent back Wrong price." in sent
    assert "It is in the queue again." in returned
    assert "Voided. The next billing run drafts what is owed." in voided
    assert team.finance.state(invoice_id) == "void"


def test_an_edit_changes_memo_po_number_and_recipients(team: Team) -> None:
    invoice_id = team.finance.draft(sold())
    path = f"/review/invoices/{invoice_id}/edit"

    page = followed(
        team, "finn", path, content_hash=seen(team, invoice_id), memo=f"{HOSTILE}\r\n{EMOJI}", po_number="PO-7",
        recipients="a@x.example, b@x.example\nc@x.example",
    )  # fmt: skip
    wrong = followed(
        team, "finn", path, content_hash=seen(team, invoice_id), memo="", po_number="", recipients="nobody"
    )

    assert "Saved." in page
    assert "a@x.example, b@x.example, c@x.example" in page
    assert "'nobody' is not an e-mail address." in wrong
    shown = team.browser("vera").get(f"/review/invoices/{invoice_id}/document").text
    assert "<script>alert" not in shown
    assert "PO-7" in shown


def test_a_reason_of_5000_characters_fits_and_one_more_is_told(team: Team) -> None:
    invoice_id = team.finance.draft(sold())
    path = f"/review/invoices/{invoice_id}/hold"

    too_long = followed(team, "finn", path, reason=LONG_TEXT + "x")
    fits = followed(team, "finn", path, reason=LONG_TEXT)

    assert "The reason has 5001 characters; at most 5000 fit." in too_long
    assert LONG_TEXT in fits


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("hold", {"reason": " "}, "The reason is missing."),
        ("hold", {"reason": "x", "until": "soon"}, "'soon' is no date."),
        ("send-back", {"reason": "x"}, "The owner is missing."),
        ("comment", {"text": ""}, "The comment is missing."),
        ("approve", {}, "The document has changed since it was looked at"),
        ("release", {}, "cannot be released"),
        ("credit", {"reason": "x", "scope": "all"}, "not issued"),
    ],
)  # fmt: skip
def test_what_cannot_be_decided_is_told_on_the_page_and_changes_nothing(
    team: Team, path: str, form: dict[str, str], said: str
) -> None:
    invoice_id = team.finance.draft(sold())

    page = followed(team, "finn", f"/review/invoices/{invoice_id}/{path}", **form)

    assert said in page
    assert (team.finance.state(invoice_id), team.finance.log(invoice_id)) == ("draft", [])


def test_credits_by_line_and_in_full_once_for_each_form(team: Team) -> None:
    invoice_id = team.finance.issued(sold(make_item(price="1000")))
    path = f"/review/invoices/{invoice_id}/credit"
    part = {"reason": "Outage.", "scope": "lines", "amount-1": "250.00", "request_key": "one", "owed_again": "no"}

    first = followed(team, "anna", path, **part)
    again = followed(team, "anna", path, **part)
    wrong = followed(team, "anna", path, **{**part, "request_key": "two", "amount-1": "a lot"})
    nothing = followed(team, "anna", path, **{**part, "request_key": "three", "amount-1": ""})
    rest = followed(team, "anna", path, reason="All of it.", scope="all", request_key="four")

    assert "Credit note DE-CN-2026-000001 is issued." in first
    assert "Credit note DE-CN-2026-000001 is issued." in again
    assert "'a lot' is no amount." in wrong
    assert "No amount is given." in nothing
    assert "Credit note DE-CN-2026-000002 is issued." in rest
    assert "Open: 0.00 EUR" in words(team, "vera", f"/review/invoices/{invoice_id}")


def test_from_the_queue_a_decision_leads_to_the_next_one(team: Team) -> None:
    made = morning(team)
    path = f"/review/invoices/{made['large']}/hold?from=queue&sort=newest&risk=plain"

    answer = team.press("finn", path, page="/review/invoices/1", reason="x")

    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("?risk=plain&sort=newest&from=queue")
    assert f"/{made['large']}?" not in answer.headers["Location"]


# Roles

ACTIONS = ("approve", "hold", "release", "withdraw", "send-back", "return", "edit", "comment", "void", "credit")


@pytest.mark.parametrize("action", ACTIONS)
def test_who_may_only_look_decides_nothing(team: Team, action: str) -> None:
    invoice_id = team.finance.draft(sold())

    answer = team.press("vera", f"/review/invoices/{invoice_id}/{action}", page="/review", reason="x", text="x")

    assert answer.status_code == 403
    assert "This needs the role finance; you are signed in as viewer." in text_of(answer.text)
    assert team.finance.log(invoice_id) == []


def test_who_may_only_look_approves_nothing_together(team: Team) -> None:
    assert team.browser("vera").get("/review/approve-quiet").status_code == 403
    assert team.press("vera", "/review/approve-quiet", page="/review").status_code == 403


# Together


def test_a_form_with_a_key_that_no_page_gave_approves_nothing_together(team: Team, starter: RecordingStarter) -> None:
    answer = team.press("anna", "/review/approve-quiet", page="/review", request_key="a\x00b", digest="x")

    assert (answer.status_code, starter.started) == (400, [])


def test_approving_together_shows_what_then_how_far_then_why_not(team: Team, starter: RecordingStarter) -> None:
    morning(team)
    page = team.browser("anna").get("/review/approve-quiet").text
    hidden = dict(re.findall(r'name="(digest|request_key)" value="([^"]+)"', page))

    answer = team.press("anna", "/review/approve-quiet", page="/review/approve-quiet", **hidden)
    following = team.browser("anna").get(answer.headers["Location"])

    assert "Approve 8 invoices together? 19,179.23 EUR" in text_of(page)
    assert answer.status_code == 303
    assert [name for name, _, _ in starter.started] == ["approve"]
    assert "Approving 8 invoices" in text_of(following.text)
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in following.text
    assert 'data-refresh="1"' in following.text
    assert "There is no bulk approval 99" in text_of(team.browser("anna").get("/review/approvals/99").text)


def test_a_list_that_changed_is_shown_again(team: Team, starter: RecordingStarter) -> None:
    morning(team)

    answer = team.press(
        "anna", "/review/approve-quiet?q=a", page="/review/approve-quiet", digest="0" * 64, request_key="k"
    )

    assert answer.headers["Location"] == "/review/approve-quiet?q=a"
    assert "The list has changed since it was shown" in words(team, "anna", answer.headers["Location"])
    assert starter.started == []
