"""Whether a WACZ shows the recording of the package, and nothing else.

Programs that replay a WACZ go by what its ``datapackage.json`` calls itself: a package of packages
(``multi-wacz-package``) is shown from other WACZ files, inside it or anywhere on the web, whatever else it holds.
Some look for another configuration, too. So a WACZ of ours has exactly the files that it is written with
(:mod:`appliance.web_capture.wacz`), each as it is, and its ``datapackage.json`` calls it a plain one and lists
these files. To which records of the recording its index leads is not judged.
"""

from __future__ import annotations

import hashlib
import json
from typing import Final

from appliance.evidence.captures import layout
from appliance.evidence.container import STORED
from appliance.evidence.members import Files
from appliance.evidence.model import PackageRefused
from appliance.evidence.repacked import read_zip
from appliance.evidence.zip_records import read_directory

PROFILE: Final = "data-package"
_PACKAGE: Final = "datapackage.json"
_LISTED: Final = (layout.WARC_IN_WACZ, "indexes/index.cdx", "pages/pages.jsonl")
_MEMBERS: Final = (*_LISTED, _PACKAGE, "datapackage-digest.json")
_LARGEST: Final = 8 * 1024 * 1024
"""Bytes of ``datapackage.json``, which has the page's address twice where it has no title; browsers take 2 MB."""


def require_archive(files: Files) -> None:
    """Raises :class:`PackageRefused` unless the WACZ among *files* shows their WARC alone."""
    wacz = bytes(files[layout.WACZ])
    try:
        inside = read_zip(wacz).files
    except PackageRefused as error:
        raise PackageRefused(
            "The file {path} cannot be read as a ZIP in one way only.", path=layout.WACZ
        ) from error
    if inside.get(layout.WARC_IN_WACZ) != files[layout.WARC]:
        raise PackageRefused(
            "The file {path} has another recording in it than {warc}.", path=layout.WACZ, warc=layout.WARC
        )
    if not _is_plain(wacz) or not _describes(bytes(inside[_PACKAGE]), inside):
        raise PackageRefused(
            "The file {path} has more in it than the recording, its index and its list of pages, or describes"
            " itself otherwise; programs may show another page.",
            path=layout.WACZ,
        )


def _is_plain(wacz: bytes) -> bool:
    """Whether it has these files by these very names, without a folder around them, nothing packed."""
    entries, _ = read_directory(memoryview(wacz))
    plain = all(each.method == STORED and not each.flags for each in entries)
    return plain and sorted(each.encoded_name.decode("latin-1") for each in entries) == sorted(_MEMBERS)


def _describes(package: bytes, inside: Files) -> bool:
    if len(package) > _LARGEST:
        return False
    try:
        told = json.loads(package.decode())
    except (ValueError, RecursionError):
        return False
    resources = [
        {
            "name": path.rpartition("/")[2],
            "path": path,
            "hash": f"sha256:{hashlib.sha256(inside[path]).hexdigest()}",
            "bytes": len(inside[path]),
        }
        for path in _LISTED
    ]
    return isinstance(told, dict) and told.get("profile") == PROFILE and told.get("resources") == resources
