"""Several signatures that one person activates at once: all of them or none, and each is checked as if it came
alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pysqlite3 import dbapi2 as sqlite

from hsm.activation.authoriser import IntentAuthoriser
from hsm.activation.credentials import PinVerifier
from hsm.authenticator import SoftwareAuthenticator
from hsm.batches import MOST_MEMBERS, BatchMembership, SigningBatch
from hsm.client import AuthorityClient
from hsm.config import ActivationSettings
from hsm.errors import ActivationRefused, ActivationUsed, AuthorityError, BadRequest, ConsistencyRefused
from hsm.intents import Activation, SigningIntent
from hsm.store import Approval, AuthorityStore, Credential, Subject, SubjectKind
from tests.authority import RunningAuthority, intent_for, running_authority, soon
from tests.hsm.test_activation import answer, enrol_pin

PERSON, OTHER, CUSTODIAN, SEAL = "person-batch", "person-batch-other", "person-batch-keeper", "seal-batch"
SUSPENDED_SEAL = "seal-batch-suspended"


@dataclass(frozen=True, slots=True)
class Cast:
    authority: RunningAuthority
    devices: dict[str, SoftwareAuthenticator]

    @property
    def web(self) -> AuthorityClient:
        return self.authority.client("web")

    def assertion(self, intents: Sequence[SigningIntent], subject: str = PERSON) -> Activation:
        return self.devices[subject].activate(subject, SigningBatch(tuple(intents)))  # type: ignore[arg-type]  # only its challenge counts

    def approve(self, intents: Sequence[SigningIntent], subject: str = PERSON) -> None:
        self.authority.client("activation").approve_batch(list(intents), self.assertion(intents, subject))

    def refuses(self, intents: Sequence[SigningIntent], activation: Activation) -> AuthorityError:
        """The refusal; nothing of the batch is remembered then that was not before."""
        service = self.authority.client("activation")
        before = [service.approvals(each) for each in intents]
        with pytest.raises((ActivationRefused, BadRequest)) as caught:
            service.approve_batch(list(intents), activation)
        assert [service.approvals(each) for each in intents] == before
        return caught.value

    def store(self) -> closing[sqlite.Connection]:
        path = self.authority.root / "authority/authority.db"
        return closing(sqlite.connect(path, isolation_level=None))


def documents(count: int = 3, signer: str = PERSON) -> list[SigningIntent]:
    return [intent_for(signer, document=f"contract {number}".encode()) for number in range(count)]


@pytest.fixture(scope="module")
def cast(authority: RunningAuthority) -> Cast:
    devices = {subject: authority.enrol_person(subject) for subject in (PERSON, OTHER, CUSTODIAN)}
    authority.enrol_seal(SEAL, [CUSTODIAN])
    authority.enrol_seal(SUSPENDED_SEAL, [CUSTODIAN])
    authority.client("web").suspend_seal(SUSPENDED_SEAL)
    return Cast(authority, devices)


def test_one_touch_activates_all_and_each_is_signed_once(cast: Cast) -> None:
    intents = documents()
    cast.approve(intents)

    for number, intent in enumerate(reversed(intents)):
        approvals = cast.web.approvals(intent)
        assert approvals.enough and list(approvals.together) == [PERSON]
        assert (approvals.together[PERSON].count, approvals.together[PERSON].index) == (3, 2 - number)
        assert cast.web.sign_document(intent)
        with pytest.raises(ActivationUsed):
            cast.web.sign_document(intent)


def test_a_batch_has_room_for_what_takes_a_passkey(cast: Cast) -> None:
    plain, demanding = documents(2)
    intents = [plain, replace(demanding, passkey_only=True)]
    cast.approve(intents)
    with pytest.raises(ActivationRefused, match="another act"):
        cast.web.sign_document(demanding)
    assert all(cast.web.sign_document(each) for each in intents)


def test_what_is_kept_of_a_signature_says_in_which_batch_it_was(cast: Cast) -> None:
    intents, alone = documents(2), intent_for(PERSON)
    cast.approve(intents)
    cast.authority.sign(alone, (cast.devices[PERSON], PERSON))
    cast.web.sign_document(intents[1])

    with cast.store() as store:
        kept = {nonce: json.loads(act) for nonce, act in store.execute("SELECT nonce, act FROM acts")}
    root = SigningBatch(tuple(intents)).root.hex()
    assert kept[intents[1].nonce] == {**intents[1].fields(), "batch": {"count": 2, "place": 2, "root": root}}
    assert kept[alone.nonce] == alone.fields()


def test_a_batch_is_that_of_the_approval_that_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the key is about to sign, the person takes the approval in a batch back and confirms alone."""
    store, at = AuthorityStore(tmp_path / "authority.db"), int(soon(0).timestamp())
    store.people.add_subject(Subject(PERSON, SubjectKind.PERSON, "张示例", "甲公司"), enrolled=at)
    passkey = Credential(0, PERSON, "webauthn", credential_id=b"\x01", public_key=b"\x02")
    store.people.add_credential(passkey, added=at)
    [intent, _] = batch = documents(2)
    approval = Approval(PERSON, intent.challenge(), "webauthn")

    def approve() -> None:
        store.approvals.add_approval(intent.nonce, approval, credential=1, at=at, expires=at + 60)

    def transaction() -> AbstractContextManager[None]:
        monkeypatch.undo()
        store.approvals.take_back(intent.nonce, PERSON, at=at)
        approve()
        return store.transaction()

    approve()
    store.approvals.add_membership(intent.nonce, PERSON, SigningBatch(tuple(batch)).memberships()[0])
    pins = PinVerifier(store.people, None)  # type: ignore[arg-type]  # nobody has a PIN
    authoriser = IntentAuthoriser(store, ActivationSettings(), pins, lambda: soon(0))
    monkeypatch.setattr(store, "transaction", transaction)
    authoriser.authorise(intent)
    store.close()

    with closing(sqlite.connect(tmp_path / "authority.db")) as kept:
        [(act,)] = kept.execute("SELECT act FROM acts")
    assert json.loads(act) == intent.fields()


