"""What was done, counted from the log as it grows: never all of it again, however long it is."""

from __future__ import annotations

import re
from collections import Counter

from appliance.health.bench import CheckContext
from appliance.health.figures import labelled
from appliance.health.observations import Observations
from appliance.store import ledger
from appliance.store.health import refusals as kept
from appliance.store.health import tallies
from appliance.timestamping import refusal_counts

COUNTED = {
    "timestamp": "vermilion_timestamps_total",
    "party-signed": "vermilion_signatures_total",
    "contract-completed": "vermilion_contracts_completed_total",
}
"""Kinds of entries, and the figures that they make."""

REFUSED = "vermilion_timestamp_refusals_total"

MOST = 200_000
"""Entries that are counted in one round; what is more comes in the next."""

CHUNK = 5_000

_KIND = re.compile(rb'"format":"vermilion-log-entry/1","kind":"([a-z-]+)"')


def tally(bench: CheckContext, observations: Observations) -> dict[str, float]:
    """The figures of :data:`COUNTED`, of all that has been counted by now."""
    with observations.database().reading() as known_to_us:
        position, known = tallies.get(known_to_us)
    counts = Counter(known)
    with bench.reading() as tx:
        length = ledger.length(tx)
        if position > length:  # another log than the one that was counted: a backup was restored
            position, counts = 0, Counter()
        end = min(length, position + MOST)
        for start in range(position, end, CHUNK):
            counts.update(_kinds(ledger.leaves(tx, start, min(start + CHUNK, end))))
    if end != position or not known:
        with observations.database().transaction() as keeping:
            tallies.put(keeping, end, {kind: counts[kind] for kind in COUNTED})
    return {figure: float(counts[kind]) for kind, figure in COUNTED.items()}


def refused(bench: CheckContext, observations: Observations) -> dict[str, float]:
    """How many timestamp requests were refused, by failInfo, by all processes that ever were."""
    with observations.database().transaction() as tx:
        for process, counts in refusal_counts.read_counts(bench.home.pulses):
            kept.add(tx, process, counts)
        sums = kept.sums(tx)
    return {labelled(REFUSED, reason=name): float(sums.get(name, 0)) for name in refusal_counts.NAMES.values()}


def _kinds(leaves: list[bytes]) -> list[str]:
    found = (_KIND.search(leaf) for leaf in leaves)
    return [match[1].decode() for match in found if match]
