"""Requests of other software: asked for, activated by the person alone, fetched once and again, refused, over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from appliance.demonstration.participants import ALPHA, BETA, LI, ZHANG
from appliance.errors import NotAllowed, NotFound, PreconditionRefused, StateRefused
from appliance.model.remote_signing import AskingClient, RemoteAsk, RemoteRequestState
from appliance.remote_signing.requests import LARGEST_DOCUMENT, MOST_OPEN, AskedRequest, RemoteRequests
from appliance.store import remote_signing
from appliance.wiring import Appliance
from hsm import cms
from hsm.client import AuthorityClient
from hsm.errors import ActivationRefused, AuthorityUnreachable, ModuleUnavailable
from hsm.intents import OfficerIntent
from hsm.remote import RemoteDocument, RemoteUse
from tests.remote_signing.conftest import DIGESTS, OFFICE, ask_for
from tests.world import World, confirm_by, sample_document


def fetch(requests: RemoteRequests, asked: AskedRequest) -> list[bytes]:
    request = asked.request
    return requests.fetch(OFFICE, asked.secret, request.use, [each.digest for each in request.signing.documents])


def state_of(requests: RemoteRequests, asked: AskedRequest) -> RemoteRequestState:
    return requests.of_client(OFFICE, asked.secret).state


def events_about(appliance: Appliance, request_id: str) -> list[str]:
    """The kinds of the log's entries about a request."""
    with appliance.database.reading() as tx:
        leaves = tx.column(bytes, "SELECT leaf FROM ledger ORDER BY number")
    read = (json.loads(each) for each in leaves)
    return [each["kind"] for each in read if each["public"].get("request") == request_id]


