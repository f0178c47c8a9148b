"""A process that makes a backup, or restores one, and kills itself at a named point.

Run as ``python -m tests.operations.performer create HOME POINT`` or ``restore HOME ARCHIVE IDENTITY POINT`` or
``swap HOME STAGED POINT`` or ``upgrade HOME ROOT VERSION STEP``.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from appliance.clock import utc_now
from appliance.config import load
from appliance.home import Home
from appliance.operations.backup import BackupArchive, BackupContext, BackupFailpoint, create_archive
from appliance.operations.releases import Commands, Releases, UpgradeStep, upgrade
from appliance.operations.restore import RestoreOrder, restore_archive
from appliance.operations.restore.restoring import Swap, swap
from hsm.client import AuthorityClient
from hsm.note import parse_vkey


def dying_at(point: str) -> Callable[[BackupFailpoint | UpgradeStep], None]:
    def reach(reached: BackupFailpoint | UpgradeStep) -> None:
        if reached.name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    return reach


def main(act: str, place: str, *rest: str) -> None:
    home, reach = Home(Path(place)), dying_at(rest[-1])
    if act == "create":
        with AuthorityClient(home.authority_socket("backup")) as client:
            create_archive(BackupContext(load(home), os.environ, client), now=utc_now(), reach=reach)
    elif act == "restore":
        order = RestoreOrder(BackupArchive(Path(rest[0])), Path(rest[1]), aside=True, key=parse_vkey(rest[2]))
        restore_archive(home, order, now=utc_now(), reach=reach)
    elif act == "upgrade":
        upgrade(home, Releases(Path(rest[0])), rest[1], Commands(), now=utc_now(), reach=dying_at(rest[-1]))
    else:
        swap(home, Swap("20261125T120000Z", rest[0], "before"), reach)


if __name__ == "__main__":
    main(*sys.argv[1:])
