"""Is all well? One question for each thing that the appliance needs, each answered at once, never by an exception.

``vermilion diagnose`` asks them all, also when nothing runs; ``/readyz`` asks those that a visitor depends on.
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from appliance.config import load
from appliance.errors import ApplianceError
from appliance.home import Home
from appliance.ledger import Proofs
from appliance.operations.alarms import alarms
from appliance.operations.dating import dating
from appliance.operations.finding import Finding
from appliance.operations.keeping import keeping
from appliance.operations.lasting import lasting, root_list
from appliance.operations.reminding import reminding
from appliance.store.database import Database
from hsm.client import AuthorityClient
from hsm.errors import AuthorityError
from hsm.status import AuthorityState, AuthorityStatus

LEAST_FREE = 0.05
"""Below this share of the disk nothing more is taken in (operations.md, "Durability")."""

RUNNING_OUT = timedelta(days=30)
"""A certificate with less time left than this wants renewing."""


def settings(home: Home) -> Finding:
    """The settings can be read."""
    try:
        load(home)
    except ApplianceError as error:
        return Finding("settings", False, error.template, error.values)
    return Finding("settings", True, "The settings in {path} are in order.", {"path": home.settings})


def secrets(home: Home) -> Finding:
    """Nobody else may read the secrets, in development; on the appliance the service manager keeps them."""
    for path in (home.secrets, home.people):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            return Finding("secrets", False, "Others may look into {path}; set its mode to 0700.", {"path": path})
    return Finding("secrets", True, "Secrets are private.")


def disk(path: Path) -> Finding:
    """There is room for what comes in."""
    try:
        usage = shutil.disk_usage(path)
    except OSError as error:
        return Finding("disk", False, "{path} cannot be used: {why}.", {"path": path, "why": error.strerror})
    share = usage.free / usage.total
    values = {"share": f"{share:.0%}", "path": path}
    if share < LEAST_FREE:
        return Finding("disk", False, "Only {share} of the disk of {path} is free; make room.", values)
    return Finding("disk", True, "{share} of the disk of {path} is free.", values)


def database(home: Home) -> Finding:
    """The database opens with this release."""
    if not home.database.exists():
        return Finding("database", False, "There is no database yet; `vermilion init` makes one.")
    try:
        Database(home.database).close()
    except ApplianceError as error:
        return Finding("database", False, error.template, error.values)
    return Finding("database", True, "The database opens.")


def authority(client: AuthorityClient, *, now: datetime) -> list[Finding]:
    """The authority signs, its clock is trusted, its certificates last; one refusal when it does not answer."""
    try:
        status = client.status()
    except AuthorityError as error:
        return [Finding("authority", False, error.template, error.values)]
    operational = status.state is AuthorityState.OPERATIONAL
    return [
        Finding("authority", operational, status.sentence.template, status.sentence.values),
        Finding("clock", status.clock.trusted, status.clock.sentence.template, status.clock.sentence.values),
        _certificates(status, now),
    ]


def log(proofs: Proofs) -> Finding:
    """The log can be read."""
    try:
        checkpoint = proofs.latest()
    except ApplianceError as error:
        return Finding("log", False, error.template, error.values)
    if checkpoint is None:
        return Finding(
            "log", True, "The log has no checkpoint yet; the first one follows the first entry within a second."
        )
    return Finding("log", True, "The log's latest checkpoint covers {size} entries.", {"size": checkpoint.size})


def _certificates(status: AuthorityStatus, now: datetime) -> Finding:
    if not status.keys:
        return Finding("certificates", False, "The authority has no certificates; hold the key ceremony.")
    first = min(status.keys, key=lambda key: key.not_after)
    values = {"subject": first.subject, "days": (first.not_after - now).days}
    if first.not_after - now < RUNNING_OUT:
        return Finding(
            "certificates", False, "The certificate of {subject} has {days} days left; renew it.", values
        )
    return Finding(
        "certificates", True, "The next certificate to end is that of {subject}, in {days} days.", values
    )


def everything(home: Home) -> Sequence[Finding]:
    """All findings about *home*, whatever runs and whatever does not."""
    return [finding for ask in QUESTIONS for finding in ask(home)]


def _ask_authority(home: Home) -> list[Finding]:
    with AuthorityClient(home.authority_socket("operator"), timeout=2.0) as client:
        now = datetime.now(UTC)
        return [*authority(client, now=now), *root_list(client, now)]


QUESTIONS: tuple[Callable[[Home], list[Finding]], ...] = (
    lambda home: [settings(home)],
    lambda home: [secrets(home)],
    lambda home: [disk(home.root)],
    lambda home: [database(home)],
    lambda home: reminding(home, datetime.now(UTC)),
    lambda home: dating(home, datetime.now(UTC)),
    lambda home: alarms(home.alarms),
    lambda home: keeping(home, datetime.now(UTC)),
    _ask_authority,
    lambda home: lasting(home, datetime.now(UTC)),
)