def test_what_the_person_activates_is_signed_and_can_be_fetched_again(
    appliance: Appliance, requests: RemoteRequests, asked: AskedRequest
) -> None:
    with pytest.raises(PreconditionRefused, match="has not confirmed"):
        fetch(requests, asked)
    confirm_by(appliance, ZHANG.subject, asked.request.intent())
    signatures = fetch(requests, asked)
    key = x509.load_der_x509_certificate(appliance.authority.certificate(f"{ZHANG.subject}.hash")).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    for digest, signature in zip(DIGESTS, signatures, strict=True):
        key.verify(signature, digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    assert fetch(requests, asked) == signatures, "the very same: a reply may be lost"
    assert events_about(appliance, asked.request.id) == ["remote-requested", "remote-signed"]


def test_a_document_that_is_handed_in_is_shown_and_forgotten_when_it_is_signed(
    appliance: Appliance, requests: RemoteRequests
) -> None:
    pdf = sample_document(1)
    wrong = RemoteDocument(bytes(32), "offer.pdf")
    made = requests.ask(OFFICE, RemoteAsk(ZHANG.subject, RemoteUse.DOCUMENT, (wrong,), pdf))
    [document] = made.request.signing.documents
    assert document == RemoteDocument(hashlib.sha256(pdf).digest(), "offer.pdf", shown=True)
    assert requests.content_of(made.request.id) == pdf
    confirm_by(appliance, ZHANG.subject, made.request.intent())
    [message] = fetch(requests, made)
    cms.verify(cms.parse(message), content=pdf)
    assert requests.content_of(made.request.id) == b""


def test_other_digests_uses_and_clients_get_nothing(
    appliance: Appliance, requests: RemoteRequests, asked: AskedRequest
) -> None:
    confirm_by(appliance, ZHANG.subject, asked.request.intent())
    for use, digests in (
        (RemoteUse.DOCUMENT, DIGESTS),
        (RemoteUse.HASH, DIGESTS[:1]),
        (RemoteUse.HASH, DIGESTS[::-1]),
        (RemoteUse.HASH, [DIGESTS[0], bytes(32)]),
    ):
        with pytest.raises(PreconditionRefused, match="not the digests"):
            requests.fetch(OFFICE, asked.secret, use, digests)
    with pytest.raises(NotFound):
        requests.fetch(replace(OFFICE, id="client-other"), asked.secret, RemoteUse.HASH, DIGESTS)
    with pytest.raises(NotFound):
        requests.fetch(OFFICE, "x" * 43, RemoteUse.HASH, DIGESTS)
    assert len(fetch(requests, asked)) == 2


def test_the_person_alone_activates(appliance: Appliance, requests: RemoteRequests, asked: AskedRequest) -> None:
    with pytest.raises(ActivationRefused):
        confirm_by(appliance, LI.subject, asked.request.intent())
    with pytest.raises(PreconditionRefused, match="has not confirmed"):
        fetch(requests, asked)


def test_who_refuses_is_asked_no_more_where_they_say_so(
    appliance: Appliance, requests: RemoteRequests, asked: AskedRequest
) -> None:
    request = asked.request
    confirm_by(appliance, ZHANG.subject, request.intent())
    with pytest.raises(NotFound):
        requests.refuse(request.id, by=LI.subject)
    requests.refuse(request.id, by=ZHANG.subject, block=True)
    with pytest.raises(StateRefused, match="has refused"):
        fetch(requests, asked)
    with pytest.raises(ActivationRefused):
        appliance.authority.sign_remotely(request.intent())
    with pytest.raises(NotAllowed):
        requests.ask(OFFICE, ask_for())
    [blocked] = requests.blocked_by(ZHANG.subject)
    assert (blocked.client, blocked.name) == (OFFICE.id, OFFICE.name)
    requests.admit(OFFICE.id, by=ZHANG.subject)
    again = requests.ask(OFFICE, ask_for())
    requests.refuse(again.request.id, by=ZHANG.subject)
    assert requests.blocked_by(ZHANG.subject) == []


def test_a_client_floods_nobody(requests: RemoteRequests) -> None:
    made = [requests.ask(OFFICE, ask_for()) for _ in range(MOST_OPEN)]
    with pytest.raises(StateRefused, match="wait for this person already"):
        requests.ask(OFFICE, ask_for())
    assert {each.id for each in requests.waiting_for(ZHANG.subject)} >= {each.request.id for each in made}
    other = requests.ask(replace(OFFICE, id="client-second"), ask_for())
    for each in (*made, other):
        requests.refuse(each.request.id, by=ZHANG.subject)
    assert requests.waiting_for(ZHANG.subject) == []


@pytest.mark.parametrize(
    ("client", "person"),
    [
        (OFFICE, LI.subject),
        (OFFICE, "person-nobody"),
        (AskingClient("client-beta", "Other", frozenset({BETA})), ZHANG.subject),
    ],
)
def test_whom_a_client_may_not_ask_it_does_not_know(
    requests: RemoteRequests, client: AskingClient, person: str
) -> None:
    with pytest.raises(NotFound):
        requests.credentials(client, person)
    with pytest.raises(NotFound):
        requests.ask(client, ask_for(person=person))


def test_who_has_no_key_is_not_asked(requests: RemoteRequests) -> None:
    client = replace(OFFICE, organisations=frozenset({ALPHA, BETA}))
    assert requests.credentials(client, LI.subject) == []
    with pytest.raises(PreconditionRefused, match="no valid key of this kind"):
        requests.ask(client, ask_for(person=LI.subject))


@pytest.mark.parametrize(
    "change",
    [
        lambda ask: replace(ask, documents=()),
        lambda ask: replace(ask, documents=ask.documents[:1] * 2),
        lambda ask: replace(ask, documents=(RemoteDocument(DIGESTS[0], "a\nb"),)),
        lambda ask: ask_for(RemoteUse.HASH, *(hashlib.sha256(bytes([each])).digest() for each in range(6))),
        lambda ask: replace(ask, content=b"a document"),
        lambda ask: replace(ask_for(RemoteUse.DOCUMENT, DIGESTS[0]), content=bytes(LARGEST_DOCUMENT + 1)),
    ],
)
def test_what_cannot_be_signed_is_refused_before_anybody_is_asked(
    requests: RemoteRequests, change: Callable[[RemoteAsk], RemoteAsk]
) -> None:
    with pytest.raises(PreconditionRefused):
        requests.ask(OFFICE, change(ask_for()))
    assert requests.waiting_for(ZHANG.subject) == []


def test_a_request_ends_by_itself_and_so_do_its_signatures(
    appliance: Appliance, world: World, requests: RemoteRequests
) -> None:
    lapsing, signed = requests.ask(OFFICE, ask_for()), requests.ask(OFFICE, ask_for())
    confirm_by(appliance, ZHANG.subject, signed.request.intent())
    fetch(requests, signed)
    with world.opened(ahead=timedelta(minutes=11)) as later:
        assert later.remote_requests.waiting_for(ZHANG.subject) == []
        with pytest.raises(StateRefused, match="is over"):
            fetch(later.remote_requests, lapsing)
        later.remote_requests.sweep()
        with pytest.raises(StateRefused, match="kept no longer"):
            fetch(later.remote_requests, signed)
    assert state_of(requests, lapsing) is RemoteRequestState.EXPIRED
    assert events_about(appliance, lapsing.request.id) == ["remote-requested", "remote-lapsed"]


def test_after_a_month_the_log_alone_has_it(
    appliance: Appliance, world: World, requests: RemoteRequests, asked: AskedRequest
) -> None:
    requests.refuse(asked.request.id, by=ZHANG.subject)
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE remote_requests SET asked = ? WHERE id = ?", ("2026-01-01T00:00:00Z", asked.request.id))
    again = requests.ask(OFFICE, ask_for())
    requests.refuse(again.request.id, by=ZHANG.subject)
    requests.sweep()
    with pytest.raises(NotFound):
        requests.of_person(asked.request.id, ZHANG.subject)
    assert requests.of_person(again.request.id, ZHANG.subject)
    assert events_about(appliance, asked.request.id) == ["remote-requested", "remote-refused"]


def test_whom_the_client_may_not_ask_any_more_signs_nothing(
    appliance: Appliance, requests: RemoteRequests, asked: AskedRequest
) -> None:
    confirm_by(appliance, ZHANG.subject, asked.request.intent())
    with pytest.raises(NotFound):
        requests.fetch(replace(OFFICE, organisations=frozenset({BETA})), asked.secret, RemoteUse.HASH, DIGESTS)
    assert len(fetch(requests, asked)) == 2


class FailingAuthority:
    """The real one, whose answer to ``sign_remotely`` is lost, or which does not sign."""

    def __init__(self, real: AuthorityClient, failure: Exception, *, signs: bool) -> None:
        self._real, self._failure, self._signs = real, failure, signs

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def sign_remotely(self, intent: OfficerIntent) -> list[bytes]:
        if self._signs:
            self._real.sign_remotely(intent)
        raise self._failure


def failing(appliance: Appliance, failure: Exception, *, signs: bool) -> RemoteRequests:
    authority = FailingAuthority(appliance.authority, failure, signs=signs)
    parts = (appliance.database, authority, appliance.remote_pdfs, appliance.now)
    return RemoteRequests(*parts)  # type: ignore[arg-type]  # as far as used


def test_where_nothing_was_signed_it_is_fetched_later(
    appliance: Appliance, requests: RemoteRequests, asked: AskedRequest
) -> None:
    confirm_by(appliance, ZHANG.subject, asked.request.intent())
    with pytest.raises(ModuleUnavailable):
        fetch(failing(appliance, ModuleUnavailable("The HSM does not answer."), signs=False), asked)
    assert len(fetch(requests, asked)) == 2


def test_after_a_lost_answer_nothing_is_signed_a_second_time(
    appliance: Appliance, requests: RemoteRequests, asked: AskedRequest
) -> None:
    confirm_by(appliance, ZHANG.subject, asked.request.intent())
    with pytest.raises(AuthorityUnreachable):
        fetch(failing(appliance, AuthorityUnreachable("No answer."), signs=True), asked)
    assert state_of(requests, asked) is RemoteRequestState.FAILED
    with pytest.raises(StateRefused, match="nothing was given out"):
        fetch(requests, asked)


def test_a_process_that_ends_while_it_signs_leaves_no_word_that_nothing_was_signed(
    appliance: Appliance, world: World, requests: RemoteRequests, asked: AskedRequest
) -> None:
    confirm_by(appliance, ZHANG.subject, asked.request.intent())
    assert appliance.database.commit(remote_signing.claim, asked.request.id)
    appliance.authority.sign_remotely(asked.request.intent())
    with world.opened(ahead=timedelta(minutes=10, seconds=5)) as soon:
        soon.remote_requests.sweep()
    assert state_of(requests, asked) is RemoteRequestState.SIGNING, "somebody may still be at it"
    with world.opened(ahead=timedelta(minutes=12)) as later:
        later.remote_requests.sweep()
    assert state_of(requests, asked) is RemoteRequestState.FAILED
    assert events_about(appliance, asked.request.id) == ["remote-requested", "remote-lapsed"]
    with appliance.database.reading() as tx:
        [*_, leaf] = tx.column(bytes, "SELECT leaf FROM ledger ORDER BY number")
    assert json.loads(leaf)["public"]["act"] == asked.request.intent().challenge().hex()


def test_signatures_are_given_out_until_the_request_is_over(
    appliance: Appliance, world: World, requests: RemoteRequests, asked: AskedRequest
) -> None:
    confirm_by(appliance, ZHANG.subject, asked.request.intent())
    fetch(requests, asked)
    with (
        world.opened(ahead=timedelta(minutes=11)) as later,
        pytest.raises(StateRefused, match="kept no longer"),
    ):
        fetch(later.remote_requests, asked)


def test_only_one_process_signs(appliance: Appliance, requests: RemoteRequests, asked: AskedRequest) -> None:
    confirm_by(appliance, ZHANG.subject, asked.request.intent())
    assert appliance.database.commit(remote_signing.claim, asked.request.id)
    with pytest.raises(StateRefused, match="being signed"):
        fetch(requests, asked)
    with pytest.raises(StateRefused):
        requests.refuse(asked.request.id, by=ZHANG.subject)
    appliance.database.commit(remote_signing.release, asked.request.id)
    assert len(fetch(requests, asked)) == 2


def test_the_database_keeps_no_secret(appliance: Appliance, asked: AskedRequest) -> None:
    with appliance.database.reading() as tx:
        rows = tx.execute("SELECT * FROM remote_requests WHERE id = ?", (asked.request.id,)).fetchall()
    assert asked.secret not in repr(rows)
