"""Holding the ceremony: root, issuing CA, services, wrapping key, first officers; then the authority can start.

Everything that the store learns is one transaction: a ceremony that breaks off leaves it unprovisioned, and keys
in the tokens that nothing refers to.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from hsm.authenticator import SoftwareAuthenticator
from hsm.ceremony.context import (
    CeremonyContext,
    CeremonyPins,
    CeremonyResult,
    ceremony_context,
    opened_token,
    prepare_tokens,
)
from hsm.ceremony.issuance import CeremonyIssuance
from hsm.ceremony.plan import AppointmentPlan, CeremonyPlan, OfficerPlan
from hsm.certificates import Issuer, Profile
from hsm.config import AuthoritySettings
from hsm.errors import CertificateRefused, ConfigurationRefused, UnknownKey
from hsm.generation import make_wrapping_key
from hsm.intents import instant
from hsm.operations.context import AuthorityContext
from hsm.operations.people import passkey_from_fields, subject_from_details
from hsm.store import SubjectKind
from hsm.store.ceremonies import digest_of, new_code
from hsm.store.registry import ISSUING, ROOT
from hsm.vouching import EVENTS

SOFTWARE = "software"


def _appoint(ceremony: CeremonyContext, officer: OfficerPlan) -> None:
    """Adds *officer* with the credential that the plan names. Raises :class:`ConfigurationRefused` without one."""
    context, moment = ceremony.context, int(ceremony.now.timestamp())
    details = {"subject": officer.subject, "name": officer.name, "organisation": officer.organisation}
    subject = subject_from_details(details, SubjectKind.OFFICER)
    public, kind = _credential(context.settings, officer)
    if public.get("kind") != "webauthn":
        raise ConfigurationRefused("The officer {subject} needs an authenticator.", subject=officer.subject)
    credential = passkey_from_fields(officer.subject, public, rp_id=context.settings.activation.rp_id)
    context.store.people.add_subject(subject, enrolled=moment)
    context.store.people.add_credential(credential, added=moment)
    results = [
        ("name", f"{officer.name}, {officer.organisation}"),
        ("credential", f"{kind}, id {public.get('credential_id', '-')}"),
    ]
    ceremony.transcript.step(f"The officer {officer.subject}", officer.hands, results)


def _require_officers(ceremony: CeremonyContext, plan: CeremonyPlan) -> None:
    """Keeps how many officers a decision takes; the transcript warns where one is enough."""
    count = plan.officers_required
    ceremony.context.store.ceremonies.require_officers(count)
    results = [("officers whose activations a decision takes", str(count))]
    if count == 1:
        results.append(
            ("WARNING", "one officer alone can enrol people and seals; officers_required = 2 prevents that")
        )
    ceremony.transcript.step("The number of officers", [each.hand for each in plan.participants], results)


def _leave_codes(ceremony: CeremonyContext, plan: AppointmentPlan) -> tuple[str, ...]:
    """Makes the set-up codes of *plan*. The store and the transcript get their hashes, the caller the codes."""
    until = ceremony.now + timedelta(hours=plan.hours)
    codes = tuple(new_code() for _ in range(plan.codes))
    for code in codes:
        ceremony.context.store.setup.add_code(digest_of(code), expires=int(until.timestamp()))
    results = [("count until", instant(until))]
    results += [("code, SHA-256", digest_of(code).hex()) for code in codes]
    ceremony.transcript.step("Set-up codes for officers who register later", plan.hands, results)
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


def hold_ceremony(
    settings: AuthoritySettings, plan: CeremonyPlan, pins: CeremonyPins, *, show: Callable[[str], None]
) -> CeremonyResult:
    """Holds the ceremony of *plan* on an authority that has had none, showing each line of its transcript.

    Raises :class:`CertificateRefused` after an earlier ceremony, :class:`ConfigurationRefused` while the daemon
    runs, :class:`hsm.errors.TimeNotAvailable` without a proven clock, and what the token connection raises.
    """
    with ceremony_context(settings, pins.user, show) as ceremony:
        context, transcript = ceremony.context, ceremony.transcript
        _require_first(context)
        prepared = prepare_tokens(settings, plan, pins)
        heading = (
            f"Key ceremony: {plan.name}",
            f"Purpose: {plan.purpose}",
            f"Organisation: {plan.organisation} ({plan.country})",
            ceremony.held_at(),
        )
        transcript.begin(heading, plan.participants)
        parts = "one piece" if pins.root.parts == 1 else f"{pins.root.parts} parts, all of them needed"
        everybody = [each.hand for each in plan.participants]
        transcript.step("The tokens", everybody, [*prepared, ("PIN of the root's token", f"in {parts}")])
        with context.store.transaction():
            codes = _make_everything(ceremony, plan, pins)
            return ceremony.end(plan.name, plan.participants, codes)


def _make_everything(ceremony: CeremonyContext, plan: CeremonyPlan, pins: CeremonyPins) -> tuple[str, ...]:
    context, transcript = ceremony.context, ceremony.transcript
    with opened_token(context, plan.tokens.root, pins.root.pin) as root_token:
        issuance = CeremonyIssuance(ceremony, root_token)
        root = plan.key(Profile.ROOT)
        issuance.make_root(plan.name_of(root), root.algorithm, root.hands)
        for profile in (Profile.ISSUING, Profile.EVENTS):
            _make_key(issuance, plan, profile, issuance.root)
    for profile in (Profile.TSA, Profile.LOG, Profile.EVIDENCE):
        _make_key(issuance, plan, profile, context.issuer())
    for issuer in (ISSUING, EVENTS):
        issuance.publish_issuing_crl(issuer)
    made = make_wrapping_key(context.token, plan.wrapping.subject)
    context.store.registry.add_key(made, made=int(ceremony.now.timestamp()))
    results = [("label", made.label), ("attributes read back", made.attributes)]
    transcript.step("The wrapping key (AES-256)", plan.wrapping.hands, results)
    for officer in plan.officers:
        _appoint(ceremony, officer)
    _require_officers(ceremony, plan)
    codes = _leave_codes(ceremony, plan.appointment) if plan.appointment else ()
    log = issuance.publish_anchors()
    transcript.line("")
    transcript.line(f"log key: {log.vkey()}")
    return codes


def _make_key(issuance: CeremonyIssuance, plan: CeremonyPlan, profile: Profile, issuer: Issuer) -> None:
    step = plan.key(profile)
    name = plan.name_of(step)
    issuance.add_service(step.subject, name)
    key = issuance.make_key(step.subject, step.algorithm)
    issuance.certify(profile, name, key, issuer, hands=step.hands)


def _require_first(context: AuthorityContext) -> None:
    with suppress(UnknownKey):
        context.certificate(ROOT)
        raise CertificateRefused("This authority has a root already; a second ceremony would not change it.")
