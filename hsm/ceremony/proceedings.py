"""Holding the ceremony: root, issuing CA, services, wrapping key, first officers; then the authority can start.

Everything that the store learns is one transaction: a ceremony that breaks off leaves it unprovisioned, and keys
in the tokens that nothing refers to.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hsm.authenticator import SoftwareAuthenticator
from hsm.ceremony.issuance import CeremonyIssuance, publish
from hsm.ceremony.plan import AppointmentPlan, CeremonyPlan, OfficerPlan
from hsm.ceremony.tokens import CeremonyPins, open_token, prepare_tokens
from hsm.ceremony.transcript import Transcript
from hsm.certificates import Profile
from hsm.config import AuthoritySettings
from hsm.errors import CertificateRefused, ConfigurationRefused, UnknownKey
from hsm.generation import make_wrapping_key
from hsm.intents import instant
from hsm.operations.context import AuthorityContext, open_context
from hsm.operations.people import credentials_from_details, subject_from_details
from hsm.operations.records import save_record
from hsm.store import AuthorityStore, KeyRecord, SubjectKind
from hsm.store.ceremonies import digest_of, new_code
from hsm.store.registry import ROOT
from hsm.time_source import SharedTimes
from hsm.worker_messages import PinChange

SOFTWARE = "software"


def appoint(context: AuthorityContext, officer: OfficerPlan, transcript: Transcript, *, now: datetime) -> None:
    """Adds *officer* with the credential that the plan names. Raises :class:`ConfigurationRefused` without one."""
    details = {"subject": officer.subject, "name": officer.name, "organisation": officer.organisation}
    subject = subject_from_details(details, SubjectKind.OFFICER)
    public, kind = _credential(context.settings, officer)
    if public.get("kind") != "webauthn":
        raise ConfigurationRefused("The officer {subject} needs an authenticator.", subject=officer.subject)
    moment = int(now.timestamp())
    context.store.people.add_subject(subject, enrolled=moment)
    for credential in credentials_from_details(officer.subject, [public], context):
        context.store.people.add_credential(credential, added=moment)
    results = [
        ("name", f"{officer.name}, {officer.organisation}"),
        ("credential", f"{kind}, id {public.get('credential_id', '-')}"),
    ]
    transcript.step(f"The officer {officer.subject}", officer.hands, results)


def leave_codes(
    context: AuthorityContext, plan: AppointmentPlan, transcript: Transcript, *, now: datetime
) -> tuple[str, ...]:
    """Makes the set-up codes of *plan*. The store and the transcript get their hashes, the caller the codes."""
    until = now + timedelta(hours=plan.hours)
    codes = tuple(new_code() for _ in range(plan.codes))
    for code in codes:
        context.store.setup.add_code(digest_of(code), expires=int(until.timestamp()))
    results = [("count until", instant(until))]
    results += [("code, SHA-256", digest_of(code).hex()) for code in codes]
    transcript.step("Set-up codes for officers who register later", plan.hands, results)
    return codes


def _credential(settings: AuthoritySettings, officer: OfficerPlan) -> tuple[dict[str, Any], str]:
    """The public credential, and what to say of it in the transcript."""
    people = settings.home.root / "people"
    if officer.credential != SOFTWARE:
        return _read(settings.home.root / officer.credential), "an authenticator of the officer's own"
    path = people / f"{officer.subject}.json"
    people.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists():
        authenticator = SoftwareAuthenticator.load(path)
    else:
        origin = settings.activation.origins[0]
        authenticator = SoftwareAuthenticator.create(settings.activation.rp_id, origin)
        authenticator.save(path)
    return authenticator.credential(), "an authenticator IN SOFTWARE, for development only"


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationRefused(
            "The officer's credential {path} cannot be read; register the authenticator first.", path=path
        ) from error
    if not isinstance(value, dict):
        raise ConfigurationRefused("The officer's credential {path} is not a JSON object.", path=path)
    return value


@dataclass(frozen=True, slots=True)
class CeremonyResult:
    """The transcript's file and its SHA-256 (32 bytes), which the participants read aloud and the log records.

    ``setup_codes`` are in no file: whoever held the ceremony hands them out.
    """

    transcript: Path
    sha256: bytes
    setup_codes: tuple[str, ...] = field(default=(), repr=False)


def hold_ceremony(
    settings: AuthoritySettings, plan: CeremonyPlan, pins: CeremonyPins, *, show: Callable[[str], None]
) -> CeremonyResult:
    """Holds the ceremony of *plan* on an authority that has had none, showing each line of its transcript.

    Raises :class:`CertificateRefused` after an earlier ceremony, :class:`ConfigurationRefused` while the daemon
    runs, :class:`hsm.errors.TimeNotAvailable` without a proven clock, and what the token connection raises.
    """
    transcript = Transcript(show)
    with alone(settings.home.single):
        SharedTimes.create(settings.home.clock)
        _require_first(settings)
        prepared = prepare_tokens(settings, plan, pins)
        context = open_context(settings, PinChange(pins.user))
        try:
            now = context.now()
            transcript.begin(plan, now=now)
            parts = "one piece" if pins.root_parts == 1 else f"{pins.root_parts} parts, all of them needed"
            everybody = [each.hand for each in plan.participants]
            transcript.step("The tokens", everybody, [*prepared, ("PIN of the root's token", f"in {parts}")])
            with context.store.transaction():
                codes = _make_everything(context, plan, pins, transcript, now=now)
                transcript.end(plan.participants)
                return replace(record(context, plan.name, transcript, now=now), setup_codes=codes)
        finally:
            context.close()


def _make_everything(
    context: AuthorityContext, plan: CeremonyPlan, pins: CeremonyPins, transcript: Transcript, *, now: datetime
) -> tuple[str, ...]:
    root_token = open_token(context.settings, context.store, plan.tokens.root, pins.root)
    try:
        issuance = CeremonyIssuance(context, plan, root_token, transcript, now=now)
        issuance.make_root()
        issuance.make_issuing()
    finally:
        root_token.drop()
    for profile in (Profile.TSA, Profile.LOG, Profile.EVIDENCE):
        issuance.make_service(profile)
    issuance.publish_issuing_crl()
    made = make_wrapping_key(context.token, plan.wrapping.subject)
    record = KeyRecord(made.label, plan.wrapping.subject, "AES_256", made.public_key, made.attributes)
    context.store.registry.add_key(record, made=int(now.timestamp()))
    results = [("label", made.label), ("attributes read back", made.attributes)]
    transcript.step("The wrapping key (AES-256)", plan.wrapping.hands, results)
    for officer in plan.officers:
        appoint(context, officer, transcript, now=now)
    codes = leave_codes(context, plan.appointment, transcript, now=now) if plan.appointment else ()
    publish(
        context.settings.home.trust,
        root=issuance.root.certificate,
        issuing=issuance.issuing.certificate,
        log=issuance.log_key(),
    )
    transcript.line("")
    transcript.line(f"log key: {issuance.log_key().vkey()}")
    return codes


def record(context: AuthorityContext, name: str, transcript: Transcript, *, now: datetime) -> CeremonyResult:
    """Keeps the transcript of the ceremony *name*, and its hash in the caller's transaction."""
    return CeremonyResult(save_record(context, name, transcript.text(), now=now), transcript.sha256())


def _require_first(settings: AuthoritySettings) -> None:
    store = AuthorityStore(settings.home.store)
    try:
        store.registry.certificate(ROOT)
    except UnknownKey:
        return
    finally:
        store.close()
    raise CertificateRefused("This authority has a root already; a second ceremony would not change it.")


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """While no daemon runs on this home, and none can start."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise ConfigurationRefused("The authority is running; stop it before the ceremony.") from error
    finally:
        os.close(descriptor)
