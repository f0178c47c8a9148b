"""What a process under foreign control asks of the authority, row by row of the table in docs/architecture.md.

Tried in development (``test_rows.py``) and on a booted machine by its real users (``tests/machine/assault.py``);
nothing here needs more than the installed product. Each attempt has to end with a refusal.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from hsm import canonical
from hsm.authenticator import SoftwareAuthenticator
from hsm.batches import SigningBatch
from hsm.client import AuthorityClient
from hsm.errors import AuthorityError, AuthorityUnreachable, ModuleUnavailable
from hsm.intents import Challenging, OfficerIntent, PinTotpActivation, SigningIntent, WebAuthnActivation
from hsm.merkle import EMPTY_ROOT, extended, fold
from hsm.note import LogExtension
from hsm.timestamp import TimestampRequest
from hsm.timestamp.model import encode_imprint
from tests import powers_of_attorney

THIEF = "贼"
CODE = "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA"

DATES = frozenset({"web", "tsa", "scheduler"})
"""Roles that may ask for timestamps."""

LISTS = frozenset({"web", "scheduler", "console"})
"""Roles that may have revocation lists made."""


WITHDRAWS = frozenset({"web", "scheduler"})
"""Roles that may withdraw intents: stopping is always possible."""


class StillThereError(AuthorityError, code="still-there"):
    """What was to vanish has not."""


@dataclass(frozen=True, slots=True)
class Loot:
    """What the attacker has got hold of.

    ``passkeys``, by subject: people sign in at the portal with them whenever the attacker likes, over anything;
    the browser writes the portal's origin. ``wrapped`` is a key that the activation service has wrapped for
    ``context``. ``revoked`` is the serial number of a certificate, ``pin`` the HSM's. Everybody whom it takes has
    approved the use of the seal ``released``, before it was suspended. ``outside_seal`` is another company's.
    """

    portal: str
    rp_id: str
    organisation: str
    person: str
    custodian: str
    officer: str
    seal: str
    passkeys: Mapping[str, SoftwareAuthenticator]
    context: str = ""
    wrapped: bytes = b""
    revoked: int = 0
    pin: str = "000000"
    released: SigningIntent | None = None
    outside_seal: str = "seal-guest-00000000"

    def signed_in(self, subject: str, act: Challenging) -> WebAuthnActivation:
        """What the passkey of *subject* answers on a page of the portal that asks for *act*."""
        device = self.passkeys[subject]
        return replace(device, origin=self.portal, counter=device.counter + 1000).activate(subject, act)

    def signing(self, signer: str) -> SigningIntent:
        """That *signer* signs a document of the attacker's."""
        digest, nonce = hashlib.sha256(b"the attacker's").digest(), secrets.token_bytes(16)
        return SigningIntent("contract-1", "party-1", "Signature1", signer, digest, _soon(), nonce)

    def thief(self) -> SoftwareAuthenticator:
        """The attacker's own passkey, made on a page of the portal."""
        return SoftwareAuthenticator.create(self.rp_id, self.portal)


@dataclass(frozen=True, slots=True)
class Attempt:
    """``says``: what is tried, in a few words."""

    says: str
    act: Callable[[AuthorityClient], object]


def refusal_of(attempt: Attempt, authority: AuthorityClient) -> AuthorityError | None:
    """With what the *authority* refused the *attempt*; None when it did not, or did not answer at all."""
    try:
        attempt.act(authority)
    except (AuthorityUnreachable, ModuleUnavailable):
        return None
    except AuthorityError as refusal:
        return refusal
    return None


Row = Callable[[str, Loot], Iterator[Attempt]]


@dataclass(slots=True)
class _Rows:
    known: dict[str, Row] = field(default_factory=dict)

    def __call__(self, test: str) -> Callable[[Row], Row]:
        def register(row: Row) -> Row:
            self.known[test] = row
            return row

        return register


_of = _Rows()


def attempts(row: str, role: str, loot: Loot) -> Sequence[Attempt]:
    """What the process of *role* tries against the *row* (the name of its test)."""
    return list(_of.known[row](role, loot))


