"""What the appliance keeps: the database can be written, and the log is the one that the authority remembers."""

from __future__ import annotations

import time

from appliance.errors import ApplianceError, LedgerDamaged, StorageError
from appliance.health.bench import Bench, Unasked
from appliance.health.finding import Finding, failing, good
from appliance.health.pages import Page
from appliance.ledger import Proofs
from appliance.ledger.memory import require_remembered
from hsm.errors import AuthorityError


def database(bench: Bench) -> Finding:
    """The database opens with this release, and takes a writer."""
    path = bench.home.database
    if not path.exists():
        template = "There is no database yet; `vermilion init` makes one."
        return failing("database", Page.DATABASE_UNUSABLE, template)
    began = time.monotonic()
    try:
        with bench.database().transaction():
            pass
        bench.commit_seconds = time.monotonic() - began
    except StorageError as error:
        bench.give_up_database(error)
        if _is_locked(error):
            template = "Another process holds the database {path}; nothing can be written."
            return failing("database", Page.DATABASE_LOCKED, template, {"path": path})
        return failing("database", Page.DATABASE_UNUSABLE, error.template, error.values)
    except ApplianceError as error:
        return failing("database", Page.DATABASE_UNUSABLE, error.template, error.values)
    return good("database", "The database opens and can be written.")


def log(bench: Bench) -> Finding:
    """The log can be read, and holds what the authority signed."""
    try:
        database = bench.database()
        checkpoint = Proofs(database).latest()
    except ApplianceError as error:
        raise Unasked from error  # the database says why
    try:
        require_remembered(database, bench.client)
    except LedgerDamaged as error:
        behind = error.values.get("remembered", -1) > error.values.get("size", 0)  # type: ignore[operator]
        return failing("log", Page.LOG_BEHIND if behind else Page.LOG_DAMAGED, error.template, error.values)
    except AuthorityError as error:
        raise Unasked from error
    if checkpoint is None:
        return good("log", "The log has no checkpoint yet; the first one follows the first entry within a second.")
    return good("log", "The log's latest checkpoint covers {size} entries.", {"size": checkpoint.size})


def _is_locked(error: StorageError) -> bool:
    return "locked" in str(error.__cause__ or error)
