"""Opening the authority's part with the recovery key: a process of its own, which loads PKCS#11 for one token."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hsm import home
from hsm.backup.contents import point_softhsm, put_in_place
from hsm.backup.examination import examine_here
from hsm.config import AuthoritySettings
from hsm.sealing import identities_in, open_tree


def unpack(part: Path, identity: Path, into: Path, final: Path, here: AuthoritySettings | None) -> None:
    """Puts store, settings, token and PINs of the sealed *part* below *into*, once all of it has been examined.

    *final* is the home that *into* will become; *here* the settings of the authority of this machine, whose HSM
    must hold the keys when the part brings no token. Raises :class:`hsm.errors.SealBroken` and
    :class:`hsm.errors.BackupRefused`; what lies below *into* is then to be thrown away.
    """
    opened, scratch = into / ".opened", into / ".scratch"
    for directory in (opened, scratch):
        directory.mkdir(mode=0o700)
    open_tree(part, opened, identities_in(identity))
    examine_here(opened, scratch, here, home.user_pin(here, os.environ) if here else None)
    put_in_place(opened, into)
    configuration = into / "hsm/softhsm2.conf"
    if configuration.exists():
        point_softhsm(configuration, final / "hsm/tokens")
    shutil.rmtree(opened)
    shutil.rmtree(scratch)
