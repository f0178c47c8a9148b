"""``vermilion migrate``: brings the database to this release's schema. The authority sees to its own store."""

from __future__ import annotations

import click

from appliance.cli.program import Context
from appliance.errors import StorageError
from appliance.store.database import Database
from appliance.store.schema import latest


@click.command("migrate")
@click.pass_obj
def command(context: Context) -> None:
    """Bring the database to this release's schema, in one transaction; done again, it changes nothing.

    Every process does the same when it opens the database; `vermilion upgrade` does it before any of them starts.
    """
    if not context.home.database.exists():
        raise StorageError("There is no database in {home}; `vermilion init` makes one.", home=context.home.root)
    Database(context.home.database).close()
    context.terminal.say("The database has schema {schema}.", schema=latest())
