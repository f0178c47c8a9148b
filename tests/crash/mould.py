"""A home that is made once and copied: ceremony, people and their agreement cost seconds, a copy costs none."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from appliance.config import load
from appliance.demonstration.cast import LI, ZHANG
from appliance.demonstration.founding import found
from appliance.home import Home
from appliance.wiring import open_appliance
from tests.world import agree, authority, sample_document


def make(root: Path) -> Home:
    """A home at *root* whose people may sign at once; nothing runs in it any more."""
    home = Home(root)
    found(home, say=lambda _message, **_values: None, environment=os.environ)
    with authority(home), open_appliance(load(home)) as appliance:
        agree(appliance, ZHANG, LI.organisation)
        agree(appliance, LI, ZHANG.organisation)
        appliance.workshop.text(sample_document(1))  # the typefaces are in the cache then
    return home


def cast(mould: Home, root: Path) -> Home:
    """A copy of *mould* at *root*, with tokens of its own; what can be made again at any time is shared."""
    root.mkdir(mode=0o700, exist_ok=True)
    for part in mould.root.iterdir():
        if part == mould.cache:
            (root / part.name).symlink_to(part)
        elif part.is_dir():
            shutil.copytree(part, root / part.name, ignore=shutil.ignore_patterns("*.sock"))
    configuration = root / "hsm/softhsm2.conf"
    text = configuration.read_text(encoding="utf-8")
    configuration.write_text(text.replace(str(mould.root), str(root)), encoding="utf-8")
    return Home(root)
