"""``/directory``: what the organisation's directories have and what became of it: synchronisations, what waits
for two administrators, what does not fit, what a dry run found. All of it as the scheduler last saw it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, render_template

from appliance.administration.action import Action
from appliance.administration.actions import REGISTRY, may_ask
from appliance.administration.actions.directories import DRY_RUN, RELEASE, SYNCHRONISE
from appliance.model.directories import DirectoryReport, DirectorySource, HeldKind, HeldUsers, RoundOutcome
from appliance.model.directory_status import (
    COUNTED,
    TRANSLATED,
    DifferenceKind,
    DirectoryDifference,
    DirectoryDifferences,
    DirectoryStatus,
)
from webui.console.access import administration, parts, visitor
from webui.shared.language import translate

OUTCOMES = {
    RoundOutcome.DONE: ("Done", "good"),
    RoundOutcome.HELD: ("Done, but for what waits", "open"),
    RoundOutcome.FAILED: ("Failed", "bad"),
}

HELD = {
    HeldKind.REMOVAL: (
        "People who are gone from the directory",
        "More than usual are gone at once. Nothing about them changes until two administrators agree, or the"
        " directory has them again. Ask first whether so many have left.",
    ),
    HeldKind.DUTY: (
        "Accounts of auditors and operators",
        "A group of the directory asks for these accounts, which read much. Ask whether the people named are to"
        " have the duty.",
    ),
    HeldKind.LINK: (
        "Local accounts that are to follow the directory",
        "An account here has the mail address of a user of the directory. Ask whether both are the same person.",
    ),
}
"""What waits: its title, and what it means."""

SHOWN = {kind.value: words for kind, words in COUNTED.items() if kind is not DifferenceKind.RECORDED}
"""What is counted of a synchronisation, by kinds of difference; the one left out is of no concern to people."""

LATE = timedelta(minutes=10)
"""What the portal noted of an identity provider counts for so long; without sign-ins it notes nothing."""

blueprint = Blueprint("directory", __name__)


@dataclass(frozen=True, slots=True)
class ShownHeld:
    """What waits of one kind, and the arguments by which ``release`` is asked for, where the reader may."""

    it: HeldUsers
    title: str
    meaning: str
    release: Mapping[str, str] | None


@blueprint.get("/directory")
def everything() -> str:
    """The page, with what the reader may ask for."""
    actor = visitor().actor
    allowed = {name: REGISTRY[name] for name in (SYNCHRONISE, DRY_RUN, RELEASE) if may_ask(actor, REGISTRY[name])}
    status = administration.directory.status()
    if status is None or not status.configured:
        return render_template("directory.html", it=status, said="")
    report = status.report
    return render_template(
        "directory.html",
        it=status,
        said=_said(status),
        failing=_failing(status),
        last=report.successes.get(DirectorySource.LDAP),
        tried=any(each.source is DirectorySource.LDAP for each in report.rounds),
        users=[(source.called, count) for source, count in sorted(report.users.items())],
        actions=_of_readings(allowed) if status.ldap or report.users else [],
        held=[_held(each, may_release=RELEASE in allowed) for each in report.held],
        rounds=[
            (each, *OUTCOMES[each.outcome], each.source.called, counted(each.counts)) for each in report.rounds
        ],
        problems=[(each, translate()(each.problem.sentence), each.source.called) for each in report.problems],
        further=report.problem_count - len(report.problems),
        found=_found(status.differences),
    )


def _of_readings(allowed: Mapping[str, Action]) -> list[Action]:
    return [allowed[name] for name in (SYNCHRONISE, DRY_RUN) if name in allowed]


def _said(status: DirectoryStatus) -> str:
    """What a screen reader hears when the page changes."""
    return translate()(COUNTED[DifferenceKind.HELD], count=_waiting(status.report))


def _waiting(report: DirectoryReport) -> int:
    return sum(each.count for each in report.held)


def _failing(status: DirectoryStatus) -> bool:
    """Whether the identity provider does not answer those who sign in now."""
    at = status.provider.at
    return at is not None and parts.now() - at <= LATE


def _held(held: HeldUsers, *, may_release: bool) -> ShownHeld:
    title, meaning = HELD[held.kind]
    arguments = {"kind": held.kind.value, "count": str(held.count), "digest": held.digest}
    return ShownHeld(held, title, meaning, arguments if may_release else None)


def counted(counts: Mapping[str, int]) -> str:
    """What a synchronisation or a dry run comes to, in words; empty when nothing is different."""
    say = translate()
    return " · ".join(say(words, count=counts[kind]) for kind, words in SHOWN.items() if counts.get(kind))


def _found(differences: DirectoryDifferences | None) -> tuple[DirectoryDifferences, str, list[str], int] | None:
    """A dry run: it, its counts in words, its lines, and how many lines are not shown."""
    if differences is None:
        return None
    lines = [_in_words(each) for each in differences.lines]
    further = sum(count for kind, count in differences.counts.items() if kind in SHOWN) - len(lines)
    return differences, counted(differences.counts), lines, max(0, further)


def _in_words(line: DirectoryDifference) -> str:
    """*line* as people read it: what waits, and what is wrong, is a sentence itself."""
    say, values = translate(), dict(line.sentence.values)
    if line.kind in TRANSLATED:
        values["after"] = say(values["after"])
    return say(line.sentence.template, **values)
