"""What the appliance stores and what waits: the database can be written, the log and the administrators' journal
are unchanged, and mail, log entries and contracts do not wait for too long."""

from __future__ import annotations

import os
import time
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial

from appliance.clock import utc_now
from appliance.errors import ApplianceError, LedgerDamaged, SpoolDamaged, StorageError
from appliance.health.check_context import PATIENCE, CheckContext, JournalCursor, NotAnswerable
from appliance.health.findings import HealthFinding, RunbookPage, attention, failing, good, unset
from appliance.ledger import LogProofs
from appliance.ledger.check import require_remembered
from appliance.ledger.timestamp_spool import waiting_since
from appliance.ledger.tree import StoredTree
from appliance.notices.channel import DeliveryUnreachable
from appliance.notices.gateway import GatewayClient
from appliance.notices.mail import MailClient
from appliance.store import administrators, ledger, outbox
from appliance.store import contracts as stored_contracts
from appliance.store.administration import ADMINISTRATION
from appliance.store.administration import journal as administration
from appliance.store.database import Database, Transaction
from hsm import canonical
from hsm.errors import AuthorityError

NEWEST = 1000
"""Lines of the administrators' journal that each round of the health monitor looks at: the newest, and as many of
the older ones, which are those that follow on the round before, however much later this one comes."""


def database(context: CheckContext) -> HealthFinding:
    """The database opens with this release, and takes a writer."""
    path = context.home.database
    if not path.exists():
        return failing(RunbookPage.DATABASE_UNUSABLE, "There is no database yet; `vermilion init` makes one.")
    began = time.monotonic()
    try:
        with context.database().transaction():
            pass
        context.commit_seconds = time.monotonic() - began
    except StorageError as error:
        context.give_up_database(error)
        if _is_locked(error):
            template = "Another process holds the database {path}; nothing can be written."
            return failing(RunbookPage.DATABASE_LOCKED, template, path=path)
        return failing(RunbookPage.DATABASE_UNUSABLE, error.template, **error.values)
    except ApplianceError as error:
        return failing(RunbookPage.DATABASE_UNUSABLE, error.template, **error.values)
    return good("The database opens and can be written.")


def log(context: CheckContext) -> HealthFinding:
    """The log can be read, and holds what the authority signed."""
    try:
        database = context.database()
        checkpoint = LogProofs(database).latest()
    except ApplianceError as error:
        raise NotAnswerable from error  # the database says why
    try:
        require_remembered(database, context.client)
    except LedgerDamaged as error:
        behind = error.values.get("remembered", -1) > error.values.get("size", 0)  # type: ignore[operator]
        return failing(
            RunbookPage.LOG_BEHIND if behind else RunbookPage.LOG_DAMAGED, error.template, **error.values
        )
    except AuthorityError as error:
        raise NotAnswerable from error
    if checkpoint is None:
        return good("The log has no checkpoint yet; the first one follows the first entry within a second.")
    return good("Entries that the log's latest checkpoint covers: {size}.", size=checkpoint.size)


def journal(context: CheckContext) -> HealthFinding:
    """The newest lines of the administrators' journal follow from each other, and the last of them that is in the
    log is the one that the log knows: who writes that database cannot make others of them."""
    path = context.home.administration
    if not os.access(path, os.W_OK):
        raise NotAnswerable  # not there yet, or not this process's to open
    with context.reading() as tx:
        try:
            own = Database(path, ADMINISTRATION, patience=PATIENCE)
        except StorageError as error:
            return failing(RunbookPage.JOURNAL_CHANGED, error.template, **error.values)
        with closing(own), own.reading() as lines:
            number = _changed_at(lines, tx, context.cursor)
    if number is not None:
        template = "The administrators' journal was changed: line {number} is not the one that was written."
        return failing(RunbookPage.JOURNAL_CHANGED, template, number=number)
    return good("The administrators' journal is as it was written.")


def _changed_at(lines: Transaction, tx: Transaction, cursor: JournalCursor | None) -> int | None:
    name, length = administration.identity(lines), administration.length(lines)
    last = administrators.last_in_log(tx, name)
    if last:
        public = canonical.decode(ledger.leaf(tx, administrators.entry_of(tx, name, last)))["public"]
        known = administration.digest(lines, last)
        if known is None or known.hex() != public["digest"]:
            return last
    if cursor is None:
        return administration.broken_at(lines)
    older = max(0, length - NEWEST)
    changed = _changed_before(lines, older, cursor)
    return changed if changed is not None else administration.broken_at(lines, beyond=older)


