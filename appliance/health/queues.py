"""What waits to be done, and whether it is being done: mail, the log's entries, contracts to be sealed off."""

from __future__ import annotations

from datetime import datetime, timedelta

from appliance.health.bench import CheckContext
from appliance.health.finding import HealthFinding, attention, failing, good, unset
from appliance.health.pages import RunbookPage
from appliance.ledger.tree import StoredTree
from appliance.notices.mail import MailClient, MailUnreachable
from appliance.store import deliveries, queues
from appliance.store.database import Transaction

STUCK = timedelta(hours=1)
"""Mail that waits longer than a mail server is away in passing."""

UNPLACED = timedelta(minutes=1)
"""An entry of the log gets its place within a second."""

UNSEALED = timedelta(minutes=10)
"""A contract is sealed off within seconds of its last signature."""


def queue(bench: CheckContext) -> HealthFinding:
    """Nothing waits for longer than it should."""
    with bench.reading() as tx:
        return queue_finding(tx, bench.now, mail=bench.configured().mail.configured)


def queue_finding(tx: Transaction, now: datetime, *, mail: bool) -> HealthFinding:
    """The first of the queues that stands still; *mail* whether there is a server to send by."""
    _, _, letters = deliveries.counts(tx, before=now - STUCK, since=now)
    if mail and letters:
        template = "Mails that have waited for more than an hour: {count}."
        return failing("queue", RunbookPage.QUEUE_STUCK, template, {"count": letters}, mark="mail")
    if entries := queues.unplaced_since(tx, StoredTree(tx).size(), now - UNPLACED):
        template = "Entries of the log that have waited for their place for more than a minute: {count}."
        return failing("queue", RunbookPage.QUEUE_STUCK, template, {"count": entries}, mark="log")
    if contracts := queues.unsealed_since(tx, now - UNSEALED):
        template = "Contracts that are signed by all, but could not be sealed off: {count}."
        return failing("queue", RunbookPage.QUEUE_STUCK, template, {"count": contracts}, mark="contracts")
    return good("queue", "Nothing waits for longer than it should.")


def mail(bench: CheckContext) -> HealthFinding:
    """The mail server takes mail now. Asks it."""
    settings = bench.configured()
    if not settings.mail.configured:
        return unset("mail", "No mail server is set; notices are shown in the portal only.")
    password = settings.mail_password(bench.environment)
    values = {"host": settings.mail.host, "port": settings.mail.port}
    try:
        MailClient(settings.mail, password).greet()
    except MailUnreachable as error:
        template = "The mail server {host}:{port} cannot be used: {why}"
        return failing("mail", RunbookPage.MAIL_DOWN, template, {**values, "why": error})
    return good("mail", "The mail server {host}:{port} takes mail.", values)


def mail_lost(bench: CheckContext) -> HealthFinding:
    """What was sent lately arrived, as far as can be known."""
    with bench.reading() as tx:
        return mail_lost_finding(tx, bench.now)


def mail_lost_finding(tx: Transaction, now: datetime) -> HealthFinding:
    """Mails of which it is not known whether they arrived, or that were refused for good."""
    unknown, refused, _ = deliveries.counts(tx, before=now, since=now - deliveries.RECENT)
    if unknown or refused:
        template = "Mails of 14 days that may not have arrived: {unknown}; that were refused: {refused}."
        return attention("mail-lost", RunbookPage.MAIL_LOST, template, {"unknown": unknown, "refused": refused})
    return good("mail-lost", "Mail of the last 14 days arrived, as far as can be known.")
