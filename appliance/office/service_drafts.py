"""Acts about the keys of services, prepared by administrators for officers to activate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.office import NewPinCustodian, OfficerDecision, OfficerDecisionKind
from appliance.office import effects
from hsm.client import AuthorityClient

SERVICES: Final = ("tsa", "evidence")
"""Whose keys are exchanged while everything runs; the log's key is its identity, CAs take a ceremony."""

REASONS: Final = ("superseded", "key_compromise", "cessation_of_operation")

SaveDraft = Callable[[OfficerDecisionKind, str, Mapping[str, Any], Mapping[str, Any], str], OfficerDecision]


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