def _used(cast: Cast, intent: SigningIntent) -> SigningIntent:
    cast.authority.sign(intent, (cast.devices[PERSON], PERSON))
    return intent


def _approved(cast: Cast, intent: SigningIntent) -> SigningIntent:
    cast.authority.confirm(cast.devices[PERSON], PERSON, intent)
    return intent


@pytest.mark.parametrize(
    ("stale", "said"),
    [
        (lambda _, intent: replace(intent, expires=soon(-1)), "expired"),
        (lambda _, intent: replace(intent, expires=soon(16)), "15 minutes at most"),
        (_used, "used before"),
        (_approved, "approved this already"),
        (lambda cast, intent: replace(_approved(cast, intent), digest=bytes(32)), "another act"),
        (lambda _, intent: replace(intent, signer=OTHER), "nobody else's"),
        (lambda _, intent: replace(intent, signer=SUSPENDED_SEAL), "suspended"),
    ],
    ids=[
        "expired",
        "too long",
        "used",
        "approved alone",
        "another under its nonce",
        "another person",
        "a suspended seal",
    ],
)
def test_one_stale_member_activates_nothing_and_is_named(
    cast: Cast, stale: Callable[[Cast, SigningIntent], SigningIntent], said: str
) -> None:
    intents = documents()
    others = [intents[0], intents[2]]
    intents[1] = stale(cast, intents[1])
    service, activation = cast.authority.client("activation"), cast.assertion(intents)

    with pytest.raises(ActivationRefused, match=said) as caught:
        service.approve_batch(intents, activation)
    assert caught.value.values["batch_member"] == 2
    assert [service.approvals(each).given for each in others] == [(), ()]
    cast.approve(others)
    assert cast.web.sign_document(others[1])


def test_the_assertion_is_for_exactly_these_documents_in_this_order(cast: Cast) -> None:
    intents = documents()
    activation = cast.assertion(intents)
    swapped, more = intents[::-1], [*intents, intent_for(PERSON, document=b"another")]
    later = [replace(each, expires=each.expires + timedelta(seconds=1)) for each in intents]
    exchanged = [*intents[:2], replace(intents[2], digest=bytes(32))]

    for others in (swapped, intents[:2], more, later, exchanged):
        assert "does not verify" in str(cast.refuses(others, activation))
    cast.authority.client("activation").approve_batch(intents, activation)
    assert cast.web.approvals(intents[0]).enough


def test_an_assertion_counts_for_one_batch_once(cast: Cast) -> None:
    intents = documents()
    activation = cast.assertion(intents)
    cast.authority.client("activation").approve_batch(intents, activation)

    assert "already" in str(cast.refuses(intents, activation))


def test_an_assertion_for_one_document_activates_no_batch_and_the_other_way_round(cast: Cast) -> None:
    intents = documents(2)
    of_one = cast.devices[PERSON].activate(PERSON, intents[0])
    assert "does not verify" in str(cast.refuses(intents, of_one))
    of_all = cast.assertion(intents)
    assert "does not verify" in cast.authority.refuses(cast.web.sign_document, intents[0], of_all)


