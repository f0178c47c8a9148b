"""``/powers``: the register of powers of attorney: list, register, verify, revoke. Officers verify: what they
confirm they see and activate on the activation service.

``/powers/new`` asks whom the power is for, then what the instrument says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, request, url_for

from appliance.errors import NotFound
from appliance.language import instants
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.contract import EXPONENTS, Money
from appliance.model.partners import Representative
from appliance.model.people import Person
from appliance.model.powers import Power, PowerBasis, PowerScope, PowerState
from appliance.money import NotAnAmount, read_money
from appliance.powers.register import PowerDraft
from webui.portal.access import PortalVisitor, require, visitor
from webui.portal.office.forms import seal_name, whole_view
from webui.portal.office.requests import to_decision
from webui.portal.pages import appliance, once, saved_file
from webui.shared.form_pages import Answer, FormProblems, form, render, see_other
from webui.shared.forms import date_of, field, listed
from webui.shared.language import translate

VERIFIERS = (AccountRole.REVIEWER, AccountRole.OFFICER)
REGISTRARS = (AccountRole.INITIATOR, *VERIFIERS)
READERS = (*REGISTRARS, AccountRole.AUDITOR)

ROWS = 50
"""Powers on one page of the list."""

FIELDS = (
    "basis",
    "grantor",
    "principal",
    "since",
    "until",
    "kinds",
    "counterparties",
    "amount",
    "currency",
    "contract",
)

pages = Blueprint("powers", __name__, url_prefix="/powers")


def is_readable(power: Power, someone: PortalVisitor) -> bool:
    """Whether *someone* may open the page of *power*: its agent and representatives of the same partner, and
    readers of the organisation that registered it."""
    if AccountRole.REPRESENTATIVE in someone.roles:
        own = appliance.partners.partner_of
        return own(power.agent) == own(someone.subject)
    return someone.subject == power.agent or (bool(someone.roles & set(READERS)) and is_ours(power, someone))


def is_ours(power: Power, someone: PortalVisitor) -> bool:
    """Whether the register of the organisation of *someone* has *power*: notes on it are internal to that."""
    return appliance.powers.is_of(power, someone.audience)


def _readable(power_id: str) -> Power:
    """The power for its agent, and for who may read the register of the organisation that registered it. Raises
    :class:`NotFound` for all others."""
    power = appliance.powers.get(power_id)
    if is_readable(power, visitor()):
        return power
    raise NotFound("There is no power of attorney {power}.", power=power_id)


def _decider(power_id: str) -> PortalVisitor:
    """The visitor, who may decide about the power: who registered it, or a verifier of the same organisation."""
    power, someone = _readable(power_id), visitor()
    if not is_ours(power, someone):
        raise NotFound("There is no power of attorney {power}.", power=power_id)
    return someone if power.registered.by == someone.subject else require(*VERIFIERS)


@pages.get("")
def everything() -> Answer:
    someone = require(*READERS, AccountRole.REPRESENTATIVE)
    if AccountRole.REPRESENTATIVE in someone.roles:
        return _of_own_company(someone)
    before = request.args.get("before", "")[:40]
    listed = appliance.powers.page(someone.audience, before=before)
    waiting = appliance.powers.waiting(someone.audience)
    return render(
        "powers/list.html",
        listed=listed,
        waiting=waiting,
        names=_names([*listed, *waiting]),
        may_register=bool(someone.roles & set(REGISTRARS)),
        before=before,
        following=listed[-1].id if len(listed) == ROWS else "",
    )


def _of_own_company(someone: PortalVisitor) -> Answer:
    listed = appliance.powers.of_partner(_company(someone))
    return render(
        "powers/list.html",
        listed=listed,
        waiting=[each for each in listed if each.state is PowerState.REGISTERED],
        names=_names(listed),
        may_register=True,
        before="",
        following="",
    )


def _company(someone: PortalVisitor) -> str:
    """The id of the partner that the visiting representative acts for."""
    return str(appliance.partners.partner_of(someone.subject))


@pages.get("/<power_id>")
def power(power_id: str) -> Answer:
    found, someone, now = _readable(power_id), visitor(), appliance.now()
    inner = is_ours(found, someone) and AccountRole.REPRESENTATIVE not in someone.roles
    own = found.registered.by == someone.subject
    return render(
        "powers/page.html",
        power=found,
        names=_names([found]),
        seals={seal.subject: seal for seal in appliance.registry.seals()},
        may=_may(found, someone) if inner or own else set(),
        inner=inner,
        in_force=found.state is PowerState.VERIFIED and found.since <= now < found.until,
        over=now >= found.until,
        reason=field("reason"),
    )


@pages.get("/<power_id>/letter.pdf")
def letter(power_id: str) -> Answer:
    known = _readable(power_id)
    return saved_file(appliance.powers.letter(known), "application/pdf", f"{known.id}.pdf")


@pages.post("/<power_id>/<any(verify, refuse, revoke):what>")
@form(power, _decider)
def decide(someone: PortalVisitor, power_id: str, what: str) -> Answer:
    if what == "verify":
        by = require(AccountRole.OFFICER).subject
        return to_decision(by, appliance.office.drafts.powers.draft_confirmation(power_id, by=by))
    if what == "refuse":
        appliance.powers.refuse(power_id, reason=field("reason"), by=require(*VERIFIERS).subject)
    else:
        appliance.powers.revoke(power_id, reason=field("reason"), by=someone.subject)
    return see_other("powers.power", power_id=power_id)


def _may(power: Power, someone: PortalVisitor) -> set[str]:
    """What the visitor can do about *power* now."""
    verifier = bool(someone.roles & set(VERIFIERS))
    apart = someone.subject not in (power.registered.by, power.agent)
    may = set()
    if power.state is PowerState.REGISTERED and verifier and apart:
        may |= {"refuse"} | ({"verify"} if AccountRole.OFFICER in someone.roles else set())
    if power.state in (PowerState.REGISTERED, PowerState.VERIFIED) and (
        verifier or someone.subject == power.registered.by
    ):
        may.add("revoke")
    return may


def _names(powers: list[Power]) -> dict[str, str]:
    subjects = [power.agent for power in powers]
    for power in powers:
        subjects += [done.by for done in (power.registered, power.verified, power.refused, power.revoked) if done]
    return appliance.office.members.names(subjects)


@dataclass(frozen=True, slots=True)
class PowerForm:
    """The form as it was typed."""

    values: dict[str, str]
    seals: tuple[str, ...]
    replaces: bool
    zone: str

    @classmethod
    def blank(cls, agent: Person, zone: str) -> PowerForm:
        values = dict.fromkeys(FIELDS, "") | {
            "basis": PowerBasis.INSTRUMENT.value,
            "grantor": agent.organisation,
            "since": appliance.now().astimezone(ZoneInfo(zone)).date().isoformat(),
            "currency": "CNY",
        }
        return cls(values, (), False, zone)

    @classmethod
    def of_post(cls, zone: str) -> PowerForm:
        values = {name: field(name, 6000).strip() for name in FIELDS}
        return cls(values, tuple(request.form.getlist("seal")[:50]), bool(request.form.get("replaces")), zone)

    def to_draft(self, agent: str) -> PowerDraft:
        """What the instrument says. Raises :class:`FormProblems` with a sentence for each field that cannot be
        read."""
        say, values, problems = translate(), self.values, {}
        since, until, limit = self._day("since"), self._day("until"), self._limit()
        for name, day in (("since", since), ("until", until)):
            if day is None:
                problems[name] = say("Choose a day.")
        if values["basis"] not in tuple(PowerBasis):
            problems["basis"] = say("Choose what the power rests on.")
        if values["amount"] and limit is None:
            problems["amount"] = say("An amount such as 1,000,000.00 or 壹佰万元整, no finer than the currency.")
        if problems or since is None or until is None:
            raise FormProblems(problems)
        kinds, counterparties = listed(values["kinds"]), listed(values["counterparties"], names=True)
        return PowerDraft(
            basis=PowerBasis(values["basis"]),
            grantor=values["grantor"],
            principal=values["principal"],
            agent=agent,
            scope=PowerScope(kinds, counterparties, limit, self.seals),
            since=instants.on(since, time(), self.zone),
            until=instants.on(until + timedelta(days=1), time(), self.zone),
            replaces=self.replaces,
            contract=values["contract"] or None,
        )

    def _limit(self) -> Money | None:
        if not self.values["amount"] or self.values["currency"] not in EXPONENTS:
            return None
        try:
            return read_money(self.values["amount"], self.values["currency"])
        except NotAnAmount:
            return None

    def _day(self, name: str) -> date | None:
        day = date_of(self.values[name])
        return day if day is not None and 1990 <= day.year <= 2200 else None


def _registrar() -> PortalVisitor:
    return require(*REGISTRARS, AccountRole.REPRESENTATIVE)


def _colleagues(someone: PortalVisitor) -> list[Representative]:
    """The representatives of the visitor's own company who have not left."""
    everybody = appliance.representatives.of_partner(_company(someone))
    return [each for each in everybody if each.state is not AccountState.LEFT]


