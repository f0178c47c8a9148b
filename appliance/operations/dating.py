"""Do signatures get the second timestamp that the enterprise asks for?"""

from __future__ import annotations

from datetime import datetime, timedelta

from appliance.config import load
from appliance.errors import ApplianceError
from appliance.home import Home
from appliance.model.intent import OutsideStamp
from appliance.operations.finding import Finding
from appliance.store import intents
from appliance.store.database import Database

SPAN = timedelta(days=1)


def dating(home: Home, now: datetime) -> list[Finding]:
    """The finding; none while settings or database do not open, which is said elsewhere. Asks nobody."""
    try:
        url = load(home).outside.url
        if not url:
            said = "No authority outside is set; signatures carry the local timestamp."
            return [Finding("outside timestamps", True, said)]
        if not home.database.exists():
            return []
        database = Database(home.database)
    except ApplianceError:
        return []
    try:
        with database.reading() as tx:
            counts = intents.outside_since(tx, now - SPAN)
    finally:
        database.close()
    missing = sum(count for stamp, count in counts.items() if stamp is not OutsideStamp.DATED)
    if missing:
        template = (
            "In a day {count} signatures got no second timestamp; see that {url} can be reached and is trusted."
        )
        return [Finding("outside timestamps", False, template, {"count": missing, "url": url})]
    template = "Signatures are dated by the authority outside, too ({count} in a day)."
    return [Finding("outside timestamps", True, template, {"count": counts.get(OutsideStamp.DATED, 0)})]
