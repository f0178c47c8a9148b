"""Appointing the first officers: they enrol everybody else, and sign nothing."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hsm.authenticator import SoftwareAuthenticator
from hsm.ceremony.plan import AppointmentPlan, OfficerPlan
from hsm.ceremony.transcript import Transcript
from hsm.config import AuthoritySettings
from hsm.errors import ConfigurationRefused
from hsm.intents import instant
from hsm.operations.context import AuthorityContext
from hsm.operations.people import credentials_from_details, subject_from_details
from hsm.store import SubjectKind
from hsm.store.ceremonies import digest_of, new_code

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