def rows() -> Sequence[str]:
    """The names of all rows, in the table's order."""
    return list(_of.known)


def officers(kind: str, /, **details: object) -> OfficerIntent:
    """An act that no officer has seen."""
    return OfficerIntent(kind, details, _soon(), secrets.token_bytes(16))


def _soon() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)


def _approving(loot: Loot, subject: str, act: SigningIntent | OfficerIntent) -> Iterator[Attempt]:
    """The answer of a sign-in is handed in for *act*."""
    stolen = loot.signed_in(subject, act)
    kind = act.kind if isinstance(act, OfficerIntent) else "a signature"
    yield Attempt(f"approve {kind} by a sign-in", lambda authority: authority.approve(act, stolen))
    yield Attempt(f"approve {kind} as an unlock", lambda authority: authority.approve_unlock(act, stolen))


def _without_officers(loot: Loot, acts: Sequence[OfficerIntent]) -> Iterator[Attempt]:
    """Each act with nothing but the sign-in of an officer, and of somebody who is none."""
    for act in acts:
        yield from _approving(loot, loot.officer, act)
        yield from _approving(loot, loot.person, act)
        name = {"enrol_keeper": "enrol_pin_custodian"}.get(act.kind, act.kind)
        yield Attempt(
            f"{act.kind} without officers", lambda authority, act=act, name=name: getattr(authority, name)(act)
        )


@_of("test_a_sign_in_activates_nothing")
def _sign_in(_role: str, loot: Loot) -> Iterator[Attempt]:
    for signer in (loot.person, loot.seal):
        yield from _approving(loot, loot.person, loot.signing(signer))
    intent = loot.signing(loot.person)
    typed = PinTotpActivation(loot.person, "246810", "000000")
    yield Attempt("approve by PIN and code", lambda authority: authority.approve(intent, typed))


@_of("test_no_document_joins_a_batch")
def _batch(_role: str, loot: Loot) -> Iterator[Attempt]:
    batch = SigningBatch(tuple(replace(loot.signing(loot.person), field=f"Signature{each}") for each in range(3)))
    stolen = loot.signed_in(loot.person, batch)
    yield Attempt("approve a batch", lambda authority: authority.approve_batch(list(batch.members), stolen))
    for member in batch.members[:1]:
        yield Attempt("sign one of a batch", lambda authority, member=member: authority.sign_document(member))


@_of("test_nothing_is_signed_without_its_people")
def _sign(_role: str, loot: Loot) -> Iterator[Attempt]:
    for signer in (loot.person, loot.custodian, loot.seal, loot.officer):
        intent = loot.signing(signer)
        yield from _approving(loot, loot.person, intent)
        yield Attempt(
            f"sign as {signer.partition('-')[0]}", lambda authority, intent=intent: authority.sign_document(intent)
        )


@_of("test_nothing_is_signed_for_other_software_unseen")
def _remote(_role: str, loot: Loot) -> Iterator[Attempt]:
    documents = [{"digest": hashlib.sha256(b"the attacker's").hexdigest(), "label": "note.pdf"}]
    for use in ("document", "hash"):
        named = {"subject": loot.person, "use": use}
        act = officers("sign_remotely", **named, client="Office", documents=documents)
        yield from _approving(loot, loot.person, act)
        yield Attempt(f"sign a {use} for other software", lambda authority, act=act: authority.sign_remotely(act))
        yield from _without_officers(loot, [officers("add_remote_key", **named)])
        own = loot.signing(f"{loot.person}.{use}")
        yield Attempt(
            f"sign a contract by the key for a {use}", lambda authority, own=own: authority.sign_document(own)
        )


@_of("test_what_was_withdrawn_is_not_used")
def _withdrawn(role: str, loot: Loot) -> Iterator[Attempt]:
    intent = loot.signing(loot.seal)
    if role not in WITHDRAWS:
        yield Attempt("withdraw an intent", lambda authority: authority.withdraw(intent))
    yield from _approving(loot, loot.custodian, intent)
    yield Attempt("sign what nobody approves", lambda authority: authority.sign_document(intent))


