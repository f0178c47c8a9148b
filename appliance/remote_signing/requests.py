"""A request of other software for a person's signature, from the question to the signature.

1. A client asks. What exactly is to be signed is on disk, with when it ends; the person is told.
2. The person activates it on the activation service's page, or refuses, and may block the client.
3. The client fetches: the authority signs what was activated, once; the signatures are on disk before they are
   given out, and are given out again until the request is over.

Nothing here lets a key sign: the authority counts the person's own activation of exactly these digests.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from appliance.errors import NotAllowed, NotFound, PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import SYSTEM, AuditEvent, EventKind, Field, append_event
from appliance.model.notice import Notice, NoticeKind
from appliance.model.people import Person
from appliance.model.remote_signing import (
    AskingClient,
    BlockedClient,
    PdfOrder,
    PreparedPdf,
    RemoteAsk,
    RemoteRequest,
    RemoteRequestState,
)
from appliance.pdf.values import PreparedRevision
from appliance.remote_signing.credentials import RemoteCredential, credential_of
from appliance.remote_signing.pdf_signatures import PdfSignatures
from appliance.store import outbox, people, remote_signing
from appliance.store.database import Database, Transaction, reads
from hsm.client import AuthorityClient
from hsm.errors import (
    ActivationRefused,
    ActivationUsed,
    AuthorityLocked,
    BadRequest,
    ModuleUnavailable,
    StoreUnavailable,
    UnknownKey,
)
from hsm.names import LONGEST_ORGANISATION, visible
from hsm.remote import RemoteDocument, RemoteSigning, RemoteUse, remote_key, remote_signing_in

LASTS: Final = timedelta(minutes=10)
"""How long a request waits; the authority takes no activation that lasts longer than some minutes."""

MOST_OPEN, MOST_DAILY = 3, 200
"""Requests of one client that wait for one person, and that it makes within 24 hours."""

LARGEST_DOCUMENT: Final = 20 * 1024 * 1024
"""Bytes of a document that is handed in."""

KEPT: Final = timedelta(days=30)
"""How long a request is shown after it was made."""

_DAY = timedelta(days=1)
_SIGNS = timedelta(minutes=1)
"""How long the authority may be at signing what was asked of it in time."""
_AT_ONCE = 100
_NOTHING_SIGNED = (ActivationRefused, AuthorityLocked, ModuleUnavailable, StoreUnavailable)


@dataclass(frozen=True, slots=True)
class AskedRequest:
    """A new request, and the secret with which its client fetches the signatures; only its digest is kept."""

    request: RemoteRequest
    secret: str


class RemoteRequests:
    """Thread-safe."""

    def __init__(
        self, database: Database, authority: AuthorityClient, pdfs: PdfSignatures, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._authority = authority
        self._pdfs = pdfs
        self._now = now

    blocked_by = reads(remote_signing.blocked_by)
    content_of = reads(remote_signing.content_of)

    # --- the client

    def credentials(self, client: AskingClient, person: str) -> list[RemoteCredential]:
        """The keys of *person* for other software that the settings let sign. Raises :class:`NotFound` for
        somebody whom the client may not ask."""
        self._database.query(_reachable, client, person)
        limits = self._authority.remote_limits()
        found = ((use, remote_key(person, use), getattr(limits, use.value)) for use in RemoteUse)
        chain, lists = tuple(self._authority.chain()), self._authority.crls()
        return [
            credential_of(name, use, (certificate, *chain), lists, most)
            for use, name, most in found
            if most and (certificate := self._certificate(name)) is not None
        ]

    def ask(self, client: AskingClient, asked: RemoteAsk) -> AskedRequest:
        """The request, which waits for its person from now on.

        Raises :class:`NotFound` for somebody whom the client may not ask, :class:`NotAllowed` when they have
        blocked it, :class:`PreconditionRefused` and :class:`appliance.errors.DocumentRefused` for what cannot be
        signed, and :class:`StateRefused` while too much waits.
        """
        now = self._now().replace(microsecond=0)
        use, secret = asked.use, secrets.token_urlsafe(32)
        self._require_key(client, asked, now)
        content, pdf, documents = self._prepared(client, asked, now)
        request = RemoteRequest(
            id=secrets.token_hex(12),
            client=client.id,
            client_name=visible(client.name)[:LONGEST_ORGANISATION].strip() or client.id,
            person=asked.person,
            use=use,
            documents=tuple(each.fields() for each in documents),
            nonce=secrets.token_bytes(16),
            asked=now,
            expires=now + LASTS,
            secret=digest_of(secret),
            state=RemoteRequestState.OPEN,
            pdf=pdf,
        )
        _require_plain(request.signing)
        with self._database.transaction() as tx:
            person = _reachable(tx, client, asked.person)
            _require_room(tx, asked.person, client.id, now)
            remote_signing.insert_request(tx, request, content)
            self._append(tx, EventKind.REMOTE_REQUESTED, request, SYSTEM)
            outbox.enqueue(tx, Notice(None, person.subject, NoticeKind.REMOTE_REQUESTED, now, request.id))
        return AskedRequest(request, secret)

    def _prepared(
        self, client: AskingClient, asked: RemoteAsk, now: datetime
    ) -> tuple[bytes, PreparedPdf | None, tuple[RemoteDocument, ...]]:
        """What is kept, and what is activated. Nothing is prepared for somebody who may not be asked."""
        documents = _documents(asked)
        if asked.pdf is None:
            return asked.content, None, documents
        with self._database.reading() as tx:
            person = _reachable(tx, client, asked.person)
            _require_room(tx, asked.person, client.id, now)
        content, pdf, document = self._pdfs.prepare(asked.content, asked.pdf, documents[0].label, person)
        return content, pdf, (document,)

    def of_client(self, client: AskingClient, secret: str) -> RemoteRequest:
        """The request whose *secret* it is. Raises :class:`NotFound` for any other client's."""
        return self._database.query(remote_signing.request_of_secret, client.id, digest_of(secret))

    def is_activated(self, request: RemoteRequest) -> bool:
        """Whether its person has activated it, as the authority says."""
        return request.person in self._authority.approvals(request.intent()).given

    def fetch(
        self,
        client: AskingClient,
        secret: str,
        use: RemoteUse,
        digests: Sequence[bytes],
        *,
        pdf: PdfOrder | None = None,
    ) -> list[bytes]:
        """The signatures over *digests*, which are those of the request in its order: CMS messages (DER), or the
        values of signatures where the *use* is hashes; with the *pdf* order of a request, the signed document. The
        same again when it is called once more in time.

        Raises :class:`PreconditionRefused` for other digests and before the person has activated the request,
        :class:`StateRefused` for one that has ended, :class:`NotFound` when the client may not ask the person any
        more, and what the authority refuses.
        """
        request = self.of_client(client, secret)
        known = request.pdf
        if (use, tuple(digests), pdf) != (request.use, request.digests, known and known.order):
            raise PreconditionRefused("These are not the digests that were asked for; nothing was signed.")
        now = self._now()
        if request.signatures is not None and now < request.expires:
            return [base64.b64decode(each) for each in request.signatures]
        if not request.waits(now):
            raise StateRefused(_ENDED.get(request.state, _LAPSED))
        self._database.query(_reachable, client, request.person)
        if not self.is_activated(request):
            raise PreconditionRefused("{name} has not confirmed this request yet.", name=request.person)
        prepared = self._pdfs.prepared(request, known, self.content_of(request.id)) if known else None
        if not self._database.commit(remote_signing.claim, request.id):
            raise StateRefused("This request is being signed or has just ended; ask again in a moment.")
        signatures = self._signed(request, prepared)
        with self._database.transaction() as tx:
            kept = [base64.b64encode(each).decode() for each in signatures]
            remote_signing.sign(tx, request.id, kept, at=self._now())
            self._append(tx, EventKind.REMOTE_SIGNED, request, request.person)
        return signatures

    # --- the person

    def waiting_for(self, person: str) -> list[RemoteRequest]:
        """What waits for *person*, oldest first."""
        return self._database.query(remote_signing.waiting_for, person, self._now())

    def of_person(self, request_id: str, person: str) -> RemoteRequest:
        """A request to *person*. Raises :class:`NotFound` for everybody else's."""
        request = self._database.query(remote_signing.load_request, request_id)
        if request.person != person:
            raise NotFound("There is no such request for a signature.")
        return request

    def refuse(self, request_id: str, *, by: str, block: bool = False) -> None:
        """Its person *by* refuses the request, and with *block* lets its client ask no more.

        The authority forgets an activation first. Raises :class:`StateRefused` for a request that has ended.
        """
        request, now = self.of_person(request_id, by), self._now()
        if not request.waits(now):
            raise StateRefused(_ENDED.get(request.state, _LAPSED))
        self._authority.withdraw(request.intent())
        with self._database.transaction() as tx:
            if not remote_signing.end(tx, request, RemoteRequestState.REFUSED, at=now):
                raise StateRefused("This request has changed in the meantime; look at it again.")
            self._append(tx, EventKind.REMOTE_REFUSED, request, by)
            blocked = BlockedClient(by, request.client, request.client_name, now)
            if block and remote_signing.block(tx, blocked):
                self._append_about(tx, EventKind.REMOTE_BLOCKED, by, request.client)

    def admit(self, client: str, *, by: str) -> None:
        """The person *by* lets a client ask again. Raises :class:`NotFound` for one that is not blocked."""
        with self._database.transaction() as tx:
            if not remote_signing.unblock(tx, by, client):
                raise NotFound("You have not blocked this software.")
            self._append_about(tx, EventKind.REMOTE_ADMITTED, by, client)

    def end_of_person(self, tx: Transaction, person: str) -> None:
        """Ends what waits for *person*, who has left."""
        for request in remote_signing.waiting_for(tx, person, self._now()):
            if remote_signing.end(tx, request, RemoteRequestState.EXPIRED, at=self._now()):
                self._append(tx, EventKind.REMOTE_LAPSED, request, SYSTEM)

    # --- the scheduler

    def sweep(self) -> None:
        """Ends what nobody has activated or fetched in time, and forgets signatures that are over, and requests of
        long ago: the log has them. Where a process ended while it signed, a signature may exist."""
        now = self._now()
        for request in self._database.query(remote_signing.overdue, now, _AT_ONCE):
            if request.state is RemoteRequestState.OPEN:
                self._lapse(request, RemoteRequestState.EXPIRED)
            elif now >= request.expires + _SIGNS:
                self._lapse(request, RemoteRequestState.FAILED)
        self._database.commit(remote_signing.forget_signatures, now)
        self._database.commit(remote_signing.forget_requests, now - KEPT)

    def _signed(self, request: RemoteRequest, prepared: PreparedRevision | None) -> list[bytes]:
        """What the authority makes of a request that is claimed. Where nothing was signed, it waits again; after
        any other failure a signature may exist that nobody received, and the request is over."""
        try:
            signed = self._authority.sign_remotely(request.intent())
        except ActivationUsed:
            self._fail(request)
            raise
        except _NOTHING_SIGNED:
            self._database.commit(remote_signing.release, request.id)
            raise
        except Exception:
            self._fail(request)
            raise
        if prepared is None or request.pdf is None:
            return signed
        try:
            return [self._pdfs.complete(request.signing, request.pdf.order.level, prepared, signed[0])]
        except Exception:
            self._fail(request)
            raise

    def _fail(self, request: RemoteRequest) -> None:
        self._lapse(replace(request, state=RemoteRequestState.SIGNING), RemoteRequestState.FAILED)

    def _lapse(self, request: RemoteRequest, state: RemoteRequestState) -> None:
        """*request* → *state*, unless it has changed since it was read."""
        with self._database.transaction() as tx:
            if remote_signing.end(tx, request, state, at=self._now()):
                self._append(tx, EventKind.REMOTE_LAPSED, request, SYSTEM)

    def _require_key(self, client: AskingClient, asked: RemoteAsk, now: datetime) -> None:
        known = self.credentials(client, asked.person)
        limits = self._authority.remote_limits()
        most = limits.hash if asked.use is RemoteUse.HASH else limits.document
        if not most:
            raise PreconditionRefused("Digests of this kind are not signed for other software here.")
        if len(asked.documents) > most:
            raise PreconditionRefused(
                "At most {limit} digests can be signed for other software at once.", limit=most
            )
        if not any(each.use is asked.use and each.counts(now) for each in known):
            raise PreconditionRefused(
                "{name} has no valid key of this kind; an officer gives one on the person's page.",
                name=asked.person,
            )

    def _certificate(self, name: str) -> bytes | None:
        try:
            return self._authority.certificate(name)
        except UnknownKey:
            return None

    def _append(self, tx: Transaction, kind: EventKind, request: RemoteRequest, by: str) -> None:
        documents = request.signing.documents
        public: dict[str, Field] = {
            "subject": request.person,
            "request": request.id,
            "client": request.client,
            "use": request.use.value,
            "digests": " ".join(each.digest.hex() for each in documents),
            "shown": int(any(each.shown for each in documents)),
        }
        if kind is EventKind.REMOTE_SIGNED or request.state is RemoteRequestState.SIGNING:
            public["act"] = request.intent().challenge().hex()
        private: dict[str, Field] = {
            "client_name": request.client_name,
            "labels": "\n".join(each.label for each in documents),
        }
        append_event(tx, AuditEvent(kind, self._now(), by, None, public, private))

    def _append_about(self, tx: Transaction, kind: EventKind, by: str, client: str) -> None:
        append_event(tx, AuditEvent(kind, self._now(), by, None, {"subject": by, "client": client}))


