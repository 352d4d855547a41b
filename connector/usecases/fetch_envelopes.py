"""Fetch the documents of completed envelopes: each PDF becomes an order form, the certificate is kept beside it.

Runs as a job. What the event said is asked again: the envelope itself decides whether it is completed. A process that
dies leaves its envelope to the next one; known bytes are known, so fetching twice does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from connector.domain.fulfilment import MOST_ATTEMPTS, retry_wait
from connector.errors import ConnectorError, RateLimited, Refused
from connector.logs import log
from connector.order_forms.refusals import FormRefused
from connector.ports_signing import FetchedEnvelope, SignatureProvider
from connector.store import envelopes, order_forms
from connector.store.envelopes import StoredEnvelope
from connector.usecases.decide_form import FormDesk
from connector.usecases.receive_order_form import DOCUSIGN

_CLAIM = timedelta(minutes=10)
# The provider's event can be faster than its own API.
_NOT_YET = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class EnvelopeFetcher:
    """Fetches from providers by name."""

    desk: FormDesk
    providers: Mapping[str, SignatureProvider]

    def fetch_due(self, *, limit: int = 10) -> dict[str, int]:
        """Fetch up to so many envelopes that wait; answers counts."""
        counts = {"fetched": 0, "failed": 0}
        for _ in range(limit if self.providers else 0):
            now = self.desk.clock.now()
            with self.desk.database.unit_of_work() as work:
                envelope = envelopes.claim(work=work, now=now, until=now + _CLAIM)
                work.commit()
            if envelope is None:
                break
            counts["fetched" if self._fetch(envelope) else "failed"] += 1
        return counts

    def _fetch(self, envelope: StoredEnvelope) -> bool:
        provider = self.providers.get(envelope.provider)
        try:
            if provider is None:
                raise Refused(f"Nobody fetches from {envelope.provider} any more.", code="PROVIDER_OFF")
            found = provider.fetch_envelope(
                envelope_ref=envelope.envelope_ref, largest_file=self.desk.settings.limits.largest_file
            )
            if not found.is_completed:
                return self._later(envelope, found)
            self._keep(envelope, found)
        except ConnectorError as error:
            self._failed(envelope, error)
            return False
        except Exception as error:  # noqa: BLE001 - one envelope holds up no other; the log has the traceback
            log.exception("envelope_not_fetched", envelope=envelope.envelope_ref)
            self._failed(envelope, ConnectorError(f"{type(error).__name__} while fetching.", code="UNEXPECTED"))
            return False
        return True

    def _keep(self, envelope: StoredEnvelope, found: FetchedEnvelope) -> None:
        """The certificate first, so that the document is judged with it; then each document."""
        now = self.desk.clock.now()
        with self.desk.database.unit_of_work() as work:
            digest = order_forms.keep_file(work=work, content=found.certificate, now=now) if found.certificate else ""
            envelopes.save_found(
                work=work, envelope_id=envelope.id, record_id=found.record_id, signers=found.signers,
                completed_at=found.completed_at, certificate_sha256=digest, now=now,
            )  # fmt: skip
            work.commit()
        refused = []
        for document in found.documents:
            try:
                self.desk.receive(
                    content=document.content, source=DOCUSIGN, file_name=document.name, received_by=envelope.provider,
                    salesforce_id=found.record_id or envelope.record_id, envelope_id=envelope.id,
                )  # fmt: skip
            except FormRefused as error:
                refused.append(f"{document.name}: {error}")
        with self.desk.database.unit_of_work() as work:
            envelopes.save_fetched(
                work=work, envelope_id=envelope.id, certificate_sha256=digest, message=" ".join(refused), now=now
            )
            work.commit()

    def _later(self, envelope: StoredEnvelope, found: FetchedEnvelope) -> bool:
        is_over = envelope.attempts >= MOST_ATTEMPTS
        now = self.desk.clock.now()
        with self.desk.database.unit_of_work() as work:
            envelopes.save_failed(
                work=work, envelope_id=envelope.id, code="NOT_COMPLETED", now=now,
                message=f"The provider says {found.status or 'nothing'}, not completed.",
                again_at=None if is_over else now + _NOT_YET,
            )  # fmt: skip
            work.commit()
        return False

    def _failed(self, envelope: StoredEnvelope, error: ConnectorError) -> None:
        asked = error.retry_after if isinstance(error, RateLimited) else 0
        wait = None if isinstance(error, Refused) else retry_wait(attempt=envelope.attempts, asked=asked)
        now = self.desk.clock.now()
        log.warning("envelope_not_fetched", envelope=envelope.envelope_ref, code=error.code)
        with self.desk.database.unit_of_work() as work:
            envelopes.save_failed(
                work=work, envelope_id=envelope.id, code=error.code, message=f"{error} {error.fix}", now=now,
                again_at=None if wait is None else now + timedelta(seconds=wait),
            )  # fmt: skip
            work.commit()
