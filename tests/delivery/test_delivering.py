"""Mail that is owed: held until a person approved, sent once where that can be known, and told of where it cannot."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from connector.adapters.clock import FixedClock
from connector.domain.delivery import DeliveryState
from connector.domain.fulfilment import MOST_ATTEMPTS, IllegalTransition
from connector.domain.review import Actor
from connector.errors import Misconfigured, NotFound, Refused, Unavailable, Uncertain
from connector.store.deliveries import Delivery
from connector.store.hosted_links import list_links
from connector.store.unit_of_work import Database
from connector.usecases.deliver_mail import Delivered, Postman, deliver_mail
from connector.usecases.review_invoice import edit_invoice
from connector.usecases.send_document import list_mail, record_bounce, send_again
from connector.usecases.share_invoice import find_shared
from tests.reviewing import sold
from tests.web.sharing import AURORA, Sharing, make_sharing

ANNA = Actor("anna", "approver")


@dataclass
class Post:
    """Takes mail, or raises what it was told to."""

    sender: str = "billing@nordlicht.example"
    errors: list[Exception] = field(default_factory=list)
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)
    before: Any = None

    def send(self, *, recipient: str, message: bytes, name: str) -> str:
        """One message."""
        if self.before is not None:
            self.before()
        if self.errors:
            raise self.errors.pop(0)
        read = message_from_bytes(message, policy=default)
        assert isinstance(read, EmailMessage)
        self.taken.append((recipient, read))
        return "queued"


@pytest.fixture
def sharing(database: Database, clock: FixedClock) -> Sharing:
    return make_sharing(database, clock)


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def postman(sharing: Sharing, post: Post, clock: FixedClock) -> Postman:
    return Postman(sharing.finance.desk.database, clock, post, "https://billing.nordlicht.example")


def issued(sharing: Sharing, **changes: Any) -> int:
    """An issued invoice whose files are there."""
    invoice_id = sharing.finance.issued(sold(customer=AURORA, **changes))
    sharing.render()
    return invoice_id


def mail(sharing: Sharing, invoice_id: int) -> list[Delivery]:
    return list(list_mail(database=sharing.finance.desk.database, invoice_id=invoice_id))


def links(sharing: Sharing, invoice_id: int) -> list[bool]:
    """Whether each link lives, oldest first."""
    with sharing.finance.desk.database.reading() as connection:
        return [link.revoked_at is None for link in list_links(connection=connection, invoice_id=invoice_id)]


def test_nothing_is_sent_before_somebody_has_approved(sharing: Sharing, postman: Postman, post: Post) -> None:
    invoice_id = sharing.finance.draft(sold(customer=AURORA))

    assert deliver_mail(postman=postman) == Delivered()
    assert (mail(sharing, invoice_id), post.taken) == ([], [])


def test_an_issued_invoice_is_mailed_with_its_link_and_pdf(sharing: Sharing, postman: Postman, post: Post) -> None:
    invoice_id = issued(sharing)

    assert deliver_mail(postman=postman) == Delivered(sent=1)
    assert deliver_mail(postman=postman) == Delivered()

    ((recipient, message),) = post.taken
    assert recipient == "rechnung@aurora.example"
    assert str(message["From"]) == "Nordlicht Software GmbH <billing@nordlicht.example>"
    assert str(message["Reply-To"]) == "billing@nordlicht.example"
    assert str(message["Subject"]) == "Rechnung DE-2026-000001 von Nordlicht Software GmbH"
    (sent,) = mail(sharing, invoice_id)
    assert message["Message-ID"] == sent.message_id == f"<delivery-{sent.id}@nordlicht.example>"
    assert (sent.state, sent.attempts, sent.message) == (DeliveryState.SENT, 1, "queued")
    (attached,) = message.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("DE-2026-000001.pdf", b"pdf of DE-2026-000001")
    token = _link_in(message)
    found = find_shared(database=postman.database, clock=postman.clock, token=token)
    assert found is not None
    assert (found.id, found.label) == (sent.link_id, "rechnung@aurora.example")
    assert [event for _who, event in sharing.finance.events(invoice_id)][-2:] == ["share", "mail_sent"]
    assert sharing.finance.faults() == []


def _link_in(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    address = next(line for line in body.get_content().splitlines() if line.startswith("https://"))
    html = message.get_body(("html",))
    assert html is not None
    assert f'href="{address}"' in html.get_content()
    return address.rpartition("/")[2]


def test_mail_waits_for_its_pdf(sharing: Sharing, postman: Postman, post: Post, clock: FixedClock) -> None:
    invoice_id = sharing.finance.issued(sold(customer=AURORA))

    assert deliver_mail(postman=postman) == Delivered()
    (waiting,) = mail(sharing, invoice_id)
    assert (waiting.state, waiting.code, waiting.attempts) == (DeliveryState.PREPARED, "WAITS_FOR_PDF", 0)

    sharing.render()
    clock.advance(seconds=5)
    assert deliver_mail(postman=postman) == Delivered(sent=1)
    assert links(sharing, invoice_id) == [True]


def test_every_recipient_has_a_mail_and_a_link_of_their_own(sharing: Sharing, postman: Postman, post: Post) -> None:
    finance = sharing.finance
    invoice_id = finance.draft(sold(customer=AURORA))
    edit_invoice(
        desk=finance.desk, invoice_id=invoice_id, looked_at=finance.hash(invoice_id), actor="finn", role="finance",
        recipients=["ap@aurora.example", "cfo@aurora.example"],
    )  # fmt: skip
    finance.approve(invoice_id)
    sharing.render()

    deliver_mail(postman=postman)

    assert [recipient for recipient, _ in post.taken] == ["ap@aurora.example", "cfo@aurora.example"]
    assert len({_link_in(message) for _, message in post.taken}) == 2


def test_what_must_wait_is_tried_again_later_and_later_with_the_same_name(
    sharing: Sharing, postman: Postman, post: Post, clock: FixedClock
) -> None:
    invoice_id = issued(sharing)
    post.errors = [Unavailable("The mail server asks to wait: 451 Greylisted.", code="MAIL_DEFERRED")] * 2

    assert deliver_mail(postman=postman) == Delivered(retrying=1)
    (waiting,) = mail(sharing, invoice_id)
    assert (waiting.state, waiting.code, waiting.owner) == (DeliveryState.RETRYING, "MAIL_DEFERRED", "nobody")
    assert waiting.not_before == clock.now() + timedelta(seconds=5)
    clock.advance(seconds=5)
    deliver_mail(postman=postman)
    assert mail(sharing, invoice_id)[0].not_before == clock.now() + timedelta(seconds=10)
    clock.advance(seconds=10)
    assert deliver_mail(postman=postman) == Delivered(sent=1)

    (sent,) = mail(sharing, invoice_id)
    assert (sent.state, sent.attempts, sent.code, sent.losses) == (DeliveryState.SENT, 3, "", 0)
    assert sent.message_id == waiting.message_id
    assert links(sharing, invoice_id) == [False, False, True], "links of attempts that failed open nothing"


def test_a_refusal_is_told_with_what_to_do_and_not_repeated(
    sharing: Sharing, postman: Postman, post: Post, clock: FixedClock
) -> None:
    invoice_id = issued(sharing)
    post.errors = [Refused("550 No such user.", code="MAIL_REFUSED", owner="finance", fix="Correct the address.")]

    assert deliver_mail(postman=postman) == Delivered(failed=1)
    clock.advance(timedelta(days=9))
    assert deliver_mail(postman=postman) == Delivered()

    (failed,) = mail(sharing, invoice_id)
    assert (failed.state, failed.owner) == (DeliveryState.FAILED, "finance")
    assert failed.message == "550 No such user. Correct the address."
    assert links(sharing, invoice_id) == [False]


def test_after_days_of_tries_it_is_given_up_visibly(
    sharing: Sharing, postman: Postman, post: Post, clock: FixedClock
) -> None:
    invoice_id = issued(sharing)
    post.errors = [Unavailable("Away.") for _ in range(MOST_ATTEMPTS)]

    for _ in range(MOST_ATTEMPTS):
        deliver_mail(postman=postman)
        clock.advance(timedelta(hours=5))

    (failed,) = mail(sharing, invoice_id)
    assert (failed.state, failed.attempts, failed.owner) == (DeliveryState.FAILED, MOST_ATTEMPTS, "operator")


def test_wrong_settings_hold_mail_up_and_fail_none(
    sharing: Sharing, postman: Postman, post: Post, clock: FixedClock
) -> None:
    invoice_id = issued(sharing)
    post.errors = [Misconfigured("The login was refused.", code="MAIL_LOGIN", fix="Correct it.")] * 40

    for _ in range(40):
        deliver_mail(postman=postman)
        clock.advance(timedelta(hours=5))
    (waiting,) = mail(sharing, invoice_id)
    assert (waiting.state, waiting.owner) == (DeliveryState.RETRYING, "operator")

    assert deliver_mail(postman=postman) == Delivered(sent=1)


def test_a_mail_that_may_have_arrived_is_sent_again_under_its_name_and_says_so(
    sharing: Sharing, postman: Postman, post: Post, clock: FixedClock
) -> None:
    invoice_id = issued(sharing)
    post.errors = [Uncertain("The connection broke.", code="MAIL_UNCERTAIN")]

    deliver_mail(postman=postman)
    (lost,) = mail(sharing, invoice_id)
    assert (lost.state, lost.losses) == (DeliveryState.UNCERTAIN, 1)
    clock.advance(seconds=5)
    assert deliver_mail(postman=postman) == Delivered(sent=1)

    (sent,) = mail(sharing, invoice_id)
    assert (sent.losses, sent.message_id) == (1, lost.message_id)
    assert links(sharing, invoice_id) == [True, True], "the first one may be in somebody's inbox"


def test_a_sender_that_died_after_handing_over_leaves_it_uncertain(
    sharing: Sharing, postman: Postman, post: Post, clock: FixedClock
) -> None:
    invoice_id = issued(sharing)

    def die() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver_mail(postman=replace(postman, post=Post(before=die)))
    assert deliver_mail(postman=postman) == Delivered(), "it is taken"
    clock.advance(timedelta(minutes=15))
    assert deliver_mail(postman=postman) == Delivered(sent=1)

    (sent,) = mail(sharing, invoice_id)
    assert (sent.state, sent.losses, sent.attempts) == (DeliveryState.SENT, 1, 2)


def test_a_slow_sender_that_was_overtaken_changes_nothing(
    sharing: Sharing, postman: Postman, post: Post, clock: FixedClock
) -> None:
    invoice_id = issued(sharing)

    def overtaken() -> None:
        clock.advance(timedelta(minutes=16))
        deliver_mail(postman=postman)

    deliver_mail(postman=replace(postman, post=Post(before=overtaken, errors=[Refused("Too late.")])), limit=1)

    (sent,) = mail(sharing, invoice_id)
    assert (sent.state, sent.losses) == (DeliveryState.SENT, 1)


def test_eight_senders_at_once_send_each_mail_once(sharing: Sharing, postman: Postman, post: Post) -> None:
    for number in range(4):
        sharing.finance.issued(sold(record=f"R{number}", customer=AURORA), as_of=f"2026-02-0{number + 1}")
    sharing.render()

    threads = [threading.Thread(target=deliver_mail, kwargs={"postman": postman}) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert sorted(str(message["Subject"]) for _, message in post.taken) == [
        f"Rechnung DE-2026-00000{number} von Nordlicht Software GmbH" for number in range(1, 5)
    ]


def test_nothing_is_open_while_mail_is_handed_over(sharing: Sharing, postman: Postman, post: Post) -> None:
    """A post that wrote to the database itself would wait for ever on SQLite if a transaction were open."""
    issued(sharing)

    def writes() -> None:
        with postman.database.unit_of_work() as work:
            work.commit()

    post.before = writes

    assert deliver_mail(postman=postman) == Delivered(sent=1)


def test_a_document_with_nobody_to_go_to_says_so(sharing: Sharing, postman: Postman, post: Post) -> None:
    invoice_id = sharing.finance.issued(sold(customer=replace(AURORA, email="")))
    sharing.render()

    assert deliver_mail(postman=postman) == Delivered()

    (nobody,) = mail(sharing, invoice_id)
    assert (nobody.state, nobody.code, nobody.owner) == (DeliveryState.FAILED, "NO_RECIPIENT", "finance")


@pytest.mark.parametrize("address", ["nobody", "a@b", "ä@aurora.example", "a b@aurora.example", "a@aurora..example"])
def test_an_address_that_is_none_fails_before_anything_is_sent(
    sharing: Sharing, postman: Postman, post: Post, address: str
) -> None:
    invoice_id = sharing.finance.issued(sold(customer=replace(AURORA, email=address)))
    sharing.render()

    assert deliver_mail(postman=postman) == Delivered(failed=1)

    (failed,) = mail(sharing, invoice_id)
    assert (failed.code, failed.attempts, failed.owner) == ("ADDRESS_REFUSED", 0, "finance")
    assert post.taken == []


def test_a_person_can_send_it_again_and_a_double_click_is_one_mail(
    sharing: Sharing, postman: Postman, post: Post
) -> None:
    invoice_id = issued(sharing)
    deliver_mail(postman=postman)
    asked = {"database": postman.database, "clock": postman.clock, "invoice_id": invoice_id, "actor": ANNA}

    first = send_again(recipient="new@aurora.example", **asked)
    second = send_again(recipient="new@aurora.example", **asked)
    third = send_again(recipient="rechnung@aurora.example", **asked)

    assert (first.is_new, second.is_new, second.delivery_id) == (True, False, first.delivery_id)
    assert third.is_new
    deliver_mail(postman=postman)
    again = ["rechnung@aurora.example", "new@aurora.example", "rechnung@aurora.example"]
    assert [recipient for recipient, _ in post.taken] == again
    assert len({message["Message-ID"] for _, message in post.taken}) == 3
    assert [event for _who, event in sharing.finance.events(invoice_id)].count("send_again") == 2
    with pytest.raises(Refused, match="is not an e-mail address"):
        send_again(recipient="x\nBcc: all@example.org", **asked)


def test_a_draft_cannot_be_sent(sharing: Sharing, postman: Postman) -> None:
    invoice_id = sharing.finance.draft(sold(customer=AURORA))

    with pytest.raises(NotFound):
        send_again(
            database=postman.database, clock=postman.clock, invoice_id=invoice_id, recipient="a@b.example", actor=ANNA
        )


def test_a_mail_that_came_back_is_told_once(sharing: Sharing, postman: Postman, post: Post) -> None:
    invoice_id = issued(sharing)
    deliver_mail(postman=postman)
    (sent,) = mail(sharing, invoice_id)
    told = {"database": postman.database, "clock": postman.clock, "delivery_id": sent.id, "actor": ANNA}

    record_bounce(reason="5.1.1 no such user.", **told)
    record_bounce(reason="5.1.1 no such user.", **told)

    (bounced,) = mail(sharing, invoice_id)
    assert (bounced.state, bounced.code, bounced.owner) == (DeliveryState.BOUNCED, "BOUNCED", "finance")
    assert bounced.message.startswith("It came back: 5.1.1 no such user. Correct the address")
    assert [event for _who, event in sharing.finance.events(invoice_id)].count("mail_bounced") == 1


def test_only_what_was_sent_can_come_back(sharing: Sharing, postman: Postman) -> None:
    invoice_id = issued(sharing)
    (waiting,) = mail(sharing, invoice_id)

    with pytest.raises(IllegalTransition):
        record_bounce(database=postman.database, clock=postman.clock, delivery_id=waiting.id, reason="No.", actor=ANNA)
