"""Officers' decisions about seals that exist, and about the keys of services (which administrators ask for),
prepared: checked against what is known here. The authority checks each of them again, by what it knows itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from appliance.appearances.seal_scan import SealPicture
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.office import NewPinCustodian, OfficerDecision, OfficerDecisionKind
from appliance.model.people import Seal
from appliance.office import effects
from appliance.office.notices import checked_reason
from appliance.store import directory, people
from appliance.store import seals as store
from appliance.store.database import Database
from hsm.client import AuthorityClient

SaveDraft = Callable[[OfficerDecisionKind, str, Mapping[str, Any], Mapping[str, Any], str], OfficerDecision]
"""Puts an open act on disk: kind, subject, details, notes, who prepares it."""

REASON_MISSING = "Say why; the reason goes on record."


class SealDecisionDrafts:
    """Makes open acts about seals. Nothing is done yet: each waits for officers' activations. Thread-safe."""

    def __init__(self, database: Database, keep: SaveDraft, now: Callable[[], datetime]) -> None:
        self._database = database
        self._save = keep
        self._now = now

    def draft_resumption(self, seal: str, *, reason: str, by: str) -> OfficerDecision:
        """The act that lets a suspended seal be used again. Raises :class:`StateRefused` when it is in use."""
        known = self._existing(seal)
        if known.suspended is None:
            raise StateRefused("Another officer has changed this seal in the meantime.")
        if len(known.custodians) < known.needed:
            raise PreconditionRefused(
                "Custodians that the seal takes: {needed}; add them first.", needed=known.needed
            )
        return self._save(
            OfficerDecisionKind.RESUME_SEAL,
            seal,
            {"subject": seal},
            {"reason": checked_reason(reason, REASON_MISSING)},
            by,
        )

    def draft_custodian(self, seal: str, person: str, *, by: str) -> OfficerDecision:
        """The act by which one more person keeps the seal."""
        known = self._existing(seal)
        with self._database.reading() as tx:
            fitting = directory.can_keep_seals(tx, person, known.organisation)
        if not fitting:
            raise PreconditionRefused(
                "Custodians are enrolled people of {organisation} who have the custodian's role.",
                organisation=known.organisation,
            )
        if person in known.custodians:
            raise StateRefused("This person keeps the seal already.")
        return self._save(OfficerDecisionKind.ADD_CUSTODIAN, seal, {"subject": seal, "custodian": person}, {}, by)

    def draft_dismissal(self, seal: str, person: str, *, by: str) -> OfficerDecision:
        """The act by which a custodian keeps the seal no more, at once, by one officer's activation."""
        known = self._existing(seal)
        if person not in known.custodians:
            raise StateRefused("This person does not keep the seal any more.")
        if known.suspended is None and len(known.custodians) <= known.needed:
            raise PreconditionRefused(
                "Custodians that a seal in use keeps at least: {needed}; add another one"
                " first, or suspend the seal.",
                needed=known.needed,
            )
        return self._save(
            OfficerDecisionKind.REMOVE_CUSTODIAN, seal, {"subject": seal, "custodian": person}, {}, by
        )

    def draft_custodian_number(self, seal: str, needed: int, *, by: str) -> OfficerDecision:
        """The act by which one custodian or two release the seal."""
        known = self._existing(seal)
        if needed not in (1, 2) or needed == known.needed:
            raise PreconditionRefused("Choose another number of custodians than the one that holds: one or two.")
        if known.suspended is None and len(known.custodians) < needed:
            raise PreconditionRefused("Custodians that the seal takes: {needed}; add them first.", needed=needed)
        return self._save(
            OfficerDecisionKind.SET_CUSTODIANS_NEEDED, seal, {"subject": seal, "needed": needed}, {}, by
        )

    def draft_picture(self, seal: str, made: SealPicture | None, *, by: str) -> OfficerDecision:
        """The act that takes the picture *made* here into use; None: the drawn one again.

        The act's page shows it as it will be painted, so nobody activates what they have not seen.
        """
        known = self._existing(seal)
        digest = "" if made is None else hashlib.sha256(made.png).hexdigest()
        if digest == (known.picture or ""):
            raise StateRefused("The seal looks like this already.")
        notes: dict[str, Any] = {}
        if made is not None:
            notes = {"dpi": made.dpi, "advice": [each.value for each in made.advice]}
            with self._database.transaction() as tx:
                store.offer_picture(tx, seal, digest, made.png, at=self._now(), by=by)
        return self._save(
            OfficerDecisionKind.CHANGE_PICTURE, seal, {"subject": seal, "picture": digest}, notes, by
        )

    def draft_destruction(self, seal: str, *, reason: str, by: str) -> OfficerDecision:
        """The act that ends the seal for good."""
        self._existing(seal)
        words = checked_reason(reason, REASON_MISSING)
        return self._save(OfficerDecisionKind.DESTROY_SEAL, seal, {"subject": seal}, {"reason": words}, by)

    def _existing(self, subject: str) -> Seal:
        with self._database.reading() as tx:
            known = people.seal(tx, subject)
        if known.destroyed is not None:
            raise StateRefused("The seal is destroyed; nothing changes it any more.")
        return known


