"""Powers of attorney: what officers have confirmed, the authority states, signed by the evidence service's key.

A statement has one form (:data:`hsm.powers.FORMAT`), so that nothing of a caller's choice is signed with that
key, and goes into evidence packages: there a power that was confirmed since statements began counts with one
alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hsm.activation.authoriser import AuthorisedIntent
from hsm.errors import CertificateRefused, UnknownKey
from hsm.intents import OfficerIntent, instant
from hsm.operation_types import SignedStatement
from hsm.operations.context import Handlers
from hsm.powers import FORMAT, power_in
from hsm.store import Subject, SubjectKind


class PowerOperations(Handlers):
    """Confirms powers, and says which are confirmed."""

    def confirm_power(self, intent: OfficerIntent) -> SignedStatement:
        """The statement that officers have confirmed the power in *intent*; once for each power.

        1. the arguments have their plain forms, the agent is enrolled to sign, and who registered it is enrolled:
           by their name officers are kept from confirming what they have registered under another subject;
        2. the activations are the officers', none of whom is its agent or has registered it
           (:class:`hsm.activation.rules.ActivationRules`);
        3. the statement is signed and kept, in one transaction.
        """
        power = power_in(intent.details)
        agent = self._agent(power["agent"])
        self._require_registrar(power["registered_by"])
        if self._store.powers.is_stated(power["id"]):
            raise CertificateRefused("The power of attorney {power} was confirmed before.", power=power["id"])
        signer = self._usable("evidence")
        with self._authorised(intent) as authorised:
            made = self._stated(signer, self._statement(intent, authorised, power, agent))
            self._store.powers.add_statement(power["id"], made)
        return made

    def power_statement(self, power: str) -> SignedStatement:
        return self._store.powers.statement(power)

    def powers_stated_since(self) -> int:
        return self._store.powers.powers_stated_since()

    def _agent(self, subject: str) -> Subject:
        """Who signs under the power: by this very name officers know whom they empower."""
        try:
            agent = self._store.people.subject(subject)
        except UnknownKey as error:
            raise CertificateRefused(
                "{subject} is not enrolled yet; enrol them first, then confirm the power of attorney.",
                subject=subject,
            ) from error
        if agent.kind not in (SubjectKind.PERSON, SubjectKind.OUTSIDE):
            raise CertificateRefused("{subject} signs no documents.", subject=subject)
        return agent

    def _require_registrar(self, subject: str) -> None:
        try:
            self._store.people.subject(subject)
        except UnknownKey as error:
            raise CertificateRefused(
                "{subject}, who registered this power of attorney, is not enrolled; enrol them first, or have it"
                " registered by somebody who is.",
                subject=subject,
            ) from error

    def _statement(
        self, intent: OfficerIntent, authorised: AuthorisedIntent, power: Mapping[str, Any], agent: Subject
    ) -> dict[str, Any]:
        officers = [self._store.people.subject(each) for each in sorted(authorised.by)]
        return {
            "format": FORMAT,
            "act": intent.challenge().hex(),
            "agent_name": agent.name,
            "agent_organisation": agent.organisation,
            "confirmed": instant(authorised.at),
            "confirmed_by": [{"name": each.name, "subject": each.subject} for each in officers],
            "power": power,
        }
