"""WACZ 1.1.1: the WARC file with an index, the list of pages and digests, in a ZIP that ReplayWeb.page opens.

https://specs.webrecorder.net/wacz/1.1.1/ — nothing in the ZIP is compressed, so that a reader fetches single
records. Index lines are CDXJ 0.1.0 by the key that readers make of an address (SURT).

The list of files is signed without a name (https://specs.webrecorder.net/wacz-auth/0.1.0/, "Anonymous Signature"),
by a key that is made for this file and gone afterwards. That alone proves no more than that all of it was packed
in one go; who packed it when is for the package around it to prove.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.web_capture.request_keys import with_query
from appliance.web_capture.warc import IndexEntry, warc_date

VERSION: Final = "1.1.1"
SIGNATURE_VERSION: Final = "0.1.0"
"""Of wacz-auth."""
_WARC: Final = "archive/capture.warc.gz"
INDEX: Final = "indexes/index.cdx"
_PAGES: Final = "pages/pages.jsonl"
_PACKAGE: Final = "datapackage.json"
_DIGEST: Final = "datapackage-digest.json"


@dataclass(frozen=True, slots=True)
class CapturedPage:
    """The page that was captured: the ``address`` that was loaded last, title, text and the time of the visit."""

    address: str
    title: str
    text: str
    at: datetime


def wacz(warc: bytes, entries: Sequence[IndexEntry], page: CapturedPage, *, made_by: str, at: datetime) -> bytes:
    """The ZIP."""
    files = {_WARC: warc, INDEX: _index(entries, page), _PAGES: page_list(page)}
    package = _json(
        {
            "profile": "data-package",
            "wacz_version": VERSION,
            "title": page.title or page.address,
            "software": made_by,
            "created": warc_date(at),
            "mainPageUrl": page.address,
            "mainPageDate": warc_date(page.at),
            "resources": [_resource(path, octets) for path, octets in sorted(files.items())],
        }
    )
    files[_PACKAGE] = package
    files[_DIGEST] = _json(
        {"path": _PACKAGE, "hash": _hash(package), "signedData": _signed(_hash(package), made_by, at)}
    )
    return _packed(files)


def search_key(address: str) -> str:
    """The key of *address* in an index: the host's labels backwards, then path and sorted query, in lower case."""
    parts = urlsplit(address.lower())
    host = (parts.hostname or "").removeprefix("www.")
    labels = ",".join(reversed(host.split(".")))
    port = f":{parts.port}" if parts.port else ""
    query = urlencode(sorted(parse_qsl(parts.query, keep_blank_values=True), key=lambda pair: pair[0]))
    return f"{labels}{port}){parts.path or '/'}" + (f"?{query}" if parts.query else "")


def _index(entries: Sequence[IndexEntry], page: CapturedPage) -> bytes:
    """The page itself is found by its address alone, also where a form led to it."""
    own = page.address.partition("#")[0]
    there = [each for each in entries if each.address == own]
    if there and all(each.method != "GET" for each in there):
        entries = [*entries, replace(there[-1], method="GET", body="")]
    return "".join(sorted(map(index_line, entries))).encode()


def index_line(entry: IndexEntry) -> str:
    """Where a reader of the index finds *entry*. Raises ValueError for an address that has no key."""
    told = {
        "url": entry.address,
        "mime": entry.mime,
        "status": str(entry.status),
        "digest": entry.digest,
        "length": str(entry.length),
        "offset": str(entry.offset),
        "filename": _WARC.rpartition("/")[2],
        **({} if entry.method == "GET" else {"method": entry.method, "requestBody": entry.body}),
    }
    moment = entry.at.astimezone(UTC).strftime("%Y%m%d%H%M%S") + f"{entry.at.microsecond // 1000:03}"
    key = search_key(with_query(entry.address, entry.method, entry.body))
    return f"{key} {moment} {json.dumps(told)}\n"


def page_list(page: CapturedPage) -> bytes:
    """The list of the one page (JSON Lines)."""
    head = {"format": "json-pages-1.0", "id": "pages", "title": "Captured pages", "hasText": True}
    told = {
        "id": hashlib.sha256(page.address.encode()).hexdigest()[:32],
        "url": page.address,
        "title": page.title,
        "ts": warc_date(page.at),
        "text": page.text,
    }
    return b"".join(_lines([head, told]))


def _lines(values: Sequence[Mapping[str, Any]]) -> Iterator[bytes]:
    for each in values:
        yield json.dumps(each, ensure_ascii=False).encode() + b"\n"


def _resource(path: str, octets: bytes) -> Mapping[str, Any]:
    return {"name": path.rpartition("/")[2], "path": path, "hash": _hash(octets), "bytes": len(octets)}


def _hash(octets: bytes) -> str:
    return f"sha256:{hashlib.sha256(octets).hexdigest()}"


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def _signed(digest: str, made_by: str, at: datetime) -> Mapping[str, str]:
    """The signature over *digest*, in the form that browsers verify (Web Cryptography API, 23: r and s)."""
    key = ec.generate_private_key(ec.SECP384R1())
    r, s = decode_dss_signature(key.sign(digest.encode(), ec.ECDSA(hashes.SHA256())))
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {
        "hash": digest,
        "created": warc_date(at),
        "software": made_by,
        "version": SIGNATURE_VERSION,
        "signature": base64.b64encode(r.to_bytes(48) + s.to_bytes(48)).decode(),
        "publicKey": base64.b64encode(public).decode(),
    }


def _packed(files: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for path, octets in files.items():
            archive.writestr(zipfile.ZipInfo(path), octets)
    return written.getvalue()
