"""Do signatures get the second timestamp that the enterprise asks for?"""

from __future__ import annotations

from datetime import timedelta

from appliance.health.bench import CheckContext
from appliance.health.finding import HealthFinding, attention, good, unset
from appliance.health.pages import RunbookPage
from appliance.model.intent import OutsideStamp
from appliance.store import intents

SPAN = timedelta(days=1)


def outside_timestamps(bench: CheckContext) -> HealthFinding:
    """What became of them in a day. Asks nobody."""
    url = bench.configured().outside.url
    if not url:
        said = "No authority outside is set; signatures carry the local timestamp."
        return unset("outside-timestamps", said)
    with bench.reading() as tx:
        counts = intents.outside_since(tx, bench.now - SPAN)
    missing = sum(count for stamp, count in counts.items() if stamp is not OutsideStamp.DATED)
    if missing:
        template = "Signatures of a day that got no second timestamp: {count}."
        values = {"count": missing, "url": url}
        return attention("outside-timestamps", RunbookPage.OUTSIDE_TIMESTAMPS, template, values)
    template = "Signatures are dated by the authority outside, too ({count} in a day)."
    return good("outside-timestamps", template, {"count": counts.get(OutsideStamp.DATED, 0)})