_LAPSED = "This request is over; ask again."
_ENDED: Final = {
    RemoteRequestState.REFUSED: "The person has refused this request.",
    RemoteRequestState.SIGNED: "This request is signed, and its signatures are kept no longer; ask again.",
    RemoteRequestState.FAILED: "Signing failed after the confirmation, and nothing was given out; ask again.",
    RemoteRequestState.SIGNING: "This request is being signed or has just ended; ask again in a moment.",
}


def digest_of(secret: str) -> str:
    """By which the secret of a request is known."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _documents(asked: RemoteAsk) -> tuple[RemoteDocument, ...]:
    """What is asked for; of a document that was handed in the digest is made here."""
    if not asked.content and asked.pdf is None:
        return asked.documents
    if len(asked.documents) != 1 or asked.use is not RemoteUse.DOCUMENT:
        raise PreconditionRefused("A document is handed in alone, to be signed by its digest.")
    if len(asked.content) > LARGEST_DOCUMENT:
        raise PreconditionRefused("The document is too large to be handed in.")
    return (RemoteDocument(hashlib.sha256(asked.content).digest(), asked.documents[0].label, shown=True),)


def _require_plain(signing: RemoteSigning) -> None:
    """Raises :class:`PreconditionRefused` for what the authority would not take."""
    try:
        remote_signing_in(signing.details())
    except BadRequest as error:
        raise PreconditionRefused(error.template, **error.values) from error


def _reachable(tx: Transaction, client: AskingClient, subject: str) -> Person:
    """Somebody with an open account, of an organisation of the client's. Raises :class:`NotFound`."""
    found = people.person(tx, subject) if people.is_known(tx, subject) else None
    if found is None or found.organisation not in client.organisations or not people.is_active(tx, subject):
        raise NotFound("There is no person {subject}.", subject=subject)
    return found


def _require_room(tx: Transaction, person: str, client: str, now: datetime) -> None:
    if remote_signing.is_blocked(tx, person, client):
        raise NotAllowed("The person does not let this software ask for signatures.")
    if remote_signing.count_open(tx, person, client, now) >= MOST_OPEN:
        raise StateRefused("{most} requests wait for this person already; ask again later.", most=MOST_OPEN)
    if remote_signing.count_since(tx, person, client, now - _DAY) >= MOST_DAILY:
        raise StateRefused("This person was asked {most} times within a day; ask again later.", most=MOST_DAILY)
