"""A switch-over that an admin request asked for: it stops whoever performs it, so its end is found in the history
of the cluster, by this process if it still runs, else by the scheduler of the machine that serves then."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from appliance.cluster import ClusterUnreadable, find_takeover, read_refusal
from appliance.errors import StateRefused
from appliance.home import Home
from appliance.model.administration import AdminRequestOutcome

PATIENCE = timedelta(minutes=15)
"""A switch-over that has neither ended nor been refused after so long is looked at by people."""

_PAUSE = 1.0


def find_outcome(home: Home, request_id: str) -> AdminRequestOutcome | None:
    """What came of it, as the history says; None while nothing serves since. Raises :class:`StateRefused` when the
    same machine serves again."""
    try:
        found = find_takeover(home, request_id)
    except ClusterUnreadable:
        return None  # health says so, and it is looked at again
    if found is None:
        return None
    if not found.moved:
        raise StateRefused("Nothing has moved: {node} serves again. See the page Cluster.", node=found.node)
    values = {
        "node": found.node,
        "at": f"{found.at:%Y-%m-%d %H:%M:%S} UTC",
        "seconds": "–" if found.seconds is None else f"{found.seconds:.0f}",
    }
    return AdminRequestOutcome("{node} serves since {at}; seconds without service: {seconds}.", values)


def wait_for_outcome(home: Home, request_id: str, *, still_runs: Callable[[], bool]) -> AdminRequestOutcome:
    """What came of it, if this process sees that. Raises :class:`StateRefused` with the sentence of the cluster
    when it refused."""
    until = time.monotonic() + PATIENCE.total_seconds()
    while time.monotonic() < until:
        runs = still_runs()
        outcome = find_outcome(home, request_id)
        if outcome is not None:
            return outcome
        why = read_refusal(home, request_id)
        if why is not None:
            raise StateRefused("The cluster refused: {why}", why=why)
        if not runs:
            raise StateRefused("The switch-over ended without a result; the page Cluster says who serves.")
        time.sleep(_PAUSE)
    minutes = int(PATIENCE / timedelta(minutes=1))
    raise StateRefused("The switch-over has not ended in time ({minutes} min).", minutes=minutes)
