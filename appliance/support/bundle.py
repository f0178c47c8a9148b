"""The bundle as a file: a ZIP with one JSON file for each part, all of it through the allow-list."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime
from pathlib import Path

from appliance.home import Home, write_private
from appliance.support.allowing import AllowList
from appliance.support.contents import FIELDS, PARTS, BundleContext, gathered
from appliance.support.vocabulary import vocabulary

_READ_ME = """\
This bundle says how a Vermilion appliance stands: versions, findings, counts, times. It was made by an allow-list:
numbers, moments, and words that the program itself has. No name, no address, no document, no key, no path is in
it; where one would have stood there is "—". Each file is plain JSON: read it before you send it.
"""


def write_bundle(home: Home, target: Path, now: datetime) -> tuple[str, ...]:
    """Writes the bundle of *home* into the new file *target* (mode 0600); the names of the files in it.

    It works whatever runs and whatever does not. Raises OSError when *target* cannot be written.
    """
    allowed = AllowList(vocabulary(FIELDS))
    stream, look = io.BytesIO(), BundleContext(home, now)
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _READ_ME)
        for name, part in PARTS.items():
            content = json.dumps(allowed.value(gathered(part, look)), ensure_ascii=False, indent=1)
            archive.writestr(f"{name}.json", content + "\n")
        names = tuple(archive.namelist())
    write_private(target, stream.getvalue())
    return names
