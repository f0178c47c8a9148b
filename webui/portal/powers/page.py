"""The list of powers, the page of one, and what is decided there."""

from __future__ import annotations

import io

from flask import Blueprint, Response, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import NotFound
from appliance.model.accounts import AccountRole
from appliance.model.powers import Power, PowerState
from webui.portal.access import PortalVisitor, require, visitor
from webui.portal.office.forms import REFUSALS, field_value, problem_of
from webui.portal.parts import PortalParts
from webui.portal.powers.readers import READERS, is_ours, is_readable

REGISTRARS = (AccountRole.INITIATOR, AccountRole.REVIEWER, AccountRole.OFFICER)
VERIFIERS = (AccountRole.REVIEWER, AccountRole.OFFICER)


def add_power_pages(pages: Blueprint, parts: PortalParts) -> None:
    """``/powers``, ``/powers/ID`` with its letter, and the three decisions."""
    powers = parts.appliance.powers

    @pages.get("")
    def everything() -> str:
        someone = require(*READERS)
        before = request.args.get("before", "")[:40]
        listed = powers.page(someone.audience, before=before)
        waiting = powers.waiting(someone.audience)
        return render_template(
            "powers/list.html",
            listed=listed,
            waiting=waiting,
            names=_names(parts, [*listed, *waiting]),
            may_register=bool(someone.roles & set(REGISTRARS)),
            before=before,
            following=listed[-1].id if len(listed) == 50 else "",
        )

    def shown(power: Power, problem: str = "", status: int = 200) -> tuple[str, int]:
        someone = visitor()
        page = render_template(
            "powers/page.html",
            power=power,
            names=_names(parts, [power]),
            seals={seal.subject: seal for seal in parts.appliance.registry.seals()},
            may=_may(power, someone) if is_ours(parts, power, someone) else set(),
            inner=is_ours(parts, power, someone),
            in_force=power.state is PowerState.VERIFIED and power.since <= parts.appliance.now() < power.until,
            over=parts.appliance.now() >= power.until,
            reason=field_value("reason"),
            problem=problem,
        )
        return page, status

    @pages.get("/<power_id>")
    def power(power_id: str) -> tuple[str, int]:
        return shown(_readable(parts, power_id))

    @pages.get("/<power_id>/letter.pdf")
    def letter(power_id: str) -> Response:
        known = _readable(parts, power_id)
        content = io.BytesIO(powers.letter(known))
        return send_file(content, mimetype="application/pdf", as_attachment=True, download_name=f"{known.id}.pdf")

    @pages.post("/<power_id>/<any(verify, refuse, revoke):what>")
    def decide(power_id: str, what: str) -> BaseResponse | tuple[str, int]:
        known = _ours_to_decide(parts, power_id)
        someone = visitor() if known.registered.by == visitor().subject else require(*VERIFIERS)
        try:
            if what == "verify":
                powers.verify(power_id, by=require(*VERIFIERS).subject)
            elif what == "refuse":
                powers.refuse(power_id, reason=field_value("reason"), by=require(*VERIFIERS).subject)
            else:
                powers.revoke(power_id, reason=field_value("reason"), by=someone.subject)
        except REFUSALS as refusal:
            return shown(powers.get(power_id), *problem_of(refusal))
        return redirect(url_for("powers.power", power_id=power_id), 303)


def _readable(parts: PortalParts, power_id: str) -> Power:
    """The power for its agent, and for who may read the register of the organisation that registered it. Raises
    :class:`NotFound` for all others."""
    power = parts.appliance.powers.get(power_id)
    if is_readable(parts, power, visitor()):
        return power
    raise NotFound("There is no power of attorney {power}.", power=power_id)


def _ours_to_decide(parts: PortalParts, power_id: str) -> Power:
    power = _readable(parts, power_id)
    if not is_ours(parts, power, visitor()):
        raise NotFound("There is no power of attorney {power}.", power=power_id)
    return power


def _may(power: Power, someone: PortalVisitor) -> set[str]:
    """What the visitor can do about *power* now."""
    verifier = bool(someone.roles & set(VERIFIERS))
    apart = someone.subject not in (power.registered.by, power.agent)
    may = set()
    if power.state is PowerState.REGISTERED and verifier and apart:
        may |= {"verify", "refuse"}
    if power.state in (PowerState.REGISTERED, PowerState.VERIFIED) and (
        verifier or someone.subject == power.registered.by
    ):
        may.add("revoke")
    return may


def _names(parts: PortalParts, powers: list[Power]) -> dict[str, str]:
    subjects = [power.agent for power in powers]
    for power in powers:
        subjects += [done.by for done in (power.registered, power.verified, power.refused, power.revoked) if done]
    return parts.appliance.office.members.names(subjects)
