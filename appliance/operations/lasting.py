"""Do completed contracts stay provable? Timestamps renewed in time, the key that renews them, the root's list."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509

from appliance.config import KeepingSettings, load
from appliance.errors import ApplianceError
from appliance.home import Home
from appliance.operations.finding import Finding
from appliance.store import keeping as kept
from appliance.store.database import Database, Transaction
from appliance.timestamping.horizons import horizon_of_next
from hsm.client import AuthorityClient
from hsm.errors import AuthorityError

LIST_RUNNING_OUT = timedelta(days=30)
"""The root's list counts for 400 days; a ceremony takes time to arrange."""

IN_HAND = timedelta(days=1)
"""What became due since then is still being worked on, and nothing to tell."""


def lasting(home: Home, now: datetime) -> list[Finding]:
    """The finding; none while there is no database or there are no settings, which is said elsewhere."""
    if not home.database.exists():
        return []
    try:
        settings, database = load(home).keeping, Database(home.database)
    except ApplianceError:
        return []
    try:
        with AuthorityClient(home.authority_socket("operator"), timeout=2.0) as client, database.reading() as tx:
            return [contracts(tx, settings, now, reached=_reached(client, settings))]
    finally:
        database.close()


def contracts(tx: Transaction, settings: KeepingSettings, now: datetime, *, reached: datetime | None) -> Finding:
    """Archive timestamps are renewed in time; *reached* is until when one that is made now would count."""
    ends, failing = settings.ends, kept.failing(tx)
    late = kept.count_due(tx, now, ends)
    due = kept.count_due(tx, now + settings.lead - IN_HAND, ends)
    if late:
        template = "{count} contracts were not timestamped again in time; they can no longer be proven here."
        return Finding("keeping", False, template, {"count": late})
    if failing.count:
        template = "{count} contracts could not be timestamped again: {reason}"
        return Finding("keeping", False, template, {"count": failing.count, "reason": failing.reason})
    if due and reached is not None and kept.count_due(tx, min(now + settings.lead, reached), ends) < due:
        template = "{count} contracts wait to be timestamped again for a new timestamp key; hold a renewal."
        return Finding("keeping", False, template, {"count": due})
    if due:
        template = "{count} contracts wait to be timestamped again; the scheduler is at it."
        return Finding("keeping", True, template, {"count": due})
    first = kept.first_end(tx, ends)
    if first is None:
        return Finding("keeping", True, "No completed contract has to be kept yet.")
    values = {"day": f"{first - settings.lead:%Y-%m-%d}"}
    return Finding("keeping", True, "Completed contracts are timestamped again from {day} on.", values)


def root_list(client: AuthorityClient, now: datetime) -> list[Finding]:
    """The root's revocation list still counts; none when the authority does not tell, which is said elsewhere."""
    try:
        crl = x509.load_der_x509_crl(client.crl("root"))
    except AuthorityError:
        return []
    ends = crl.next_update_utc
    if ends is None:
        return []
    values = {"days": (ends - now).days}
    if ends - now < LIST_RUNNING_OUT:
        template = "The root's revocation list has {days} days left; hold a renewal."
        return [Finding("root list", False, template, values)]
    return [Finding("root list", True, "The root's revocation list has {days} days left.", values)]


def _reached(client: AuthorityClient, settings: KeepingSettings) -> datetime | None:
    try:
        certificate = x509.load_der_x509_certificate(client.certificate("tsa"))
    except AuthorityError:
        return None
    return horizon_of_next(certificate).end(settings.ends)