@pages.get("/new")
def new() -> Answer:
    """The form for an agent; before that, and without one, the search for the agent."""
    someone = _registrar()
    outside = AccountRole.REPRESENTATIVE in someone.roles
    posted = request.method == "POST"
    wanted = field("agent", 80) if posted else request.args.get("agent", "")[:80]
    if outside and not wanted and not posted:
        return render("powers/agent.html", search=None, people=_colleagues(someone))
    if not wanted and not posted:
        search = request.args.get("search", "")[:100]
        found = appliance.office.members.page(search, own=whole_view()).entries if search.strip() else ()
        people = [entry for entry in found if entry.subject.startswith("person-")]
        return render("powers/agent.html", search=search, people=people)
    if outside and wanted not in [each.subject for each in _colleagues(someone)]:
        raise NotFound("There is no person {subject}.", subject=wanted)
    agent, zone = appliance.registry.person(wanted), appliance.registry.person(someone.subject).zone
    typed = PowerForm.of_post(zone) if posted else PowerForm.blank(agent, zone)
    return render(
        "powers/new.html",
        agent=agent,
        typed=typed.values,
        chosen=typed.seals,
        replaces=typed.replaces,
        zone=typed.zone,
        seals=[
            (seal.subject, seal_name(seal))
            for seal in appliance.registry.seals()
            if not outside or seal.organisation == agent.organisation
        ],
        outside=outside,
        currencies=[(code, code) for code in EXPONENTS],
    )


@pages.post("/new")
@form(new, _registrar)
def register(someone: PortalVisitor) -> Answer:
    agent = appliance.registry.person(field("agent", 80))
    typed = PowerForm.of_post(appliance.registry.person(someone.subject).zone)
    draft, by = typed.to_draft(agent.subject), someone.subject
    given = request.files.get("letter")
    content = given.read() if given is not None and given.filename else None
    return once(by, lambda: url_for("powers.power", power_id=appliance.powers.register(draft, content, by=by).id))
