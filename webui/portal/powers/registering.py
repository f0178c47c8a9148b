"""``/powers/new``: whom the power is for, then what the letter says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.language import instants
from appliance.model.contract import EXPONENTS, Money
from appliance.model.people import Person
from appliance.model.powers import PowerBasis, PowerScope
from appliance.money import NotAnAmount, read_money
from appliance.powers import PowerDraft
from webui.portal.access import require, visitor
from webui.portal.office.forms import REFUSALS, field_value, problem_of
from webui.portal.parts import PortalParts
from webui.portal.powers.page import REGISTRARS
from webui.portal.seal_names import seal_name
from webui.shared.forms import SingleSubmission
from webui.shared.language import translate

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
_BETWEEN = re.compile(r"[\n;；,，、]+")


@dataclass(frozen=True, slots=True)
class PowerForm:
    """The form as it was typed; what cannot be understood is named by :meth:`problems`."""

    values: dict[str, str]
    seals: tuple[str, ...]
    replaces: bool
    zone: str

    @classmethod
    def blank(cls, agent: Person, zone: str, today: date) -> PowerForm:
        """What stands in a new form."""
        values = dict.fromkeys(FIELDS, "") | {
            "basis": PowerBasis.INSTRUMENT.value,
            "grantor": agent.organisation,
            "since": today.isoformat(),
            "currency": "CNY",
        }
        return cls(values, (), False, zone)

    @classmethod
    def of_post(cls, zone: str) -> PowerForm:
        """What came with the form."""
        values = {name: field_value(name, 6000).strip() for name in FIELDS}
        return cls(values, tuple(request.form.getlist("seal")[:50]), bool(request.form.get("replaces")), zone)

    def problems(self) -> dict[str, str]:
        """A sentence for each field that cannot be read."""
        say, found = translate(), {}
        for name in ("since", "until"):
            if self._day(name) is None:
                found[name] = say("Choose a day.")
        if self.values["basis"] not in tuple(PowerBasis):
            found["basis"] = say("Choose what the power rests on.")
        if self.values["amount"] and self._limit() is None:
            found["amount"] = say("An amount such as 1,000,000.00 or 壹佰万元整, no finer than the currency.")
        return found

    def to_draft(self, agent: str) -> PowerDraft:
        """What the letter says; only when there are no :meth:`problems`."""
        values = self.values
        since, until = self._day("since") or date.min, self._day("until") or date.min
        return PowerDraft(
            basis=PowerBasis(values["basis"]),
            grantor=values["grantor"],
            principal=values["principal"],
            agent=agent,
            scope=PowerScope(self._list("kinds"), self._list("counterparties"), self._limit(), self.seals),
            since=instants.on(since, time(), self.zone),
            until=instants.on(until + timedelta(days=1), time(), self.zone),
            replaces=self.replaces,
            contract=values["contract"] or None,
        )

    def _list(self, name: str) -> tuple[str, ...]:
        return tuple(each.strip() for each in _BETWEEN.split(self.values[name]) if each.strip())

    def _limit(self) -> Money | None:
        if not self.values["amount"] or self.values["currency"] not in EXPONENTS:
            return None
        try:
            return read_money(self.values["amount"], self.values["currency"])
        except NotAnAmount:
            return None

    def _day(self, name: str) -> date | None:
        try:
            day = date.fromisoformat(self.values[name])
        except ValueError:
            return None
        return day if 1990 <= day.year <= 2200 else None


def add_registration_pages(pages: Blueprint, parts: PortalParts) -> None:
    """The search for the agent, the form, and its target."""
    once = SingleSubmission(parts.appliance.submissions)

    def zone() -> str:
        return parts.appliance.registry.person(visitor().subject).zone

    def form(agent: Person, typed: PowerForm, problems: dict[str, str], status: int = 200) -> tuple[str, int]:
        page = render_template(
            "powers/new.html",
            agent=agent,
            typed=typed.values,
            chosen=typed.seals,
            replaces=typed.replaces,
            zone=typed.zone,
            seals=[(seal.subject, seal_name(seal)) for seal in parts.appliance.registry.seals()],
            currencies=[(code, code) for code in EXPONENTS],
            problems=problems,
        )
        return page, status

    @pages.get("/new")
    def new() -> str | tuple[str, int]:
        require(*REGISTRARS)
        wanted = request.args.get("agent", "")[:80]
        if wanted:
            agent, own = parts.appliance.registry.person(wanted), zone()
            return form(
                agent, PowerForm.blank(agent, own, parts.appliance.now().astimezone(ZoneInfo(own)).date()), {}
            )
        search = request.args.get("search", "")[:100]
        found = parts.appliance.office.members.page(search).entries if search.strip() else ()
        people = [entry for entry in found if entry.subject.startswith("person-")]
        return render_template("powers/agent.html", search=search, people=people)

    @pages.post("/new")
    def register() -> Response | tuple[str, int]:
        by = require(*REGISTRARS).subject
        agent = parts.appliance.registry.person(field_value("agent", 80))
        typed = PowerForm.of_post(zone())
        problems = typed.problems()
        if problems:
            return form(agent, typed, problems, 422)
        given = request.files.get("letter")
        letter = given.read() if given is not None and given.filename else None
        try:
            return once.redirected(by, lambda: _registered(parts, typed.to_draft(agent.subject), letter, by))
        except REFUSALS as refusal:
            problem, status = problem_of(refusal)
            return form(agent, typed, {"": problem}, status)


def _registered(parts: PortalParts, draft: PowerDraft, letter: bytes | None, by: str) -> str:
    return url_for("powers.power", power_id=parts.appliance.powers.register(draft, letter, by=by).id)