@_of("test_no_other_key_takes_the_place_of_a_persons")
def _register(_role: str, loot: Loot) -> Iterator[Attempt]:
    thief, person = loot.thief(), loot.person
    made, key = thief.register(bytes(32)), bytes.fromhex(thief.credential()["public_key"])
    known = thief.activate(person, loot.signing(person))
    yield Attempt("begin a registration", lambda authority: authority.begin_registration(person))
    yield Attempt("register a passkey", lambda authority: authority.register_passkey(person, made))
    yield Attempt(
        "register a passkey that is there",
        lambda authority: authority.register_known_passkey(person, bytes(32), key, known),
    )
    yield Attempt("register a PIN", lambda authority: authority.register_pin(person, "x", b"x", "000000"))
    for named in ("0000 0000 0000 0000 0000", thief.credential()):
        yield from _without_officers(loot, [officers("add_credential", subject=person, credential=named)])
    own = loot.passkeys[person].credential_id.hex()
    yield from _without_officers(loot, [officers("revoke_credential", subject=person, credential=own)])


@_of("test_a_suspended_seal_stays_so")
def _suspended(_role: str, loot: Loot) -> Iterator[Attempt]:
    yield from _without_officers(loot, [officers("resume_seal", subject=loot.seal)])
    for intent in filter(None, (loot.released, loot.signing(loot.seal))):
        yield Attempt("use the suspended seal", lambda authority, intent=intent: authority.sign_document(intent))


@_of("test_nobody_makes_themselves_a_custodian")
def _custodians(_role: str, loot: Loot) -> Iterator[Attempt]:
    changes: dict[str, dict[str, Any]] = {
        "add_custodian": {"custodian": loot.person},
        "remove_custodian": {"custodian": loot.custodian},
        "set_custodians_needed": {"needed": 1},
        "change_picture": {"picture": "0" * 64},
        "destroy_seal": {},
    }
    acts = [officers(kind, subject=loot.seal, **more) for kind, more in changes.items()]
    yield from _without_officers(loot, acts)


@_of("test_another_companys_seal_is_its_own_peoples")
def _outside_seal(_role: str, loot: Loot) -> Iterator[Attempt]:
    made = {"name": "外部公司公章", "organisation": "外部公司", "kind": "公章", "needed": 1}
    acts = [
        officers("enrol_seal", subject="seal-guest-thief", custodians=[loot.person], **made),
        officers("add_custodian", subject=loot.outside_seal, custodian=loot.person),
        officers("set_custodians_needed", subject=loot.outside_seal, needed=1),
        officers("resume_seal", subject=loot.outside_seal),
    ]
    yield from _without_officers(loot, acts)
    intent = loot.signing(loot.outside_seal)
    for subject in (loot.person, loot.custodian):
        yield from _approving(loot, subject, intent)
    yield Attempt("use another company's seal", lambda authority: authority.sign_document(intent))


@_of("test_nobody_vouches_but_the_person_who_saw_it")
def _vouch(_role: str, loot: Loot) -> Iterator[Attempt]:
    guest, made = "person-guest-thief", loot.thief().register(bytes(32))
    signer = {"subject": guest, "name": THIEF, "organisation": "外部公司", "party": "p", "channel": "1"}
    act = officers("vouch", contract="c", title="t", signers=[signer])
    for subject in (loot.person, loot.officer):
        yield from _approving(loot, subject, act)
    yield Attempt("vouch, and have the code", lambda authority: authority.vouch(act))
    yield Attempt("guess a code", lambda authority: authority.register_vouched(guest, "0000 0000", made, ""))
    yield Attempt("sign as who was vouched for", lambda authority: authority.sign_document(loot.signing(guest)))


