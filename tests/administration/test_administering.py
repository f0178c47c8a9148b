"""The scheduler's part: acts are performed, and the journal goes into the log whatever is wrong with an act."""

from __future__ import annotations

from contextlib import ExitStack
from types import SimpleNamespace
from typing import cast

import pytest

from appliance.jobs.table import AdministrationJobs
from appliance.model.administration import ROOT, AdministratorRole
from appliance.store.administration import ADMINISTRATION, journal
from appliance.store.database import Database
from appliance.wiring import Appliance
from tests.administration.conftest import Site, lines_not_in_log

DAMAGED = """
    INSERT INTO acts (id, action, arguments, effect, state, persons, asked_by, asked, expires)
    VALUES ('0123456789ab', 'mail.resend', 'no JSON', '', 'performing', 1, 'sun', '2026', '2027')
"""


def test_a_damaged_act_keeps_no_line_out_of_the_log(site: Site) -> None:
    site.set_up("sun", AdministratorRole.SYSTEM)
    database = Database(site.settings.home.administration, ADMINISTRATION)
    with database.transaction() as tx:
        tx.execute(DAMAGED)
        kind = site.administration.journal.lines()[0].kind
        journal.append(tx, kind, ROOT.login, site.at, act=None, detail={})  # while the log did not answer
    database.close()
    assert lines_not_in_log(site.administration.journal) == 1
    appliance = cast("Appliance", SimpleNamespace(settings=site.settings, now=lambda: site.at))
    with ExitStack() as stack, pytest.raises(ValueError, match="Expecting value"):
        AdministrationJobs(appliance, stack).execute_requests()
    assert lines_not_in_log(site.administration.journal) == 0
