"""Whether a WACZ shows the recording of the package, and nothing else.

Programs that replay a WACZ go by what its ``datapackage.json`` calls itself: a package of packages
(``multi-wacz-package``) is shown from other WACZ files, inside it or anywhere on the web, whatever else it holds.
Some look for another configuration, too. So a WACZ of ours has exactly the files that it is written with
(:mod:`appliance.web_capture.wacz`), each as it is, and its ``datapackage.json`` calls it a plain one, lists these
files and has no other member. Its page is that of the facts, and its index leads to each response of the recording
once, by its own address (:mod:`appliance.evidence.captures.recording_index`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any, Final

from appliance.evidence.captures import layout
from appliance.evidence.captures.facts import CaptureFacts, fit
from appliance.evidence.captures.recording_index import leads_to_each
from appliance.evidence.container import LARGEST, STORED
from appliance.evidence.model import Files, PackageRefused
from appliance.evidence.repacked import read_zip
from appliance.evidence.zip_records import read_directory
from appliance.web_capture.wacz import CapturedPage, page_list
from appliance.web_capture.warc import warc_date

PROFILE: Final = "data-package"
_PACKAGE: Final = "datapackage.json"
_DIGEST: Final = "datapackage-digest.json"
_INDEX: Final = "indexes/index.cdx"
_PAGES: Final = "pages/pages.jsonl"
_LISTED: Final = (layout.WARC_IN_WACZ, _INDEX, _PAGES)
_MEMBERS: Final = (*_LISTED, _PACKAGE, _DIGEST)
_TOLD: Final = frozenset(
    {
        *("created", "mainPageDate", "mainPageUrl", "profile"),
        *("resources", "software", "title", "wacz_version"),
    }
)
_SIGNED: Final = frozenset({"created", "hash", "publicKey", "signature", "software", "version"})
"""Of wacz-auth 0.1.0 without a name: with a domain, programs show that as who vouches for the file."""
_ORIGIN: Final = re.compile(r"https?://[^/?#]*")
_LARGEST: Final = 8 * 1024 * 1024
"""Bytes of ``datapackage.json``, which has the page's address twice where it has no title; browsers take 2 MB."""


def require_archive(files: Files, facts: CaptureFacts) -> None:
    """Raises :class:`PackageRefused` unless the WACZ among *files* shows their WARC alone, as the page of
    *facts*."""
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
    page = _page(bytes(inside[_PAGES]), facts)
    if page is None or page.text.encode() != files[layout.TEXT] or not _opens(bytes(inside[_PACKAGE]), page):
        raise PackageRefused(
            "The file {path} opens another page than the one that was captured.", path=layout.WACZ
        )
    if not leads_to_each(bytes(files[layout.WARC]), bytes(inside[_INDEX]), page.address):
        raise PackageRefused(
            "The index in {path} does not lead to each response of the recording once, by its own address;"
            " programs may show another page.",
            path=layout.WACZ,
        )


def _is_plain(wacz: bytes) -> bool:
    """Whether it has these files by these very names, without a folder around them, nothing packed."""
    entries, _ = read_directory(memoryview(wacz))
    plain = all(each.method == STORED and not each.flags for each in entries)
    return plain and sorted(each.encoded_name.decode("latin-1") for each in entries) == sorted(_MEMBERS)


def _object(octets: bytes, *, most: int = _LARGEST) -> dict[str, Any]:
    """The JSON object in *octets*; an empty one where they are none, or more than *most*."""
    try:
        told = json.loads(octets.decode()) if len(octets) <= most else None
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _describes(package: bytes, inside: Files) -> bool:
    told, digest = _object(package), _object(bytes(inside[_DIGEST]))
    signed = digest.get("signedData")
    named = f"sha256:{hashlib.sha256(package).hexdigest()}"
    resources = [
        {
            "name": path.rpartition("/")[2],
            "path": path,
            "hash": f"sha256:{hashlib.sha256(inside[path]).hexdigest()}",
            "bytes": len(inside[path]),
        }
        for path in _LISTED
    ]
    return (
        told.keys() == _TOLD
        and _all_texts(told[name] for name in _TOLD - {"resources"})
        and (told["profile"], told["resources"]) == (PROFILE, resources)
        and digest == {"path": _PACKAGE, "hash": named, "signedData": signed}
        and isinstance(signed, dict)
        and signed.keys() == _SIGNED
        and _all_texts(signed.values())
        and signed["hash"] == named
    )


def _all_texts(values: Iterable[object]) -> bool:
    """Whether nothing is nested in them, which some programs could not read."""
    return all(isinstance(each, str) for each in values)


def _page(pages: bytes, facts: CaptureFacts) -> CapturedPage | None:
    """The one page of the list *pages*, if it is that of *facts*. A script may write another address into the
    browser's bar, but none of another origin (HTML, ``history.pushState``); the document's own is in the list."""
    told = _object(pages.partition(b"\n")[2], most=LARGEST)
    texts = address, title, text = tuple(told.get(name) for name in ("url", "title", "text"))
    if not _all_texts(texts):
        return None
    page = CapturedPage(str(address), str(title), str(text), facts.began)
    origin, shown = _ORIGIN.match(page.address), _ORIGIN.match(facts.page.address)
    at_home = fit(page.address) == facts.page.address or (origin and shown and origin[0] == shown[0])
    try:
        formed = page_list(page) == pages
    except UnicodeEncodeError:
        return None
    return page if at_home and formed and fit(" ".join(page.title.split())) == facts.page.title else None


def _opens(package: bytes, page: CapturedPage) -> bool:
    told = _object(package)
    named = told["title"], told["mainPageUrl"], told["mainPageDate"]
    return named == (page.title or page.address, page.address, warc_date(page.at))