@_of("test_no_officer_without_a_code")
def _appoint(_role: str, loot: Loot) -> Iterator[Attempt]:
    made = loot.thief().register(bytes(32))
    yield Attempt(
        "appoint an officer",
        lambda authority: authority.appoint_officer(CODE, "officer-thief", THIEF, loot.organisation, made, ""),
    )


@_of("test_no_officer_comes_back_without_a_code")
def _restore(_role: str, loot: Loot) -> Iterator[Attempt]:
    made = loot.thief().register(bytes(32))
    yield Attempt("restore an officer", lambda authority: authority.restore_officer(CODE, loot.officer, made, ""))


@_of("test_nobody_chooses_the_time")
def _time(role: str, _loot: Loot) -> Iterator[Attempt]:
    order = TimestampRequest(encode_imprint("sha256", hashlib.sha256(b"x").digest()), None, None, False).fields()
    for more in ([0], ["2020-01-01T00:00:00Z"], [None]):
        yield Attempt(
            "order another time", lambda authority, more=more: authority.timestamp_fields([[*order, *more]])
        )
    if role not in DATES:
        yield Attempt("order a timestamp", lambda authority: authority.timestamp_fields([order]))


@_of("test_the_log_is_not_rewritten")
def _log(_role: str, _loot: Loot) -> Iterator[Attempt]:
    other = [hashlib.sha256(b"another").digest()]
    for extension in (
        LogExtension(0, [], other, fold(extended(0, [], other))),
        LogExtension(3, [EMPTY_ROOT, EMPTY_ROOT], other, EMPTY_ROOT),
    ):
        yield Attempt("sign another log", lambda authority, extension=extension: authority.checkpoint(extension))


@_of("test_nothing_else_is_signed_as_evidence")
def _manifest(_role: str, _loot: Loot) -> Iterator[Attempt]:
    invented = {
        "format": "vermilion-evidence-manifest/3",
        "contract": "contract-1",
        "created": "2026-01-01T00:00:00Z",
        "made_for": "somebody",
        "checkpoint": {"origin": "vermilion.example/log", "size": 9, "root": "A" * 43 + "="},
        "withheld": [],
        "powers_stated_since": 0,
        "files": [{"path": "contract.pdf", "sha256": "0" * 64, "size": 1}],
    }
    captured = {name: value for name, value in invented.items() if name not in ("contract", "withheld")}
    del captured["powers_stated_since"]
    captured |= {"format": "vermilion-capture-manifest/1", "capture": "0" * 24}
    forms = canonical.encode(invented), canonical.encode(captured)
    for manifest in (b"a contract", *forms, json.dumps(invented).encode()):
        yield Attempt("sign as evidence", lambda authority, manifest=manifest: authority.sign_manifest(manifest))


@_of("test_no_power_of_attorney_is_invented")
def _power(role: str, loot: Loot) -> Iterator[Attempt]:
    named = powers_of_attorney.details(subject=f"power-{secrets.token_hex(6)}", agent=loot.person)
    named["registered_by"] = loot.person
    yield from _without_officers(loot, [officers("confirm_power", **named)])
    if role == "web":
        yield Attempt("read an invented statement", lambda authority: authority.power_statement(named["subject"]))


@_of("test_no_authority_of_others_is_invented")
def _anchor(role: str, loot: Loot) -> Iterator[Attempt]:
    named = {"subject": f"anchor-{secrets.token_hex(6)}", "organisation": "丙公司", "certificate": "0" * 64}
    yield from _without_officers(loot, [officers("approve_anchor", **named)])
    if role == "web":
        yield Attempt("read an invented approval", lambda authority: authority.anchor_statement(named["subject"]))


@_of("test_no_identity_is_created")
def _identity(_role: str, loot: Loot) -> Iterator[Attempt]:
    named = {"name": "董事长", "organisation": loot.organisation, "credentials": ["0000 0000 0000 0000 0000"]}
    seal = {
        "name": "公章",
        "organisation": loot.organisation,
        "kind": "公章",
        "custodians": [loot.person],
        "needed": 1,
    }
    yield from _without_officers(
        loot,
        [
            officers("enrol_person", subject="person-invented", **named),
            officers("enrol_officer", subject="officer-invented", **named),
            officers("enrol_seal", subject="seal-invented", **seal),
            officers("revoke_certificate", subject=loot.person, reason="superseded"),
            officers("retire", subject=loot.person, reason="superseded"),
            officers("rotate", subject="tsa"),
        ],
    )