def _changed_before(lines: Transaction, older: int, cursor: JournalCursor) -> int | None:
    """Looks at the next of the *older* lines, beyond the cursor; after the last of them begins anew. Where one was
    changed the cursor stays, so that each round finds it, as an alarm takes."""
    begin = cursor.line if cursor.line < older else 0
    end = min(begin + NEWEST, older)
    changed = administration.broken_at(lines, beyond=begin, upto=end) if end else None
    if changed is None:
        cursor.line = end if end < older else 0
    return changed


def _is_locked(error: StorageError) -> bool:
    return "locked" in str(error.__cause__ or error)


STUCK = timedelta(hours=1)
"""Mail that waits longer than a mail server is away in passing."""

UNPLACED = timedelta(minutes=1)
"""An entry of the log gets its place within a second."""

UNSEALED = timedelta(minutes=10)
"""A contract is sealed off within seconds of its last signature."""


def queue(context: CheckContext) -> HealthFinding:
    """Nothing waits for longer than it should; mail only where there is a server to send by."""
    now, mail = context.now, context.configured().mail.configured
    with context.reading() as tx:
        _, _, letters = outbox.delivery_problems(tx, before=now - STUCK, since=now)
        if mail and letters:  # before the log is asked, which may be damaged
            template = "Mails that have waited for more than an hour: {count}."
            return failing(RunbookPage.QUEUE_STUCK, template, "mail", count=letters)
        entries = ledger.unplaced_since(tx, StoredTree(tx).size(), now - UNPLACED)
        contracts = stored_contracts.count_unfinalised(tx, now - UNSEALED)
        since = _oldest_outside_the_log(context, tx)
    if isinstance(since, SpoolDamaged):
        return failing(RunbookPage.QUEUE_STUCK, since.template, "timestamps", **since.values)
    if since is not None and since < now - UNPLACED:
        template = "Timestamps have waited for their entries in the log since {since}."
        return failing(RunbookPage.QUEUE_STUCK, template, "timestamps", since=f"{since:%Y-%m-%d %H:%M} UTC")
    if entries:
        template = "Entries of the log that have waited for their place for more than a minute: {count}."
        return failing(RunbookPage.QUEUE_STUCK, template, "log", count=entries)
    if contracts:
        template = "Contracts that are signed by all, but could not be sealed off: {count}."
        return failing(RunbookPage.QUEUE_STUCK, template, "contracts", count=contracts)
    return good("Nothing waits for longer than it should.")


def _oldest_outside_the_log(context: CheckContext, tx: Transaction) -> datetime | SpoolDamaged | None:
    """The time of the oldest timestamp that was given out and has no entry yet, or why that cannot be said."""
    try:
        return waiting_since(context.home.timestamp_spool, partial(ledger.feed_position, tx))
    except SpoolDamaged as error:
        return error
    except StorageError as error:
        raise NotAnswerable from error  # not for this process to read


def mail(context: CheckContext) -> HealthFinding:
    """The mail server takes mail now. Asks it."""
    settings = context.configured()
    if not settings.mail.configured:
        return unset("No mail server is set; notices are shown in the portal only.")
    password = settings.mail_password(context.environment)
    values = {"host": settings.mail.host, "port": settings.mail.port}
    try:
        MailClient(settings.mail, password).greet()
    except DeliveryUnreachable as error:
        template = "The mail server {host}:{port} cannot be used: {why}"
        return failing(RunbookPage.MAIL_DOWN, template, **values, why=error)
    return good("The mail server {host}:{port} takes mail.", **values)


def gateway(context: CheckContext) -> HealthFinding:
    """The message gateway takes messages of ours now. Asks it."""
    settings = context.configured()
    if not settings.gateway.configured:
        return unset("No message gateway is set; initiators tell outside signers their codes.")
    url = settings.gateway.url
    try:
        GatewayClient(settings, settings.gateway_key(context.environment), utc_now).greet()
    except (DeliveryUnreachable, ApplianceError) as error:
        return failing(
            RunbookPage.GATEWAY_DOWN, "The message gateway {url} cannot be used: {why}", url=url, why=error
        )
    return good("The message gateway {url} takes messages.", url=url)


def mail_lost(context: CheckContext) -> HealthFinding:
    """What was sent lately arrived, as far as can be known, and nothing was refused for good."""
    with context.reading() as tx:
        since = context.now - outbox.RECENT
        unknown, refused, _ = outbox.delivery_problems(tx, before=context.now, since=since)
    if unknown or refused:
        template = "Mails of 14 days that may not have arrived: {unknown}; that were refused: {refused}."
        return attention(RunbookPage.MAIL_LOST, template, unknown=unknown, refused=refused)
    return good("No mail that was sent in the last 14 days is known to be lost.")
