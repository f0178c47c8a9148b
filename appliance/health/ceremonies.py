"""The records of key ceremonies: each transcript is as it was written, each record the one that the log has."""

from __future__ import annotations

from datetime import timedelta

from appliance.health.bench import CheckContext, NotAnswerable
from appliance.health.finding import HealthFinding, attention, failing, good
from appliance.health.pages import RunbookPage
from appliance.store import ceremonies as store
from appliance.store import ledger
from appliance.store.database import Transaction
from hsm import canonical
from hsm.answers import HeldCeremony
from hsm.errors import AuthorityError

_TOLD = timedelta(days=7)
"""How long the recovery of an officer is a finding of its own."""


def ceremonies(bench: CheckContext) -> HealthFinding:
    """Nobody has changed what was written of them."""
    held = _held(bench)
    for each in held:
        if not each.intact:
            template = "The transcript of the ceremony {name} is gone or was changed."
            return failing(
                "ceremonies", RunbookPage.CEREMONY_CHANGED, template, {"name": each.name}, mark=each.name
            )
    with bench.reading() as tx:
        different = _different(tx, {each.number: each for each in held})
    if different is not None:
        template = "The authority's record of ceremony {number} is not the one in the log."
        return failing(
            "ceremonies", RunbookPage.CEREMONY_CHANGED, template, {"number": different}, mark=str(different)
        )
    return good("ceremonies", "Ceremonies on record, each as it was written: {count}.", {"count": len(held)})


def recovery(bench: CheckContext) -> HealthFinding:
    """Nobody was given an officer's powers by a ceremony of these days: if so, administrators hear of it."""
    held = _held(bench)
    recent = [each for each in held if each.recovers_officers and bench.now - each.held < _TOLD]
    if recent:
        template = "Officers were given a new way in by the ceremony {name}, on {day}."
        values = {"name": recent[-1].name, "day": f"{recent[-1].held:%Y-%m-%d}"}
        page = RunbookPage.OFFICER_RECOVERY
        return attention("officer-recovery", page, template, values, mark=str(recent[-1].number))
    return good("officer-recovery", "No officer was given a new way in these days.")


def _held(bench: CheckContext) -> list[HeldCeremony]:
    bench.authority()
    try:
        return bench.client.ceremonies()
    except AuthorityError as error:
        raise NotAnswerable from error  # not ours to ask; the watch and root do


def _different(tx: Transaction, held: dict[int, HeldCeremony]) -> int | None:
    """The first that the log knows otherwise: another transcript, another name, or none at all any more."""
    for number, entry in sorted(store.in_log(tx).items()):
        public = canonical.decode(ledger.leaf(tx, entry))["public"]
        record = held.get(number)
        if record is None or (record.name, record.sha256.hex()) != (public["name"], public["transcript"]):
            return number
    return None
