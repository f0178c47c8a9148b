"""Who may read of a power of attorney in the register, and to whose organisation it is internal."""

from __future__ import annotations

from appliance.model.accounts import AccountRole
from appliance.model.powers import Power
from webui.portal.access import PortalVisitor
from webui.portal.parts import PortalParts

READERS = (AccountRole.INITIATOR, AccountRole.REVIEWER, AccountRole.OFFICER, AccountRole.AUDITOR)


def is_readable(parts: PortalParts, power: Power, someone: PortalVisitor) -> bool:
    """Whether *someone* may open the page of *power*: its agent, and readers of the organisation that registered
    it."""
    return someone.subject == power.agent or (
        bool(someone.roles & set(READERS)) and is_ours(parts, power, someone)
    )


def is_ours(parts: PortalParts, power: Power, someone: PortalVisitor) -> bool:
    """Whether the organisation of *someone* registered *power*: notes on it are internal to that organisation."""
    return parts.appliance.disclosing.belongs(power.registered.by, someone.audience)