@_of("test_nobody_unlocks_alone")
def _unlock(_role: str, loot: Loot) -> Iterator[Attempt]:
    act = officers("unlock")
    yield from _approving(loot, loot.officer, act)
    for given in ([], [loot.signed_in(loot.officer, act)]):
        yield Attempt("unlock", lambda authority, given=given: authority.unlock(act, given, [loot.pin]))


@_of("test_no_custodian_of_the_pin_is_ended_or_enrolled")
def _pin_custodians(_role: str, loot: Loot) -> Iterator[Attempt]:
    details = {"subject": "keeper-thief", "name": THIEF, "organisation": loot.organisation}
    yield from _without_officers(
        loot, [officers("enrol_keeper", **details, credentials=[loot.thief().credential()])]
    )
    yield Attempt("end a PIN custodian", lambda authority: authority.end_pin_custodian("keeper-thief"))


@_of("test_nobody_else_reads_the_store")
def _store(role: str, _loot: Loot) -> Iterator[Attempt]:
    if role != "backup":
        yield Attempt("begin a backup", lambda authority: authority.begin_backup())
        yield Attempt("read a piece of one", lambda authority: authority.backup_piece("0" * 16, 0))
    yield Attempt("sign another backup", lambda authority: authority.sign_backup("0" * 16, b"{}"))
    yield Attempt("read the store", lambda authority: authority.backup_piece("../authority", 0))


@_of("test_no_revocation_is_hidden")
def _revoked(role: str, loot: Loot) -> Iterator[Attempt]:
    def without(make: Callable[[AuthorityClient], Sequence[bytes]]) -> Callable[[AuthorityClient], None]:
        def act(authority: AuthorityClient) -> None:
            lists = [x509.load_der_x509_crl(each) for each in make(authority)]
            if any(each.get_revoked_certificate_by_serial_number(loot.revoked) is not None for each in lists):
                raise StillThereError("The revocation is listed.")

        return act

    def hear(authority: AuthorityClient) -> None:
        issuer = x509.load_der_x509_certificate(authority.authorities()[0])
        name, key = issuer.subject.public_bytes(), x509.SubjectKeyIdentifier.from_public_key(issuer.public_key())
        hashed = (hashlib.sha1(name, usedforsecurity=False).digest(), key.digest)
        asked = ocsp.OCSPRequestBuilder().add_certificate_by_hash(*hashed, loot.revoked, hashes.SHA1())  # noqa: S303
        reply = ocsp.load_der_ocsp_response(authority.ocsp_reply(asked.build().public_bytes(Encoding.DER)))
        if reply.certificate_status is ocsp.OCSPCertStatus.REVOKED:
            raise StillThereError("The answer tells of the revocation.")

    yield Attempt("read lists without it", without(lambda authority: authority.crls()))
    yield Attempt("hear that it is good", hear)
    if role in LISTS:
        yield Attempt("have a list made without it", without(lambda authority: [authority.issue_crl()]))


@_of("test_no_key_is_exchanged_at_run_time")
def _exchange(_role: str, loot: Loot) -> Iterator[Attempt]:
    yield from _without_officers(loot, [officers("rotate", subject=each) for each in ("root", "issuing", "log")])


@_of("test_no_role_opens_anothers_secrets")
def _unwrap(role: str, loot: Loot) -> Iterator[Attempt]:
    for context in (loot.context, f"activation:{loot.context}", f"{role}:{loot.context}", f"totp:{loot.person}"):
        yield Attempt(
            "open another's secret",
            lambda authority, context=context: authority.unwrap_key(context, loot.wrapped),
        )