SERVICES: Final = ("tsa", "evidence")
"""Whose keys are exchanged while everything runs; the log's key is its identity, CAs take a ceremony."""

REASONS: Final = ("superseded", "key_compromise", "cessation_of_operation")


class ServiceDecisionDrafts:
    """Makes open acts; nothing is done before officers have activated them. Thread-safe."""

    def __init__(self, authority: AuthorityClient, keep: SaveDraft) -> None:
        self._authority = authority
        self._save = keep

    def draft_rotation(self, service: str, *, by: str) -> OfficerDecision:
        """The act that gives *service* a new key; the certificate before it stays valid until it ends.

        Raises :class:`PreconditionRefused` for what is no such service.
        """
        notes = {"serial": self._serial(service)}
        return self._save(OfficerDecisionKind.ROTATE, service, {"subject": service}, notes, by)

    def draft_revocation(self, service: str, serial: str, *, reason: str, by: str) -> OfficerDecision:
        """The act that revokes one certificate of *service*, which is not the one in use.

        Raises :class:`PreconditionRefused` for a reason or a number that cannot be, :class:`StateRefused` for the
        certificate in use, without which the service would stand still: rotate first.
        """
        number = serial.lower().removeprefix("0x").lstrip("0")
        if reason not in REASONS:
            raise PreconditionRefused("The reason is one of {reasons}.", reasons=", ".join(REASONS))
        if not number or set(number) - set("0123456789abcdef"):
            raise PreconditionRefused("A serial number has hexadecimal digits only.")
        if number == self._serial(service):
            raise StateRefused("This is the certificate in use; give {service} a new key first.", service=service)
        if effects.is_on_a_list(self._authority, int(number, 16)):
            raise StateRefused("The certificate {serial} is revoked already.", serial=number)
        details = {"subject": service, "serial": number, "reason": reason}
        return self._save(OfficerDecisionKind.REVOKE_CERTIFICATE, service, details, {"serial": number}, by)

    def draft_pin_custodian(self, keeper: NewPinCustodian, *, organisation: str, by: str) -> OfficerDecision:
        """The act that makes an administrator one of those of whom two unlock the HSM, by these passkeys alone:
        also somebody who was one, and has others now.

        Raises :class:`StateRefused` for somebody who is one already by exactly these.
        """
        known = {each.credential_id for each in self._authority.credentials(keeper.subject)}
        if known == {identifier for identifier, _ in keeper.passkeys}:
            raise StateRefused("{name} is a keeper of the PIN already, by these very passkeys.", name=keeper.name)
        credentials = [
            {
                "kind": "webauthn",
                "credential_id": identifier.hex(),
                "public_key": key.hex(),
                "rp_id": keeper.rp_id,
            }
            for identifier, key in keeper.passkeys
        ]
        details = {
            "subject": keeper.subject,
            "name": keeper.name,
            "organisation": organisation,
            "credentials": credentials,
        }
        return self._save(OfficerDecisionKind.ENROL_KEEPER, keeper.subject, details, {"again": bool(known)}, by)

    def _serial(self, service: str) -> str:
        if service not in SERVICES:
            raise PreconditionRefused("The services are {services}.", services=", ".join(SERVICES))
        return effects.serial_of(self._authority, service)
