"""A new way in for officers who lost their authenticators, by root and the custodians of the root's PIN.

Without it an appliance whose officers cannot activate any more enrols and revokes nobody for ever. It is a
ceremony: the authority stands still, the custodians give the PIN of the root's token, and the root's key itself
signs what was decided, so that neither root alone nor a token that only has the same label brings it about.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature

from hsm import canonical
from hsm.ceremony.context import CeremonyContext, CeremonyResult, RootPin, ceremony_context, opened_token
from hsm.ceremony.plan import RecoveryPlan
from hsm.config import AuthoritySettings
from hsm.errors import ActivationRefused, ConfigurationRefused
from hsm.intents import instant
from hsm.keys import signed_by
from hsm.operation_types import OFFICER_RECOVERY
from hsm.operations.context import AuthorityContext
from hsm.store import SubjectKind
from hsm.store.ceremonies import digest_of, new_code
from hsm.store.registry import ROOT
from hsm.token import TokenConnection


def hold_recovery(
    settings: AuthoritySettings, plan: RecoveryPlan, pin: RootPin, *, show: Callable[[str], None]
) -> CeremonyResult:
    """Does what *plan* says, all of it or nothing, showing each line of its transcript; the result has the codes.

    1. nobody else serves this home; the clock is proven;
    2. everybody named is an officer;
    3. the root's token opens with its PIN, and its key signs the plan's hash and those of the codes;
    4. their authenticators end, the codes' hashes, the transcript's hash: one durable transaction.

    Raises :class:`ActivationRefused`, :class:`ConfigurationRefused` while the daemon runs,
    :class:`hsm.errors.TimeNotAvailable`, and what the token connection raises.
    """
    with (
        ceremony_context(settings, None, show) as ceremony,
        opened_token(ceremony.context, plan.root, pin.pin) as root_token,
    ):
        codes = {officer: new_code() for officer in plan.officers}
        _require_officers(ceremony.context, plan)
        signature = _signed_by_root(ceremony.context, root_token, _decided(plan, codes, ceremony.now))
        heading = (
            f"Recovery of officers: {plan.name}",
            f"Purpose: {plan.purpose}",
            ceremony.held_at(),
            f"SHA-256 of the file: {plan.sha256.hex()}",
            f"PIN of the root's token: {'in one piece' if pin.parts == 1 else f'in {pin.parts} parts'}",
        )
        with ceremony.context.store.transaction():
            ceremony.transcript.begin(heading, plan.participants)
            for officer, code in codes.items():
                _recover(ceremony, plan, officer, code)
            ceremony.transcript.line("")
            ceremony.transcript.line(f"Signature of the root's key: {signature.hex()}")
            return ceremony.end(f"{OFFICER_RECOVERY}-{plan.name}", plan.participants, tuple(codes.values()))


def _require_officers(context: AuthorityContext, plan: RecoveryPlan) -> None:
    for officer in plan.officers:
        if context.store.people.subject(officer).kind is not SubjectKind.OFFICER:
            raise ConfigurationRefused("{subject} is no officer.", subject=officer)


def _decided(plan: RecoveryPlan, codes: dict[str, str], now: datetime) -> bytes:
    """What the root's key signs: which file, when, and the codes' hashes."""
    hashes = {officer: digest_of(code).hex() for officer, code in codes.items()}
    decided = {"plan": plan.sha256.hex(), "held": instant(now), "codes": hashes}
    return canonical.encode({"act": OFFICER_RECOVERY, **decided})


def _signed_by_root(context: AuthorityContext, token: TokenConnection, data: bytes) -> bytes:
    kept = context.store.registry.key(context.store.registry.certificate(ROOT).label)
    try:
        return signed_by(token, kept, data)
    except InvalidSignature as error:
        raise ActivationRefused(_NOT_ROOT) from error


_NOT_ROOT = "The token that was opened does not hold the root's key; bring the one of the ceremony."


def _recover(ceremony: CeremonyContext, plan: RecoveryPlan, officer: str, code: str) -> None:
    """Ends the authenticators and earlier codes of *officer* and leaves *code*, in the caller's transaction."""
    store, moment, until = (
        ceremony.context.store,
        int(ceremony.now.timestamp()),
        ceremony.now + timedelta(hours=plan.hours),
    )
    store.setup.end_recoveries(officer, at=moment)
    ended = store.people.revoke_credentials(officer, revoked=moment)
    restored = officer in plan.restored
    if restored:
        store.setup.add_recovery(digest_of(code), officer=officer, expires=int(until.timestamp()), at=moment)
    else:
        store.setup.add_code(digest_of(code), expires=int(until.timestamp()))
    known = store.people.subject(officer)
    results = [
        ("name", f"{known.name}, {known.organisation}"),
        ("authenticators ended", str(ended)),
        ("code, SHA-256", digest_of(code).hex()),
        ("counts until", instant(until)),
    ]
    what = "registers a new authenticator" if restored else "is replaced by a new officer"
    ceremony.transcript.step(f"{officer} {what}", [each.hand for each in plan.participants], results)