def test_somebody_else_activates_nobodys_batch(cast: Cast) -> None:
    intents = documents()
    assert "nobody else's" in str(cast.refuses(intents, cast.assertion(intents, OTHER)))
    stolen = replace(cast.devices[PERSON], origin="http://localhost:8080")
    given = stolen.activate(PERSON, SigningBatch(tuple(intents)))  # type: ignore[arg-type]  # as above
    assert "does not verify" in str(cast.refuses(intents, given))


@pytest.mark.parametrize("other", [{"reason": "Waives every claim"}, {"custodians": 2}], ids=str)
def test_another_reason_or_fewer_custodians_are_another_member(cast: Cast, other: dict[str, Any]) -> None:
    listed = [replace(each, reason="Delivery of 2026") for each in uses(2)]
    changed = [listed[0], replace(listed[1], **other)]
    assert "does not verify" in str(cast.refuses(changed, cast.assertion(listed)))


def uses(count: int) -> list[SigningIntent]:
    return documents(count, SEAL)


def test_requester_and_custodian_each_touch_once_for_several_uses(cast: Cast) -> None:
    """And a signature of the requester's own is among theirs; the custodian has other ones among theirs."""
    intents, own = uses(3), intent_for(PERSON)
    cast.approve([*intents, own])
    assert cast.web.sign_document(own)
    for each in intents:
        assert not cast.web.approvals(each).enough
        with pytest.raises(ActivationRefused, match="one of its custodians"):
            cast.web.sign_document(each)
    cast.approve(intents[:2], CUSTODIAN)
    cast.authority.confirm(cast.devices[CUSTODIAN], CUSTODIAN, intents[2])

    assert all(cast.web.sign_document(each) for each in intents)
    with cast.store() as store:
        kept = {nonce: json.loads(act) for nonce, act in store.execute("SELECT nonce, act FROM acts")}
    asked, answered = SigningBatch((*intents, own)).root.hex(), SigningBatch(tuple(intents[:2])).root.hex()
    assert kept[intents[1].nonce]["batches"] == {
        PERSON: {"count": 4, "place": 2, "root": asked},
        CUSTODIAN: {"count": 2, "place": 2, "root": answered},
    }
    assert set(kept[intents[2].nonce]["batches"]) == {PERSON}, "the custodian decided about this one alone"
    assert kept[own.nonce]["batch"]["count"] == 4


def test_one_person_alone_releases_no_seal_by_a_batch(cast: Cast) -> None:
    intents = uses(2)
    cast.approve(intents, CUSTODIAN)
    assert "already" in str(cast.refuses(intents, cast.assertion(intents, CUSTODIAN)))
    with pytest.raises(ActivationRefused):
        cast.web.sign_document(intents[0])
    asked = uses(2)
    cast.approve(asked)
    no_custodian = cast.assertion(asked, OTHER)
    assert "one of its custodians" in str(cast.refuses(asked, no_custodian)), "two who ask release nothing"


def test_forty_uses_of_a_seal_take_one_touch_of_its_custodian(cast: Cast) -> None:
    intents = uses(40)
    cast.approve(intents)
    cast.approve(intents, CUSTODIAN)
    assert all(cast.web.sign_document(each) for each in intents)


def test_what_one_custodian_takes_back_leaves_the_others(cast: Cast) -> None:
    intents = uses(2)
    cast.approve(intents)
    cast.approve(intents, CUSTODIAN)
    cast.web.take_back_approval(intents[0], CUSTODIAN)
    assert list(cast.web.approvals(intents[0]).together) == [PERSON]
    assert list(cast.web.approvals(intents[1]).together) == [PERSON, CUSTODIAN]
    with pytest.raises(ActivationRefused):
        cast.web.sign_document(intents[0])
    assert cast.web.sign_document(intents[1])


def test_pin_and_code_activate_no_batch(cast: Cast) -> None:
    secret = enrol_pin(cast.authority, "person-batch-pin")
    given = answer("person-batch-pin", secret)
    intents = documents(2, "person-batch-pin")
    assert "bound to none of them" in str(cast.refuses(intents, given))


def test_no_document_is_there_twice(cast: Cast) -> None:
    first, second = documents(2)
    for twice in (
        [first, first],
        [first, replace(second, nonce=first.nonce)],
        [first, replace(first, nonce=second.nonce)],
    ):
        with pytest.raises(BadRequest, match="twice"):
            SigningBatch(tuple(twice))
        given = cast.assertion([first, second])
        with pytest.raises(BadRequest, match="twice"):
            cast.authority.client("activation").approve_batch(twice, given)


