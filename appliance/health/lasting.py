"""Do completed contracts stay provable? Timestamps renewed in time, and the key that renews them."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509

from appliance.config import KeepingSettings
from appliance.health.bench import CheckContext
from appliance.health.finding import HealthFinding, failing, good
from appliance.health.pages import RunbookPage
from appliance.store import keeping as kept
from appliance.store.database import Transaction
from appliance.timestamping.issuing import horizon_of_certificate
from hsm.client import AuthorityClient
from hsm.errors import AuthorityError

IN_HAND = timedelta(days=1)
"""What became due since then is still being worked on, and nothing to tell."""


def keeping(bench: CheckContext) -> HealthFinding:
    """Archive timestamps are renewed in time."""
    settings = bench.configured().keeping
    with bench.reading() as tx:
        return keeping_finding(tx, settings, bench.now, reached=_reached(bench.client, settings))


def keeping_finding(
    tx: Transaction, settings: KeepingSettings, now: datetime, *, reached: datetime | None
) -> HealthFinding:
    """The same, of an open database; *reached* is until when a timestamp that is made now would count."""
    ends, failed = settings.ends, kept.failing(tx)
    late = kept.count_due(tx, now, ends)
    due = kept.count_due(tx, now + settings.lead - IN_HAND, ends)
    if late:
        template = "Contracts that were not timestamped again in time, and can no longer be proven here: {count}."
        return failing("keeping", RunbookPage.KEEPING_LATE, template, {"count": late})
    if failed.count:
        template = "Contracts that could not be timestamped again: {count}. {reason}"
        return failing(
            "keeping", RunbookPage.KEEPING_LATE, template, {"count": failed.count, "reason": failed.reason}
        )
    if due and reached is not None and kept.count_due(tx, min(now + settings.lead, reached), ends) < due:
        template = "Contracts that wait to be timestamped again for a new timestamp key: {count}."
        return failing("keeping", RunbookPage.KEEPING_LATE, template, {"count": due})
    if due:
        template = "Contracts that wait to be timestamped again: {count}; the scheduler is at it."
        return good("keeping", template, {"count": due})
    first = kept.first_end(tx, ends)
    if first is None:
        return good("keeping", "No completed contract has to be kept yet.")
    values = {"day": f"{first - settings.lead:%Y-%m-%d}"}
    return good("keeping", "Completed contracts are timestamped again from {day} on.", values)


def _reached(client: AuthorityClient, settings: KeepingSettings) -> datetime | None:
    try:
        certificate = x509.load_der_x509_certificate(client.certificate("tsa"))
    except AuthorityError:
        return None
    return horizon_of_certificate(certificate).end(settings.ends)
