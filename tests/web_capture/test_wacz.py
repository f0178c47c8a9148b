"""The WACZ: its digests, and an index that leads to each response."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from warcio.archiveiterator import ArchiveIterator

from appliance.web_capture.wacz import CapturedPage, search_key, wacz
from appliance.web_capture.warc import RecordType, WarcFile

AT = datetime(2026, 11, 30, 6, 0, 0, 123000, UTC)
RESPONSES = {
    "http://www.Site.example/": b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>one",
    "https://site.example:8443/b?z=1&a=2": b"HTTP/1.1 404 Not Found\r\nX: 1\r\n\r\nnone",
}


def made() -> bytes:
    written = io.BytesIO()
    file = WarcFile(written)
    file.begin({"software": "test"}, AT)
    for address, block in RESPONSES.items():
        file.write(RecordType.RESPONSE, address, block, AT)
        file.write(RecordType.REQUEST, address, b"GET / HTTP/1.1\r\n\r\n", AT)
    page = CapturedPage("http://www.site.example/", "标题", "正文", AT)
    return wacz(written.getvalue(), file.entries, page, made_by="test", at=AT)


def test_every_file_is_listed_by_its_digest() -> None:
    with zipfile.ZipFile(io.BytesIO(made())) as archive:
        package = json.loads(archive.read("datapackage.json"))
        assert package["wacz_version"] == "1.1.1"
        for each in package["resources"]:
            octets = archive.read(each["path"])
            assert each["hash"] == f"sha256:{hashlib.sha256(octets).hexdigest()}"
            assert each["bytes"] == len(octets)
        listed = {each["path"] for each in package["resources"]}
        assert listed | {"datapackage.json", "datapackage-digest.json"} == set(archive.namelist())
        named = json.loads(archive.read("datapackage-digest.json"))
        assert named["hash"] == f"sha256:{hashlib.sha256(archive.read('datapackage.json')).hexdigest()}"
        assert {each.compress_type for each in archive.infolist()} == {zipfile.ZIP_STORED}
        page = json.loads(archive.read("pages/pages.jsonl").splitlines()[1])
        assert (page["title"], page["text"], page["ts"]) == ("标题", "正文", "2026-11-30T06:00:00.123Z")


def test_the_index_leads_to_each_response() -> None:
    with zipfile.ZipFile(io.BytesIO(made())) as archive:
        warc = archive.read("archive/capture.warc.gz")
        lines = archive.read("indexes/index.cdx").decode().splitlines()
    assert lines == sorted(lines)
    told = [json.loads(line.split(" ", 2)[2]) for line in lines]
    assert {each["url"]: (each["status"], each["mime"]) for each in told} == {
        "http://www.Site.example/": ("200", "text/html"),
        "https://site.example:8443/b?z=1&a=2": ("404", "unk"),
    }
    for each in told:
        part = warc[int(each["offset"]) : int(each["offset"]) + int(each["length"])]
        record = next(iter(ArchiveIterator(io.BytesIO(part), no_record_parse=True)))
        assert record.rec_headers.get_header("WARC-Target-URI") == each["url"]
        assert record.raw_stream.read() == RESPONSES[each["url"]]


def _signature(octets: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        digest = json.loads(archive.read("datapackage-digest.json"))
        assert digest["signedData"]["hash"] == digest["hash"]
        assert digest["signedData"]["created"] == json.loads(archive.read("datapackage.json"))["created"]
    return dict(digest["signedData"])


def test_it_is_signed_by_a_key_of_its_own(tmp_path: Path) -> None:
    """openssl, which is not ours, verifies it, and no other text; the members are those of wacz-auth alone."""
    first, second = _signature(made()), _signature(made())
    assert set(first) == {"hash", "created", "software", "version", "signature", "publicKey"}
    assert first["publicKey"] != second["publicKey"]
    octets = base64.b64decode(first["signature"])
    assert len(octets) == 96
    r, s = int.from_bytes(octets[:48]), int.from_bytes(octets[48:])
    (tmp_path / "signature").write_bytes(encode_dss_signature(r, s))
    (tmp_path / "key").write_bytes(base64.b64decode(first["publicKey"]))
    for text, valid in ((first["hash"], True), (first["hash"] + "0", False)):
        (tmp_path / "text").write_text(text)
        judged = subprocess.run(
            ["openssl", "dgst", "-sha256", "-verify", "key", "-keyform", "DER", "-signature", "signature", "text"],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        assert (judged.returncode == 0) is valid


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("http://www.Site.example/", "example,site)/"),
        ("https://site.example:8443/b?z=1&a=2", "example,site:8443)/b?a=2&z=1"),
        ("http://site.example", "example,site)/"),
    ],
)
def test_keys_are_those_that_readers_make(address: str, key: str) -> None:
    assert search_key(address) == key


@pytest.mark.parametrize("chunks", [b"4\r\nnone\r\n0\r\n\r\n", b"1;x=1\r\nn\r\n3\r\none\r\n0\r\nT: 1\r\n\r\n"])
def test_chunks_are_no_part_of_what_is_compared(chunks: bytes) -> None:
    file = WarcFile(io.BytesIO())
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    file.write(RecordType.RESPONSE, "http://site.example/", head + chunks, AT)
    assert [each.digest for each in file.entries] == [f"sha256:{hashlib.sha256(b'none').hexdigest()}"]