def test_no_more_than_the_limit(cast: Cast) -> None:
    assert cast.web.batch_limit() == 50
    intents = documents(51)
    assert "At most 50" in str(cast.refuses(intents, cast.assertion(intents)))
    with pytest.raises(BadRequest, match=f"to {MOST_MEMBERS} documents"):
        SigningBatch(tuple(documents(MOST_MEMBERS + 1)))
    one = documents(1)
    given = cast.devices[PERSON].activate(PERSON, one[0])
    assert "documents can be confirmed at once" in str(cast.refuses(one, given))


def test_what_was_not_in_the_batch_is_not_signed_whatever_the_store_says(cast: Cast) -> None:
    """Somebody writes into the authority's database: an approval with the root of a batch of others."""
    intents, invented = documents(), intent_for(PERSON, document=b"invented")
    cast.approve(intents)
    with cast.store() as store:
        store.execute(
            "INSERT INTO approvals (nonce, subject, challenge, credential, strength, approved, expires)"
            " SELECT ?, subject, ?, credential, strength, approved, expires FROM approvals WHERE nonce = ?",
            (invented.nonce, invented.challenge(), intents[0].nonce),
        )
        store.execute(
            "INSERT INTO batch_members"
            " SELECT (SELECT number FROM approvals WHERE nonce = ?1), ?1, root, 4, 3, path FROM batch_members"
            " WHERE nonce = ?2",
            (invented.nonce, intents[0].nonce),
        )
    with pytest.raises(ActivationRefused, match="not among"):
        cast.web.sign_document(invented)
    assert cast.web.sign_document(intents[0])


def test_a_changed_path_signs_nothing_and_uses_nothing_up(cast: Cast) -> None:
    intents = documents()
    cast.approve(intents)
    with cast.store() as store:
        [[trigger]] = store.execute("SELECT sql FROM sqlite_schema WHERE name = 'batch_members_stay'")
        with pytest.raises(sqlite.IntegrityError, match="never changed"):
            store.execute("UPDATE batch_members SET place = place")
        [[path]] = store.execute("SELECT path FROM batch_members WHERE nonce = ?", (intents[0].nonce,))
        change = "UPDATE batch_members SET path = ? WHERE nonce = ?"
        for written, match in ((bytes(len(path)), "not among"), (path, None)):
            store.execute("DROP TRIGGER batch_members_stay")
            store.execute(change, (written, intents[0].nonce))
            store.execute(trigger)
            if match:
                with pytest.raises(ActivationRefused, match=match):
                    cast.web.sign_document(intents[0])
    assert cast.web.sign_document(intents[0])


def test_a_batch_at_the_limit_fits_into_one_request_whatever_its_parties_are_called(cast: Cast) -> None:
    names = tuple(f"{number:02}{'甲' * 198}" for number in range(50))
    with pytest.raises(BadRequest, match="take fewer"):
        SigningBatch(tuple(replace(each, parties=names) for each in documents(50)))
    largest = [replace(each, parties=names, title="乙" * 200) for each in documents(25)]
    cast.approve(largest)
    assert cast.web.sign_document(largest[24])


@pytest.fixture(scope="module")
def single() -> Iterator[Cast]:
    """An authority that takes no batches."""
    with running_authority(settings="[activation]\nbatch_limit = 1\n", workers=1) as own:
        yield Cast(own, {PERSON: own.enrol_person(PERSON)})


def test_batches_can_be_switched_off(single: Cast) -> None:
    intents = documents(2)
    assert single.web.batch_limit() == 0
    assert "on its own" in str(single.refuses(intents, single.assertion(intents)))


@pytest.mark.parametrize("count", [2, 3, 7, 8, MOST_MEMBERS])
def test_every_member_proves_its_place_and_no_other(count: int) -> None:
    batch = SigningBatch(tuple(documents(count)))
    memberships = batch.memberships()
    for intent, membership in zip(batch.members, memberships, strict=True):
        membership.require(intent.challenge())
    last = memberships[-1]
    for wrong in (
        replace(last, index=0),
        replace(last, count=count + 1),
        replace(last, root=bytes(32)),
        BatchMembership(last.root, count, last.index, ()),
    ):
        with pytest.raises(ConsistencyRefused):
            wrong.require(batch.members[-1].challenge())
