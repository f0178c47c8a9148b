"""What somebody could try with the package of a web capture who has the evidence key, or who writes the log.

Every verifier judges alike: ``vermilion verify``, both checkers, and the page. :data:`ATTACKS` makes packages of
which none may pass, by name; :data:`GOOD` makes others in the same ways, which pass.
"""

from __future__ import annotations

import base64
import copy
import gzip
import hashlib
import io
import json
import random
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.evidence import container, manifest
from appliance.evidence.common_files import pem
from appliance.evidence.manifest import PackageManifest
from appliance.evidence.repacked import read_zip
from appliance.web_capture.wacz import INDEX, CapturedPage, wacz
from appliance.web_capture.warc import IndexEntry, RecordType, WarcFile, record_id
from hsm import cms, timestamp
from tests.evidence.authority import START, Revocation, TestAuthority
from tests.evidence.captured import ENTRY, NUMBERS, PATH, Told, facts_for, packed_again, small_capture
from tests.evidence.captures.bench import (
    CERTIFICATES,
    EXCHANGE,
    FROM_CAPTURE,
    LEAF,
    LOG,
    OPENING,
    PROOF,
    Bench,
    Bytes,
)
from tests.evidence.resealing import resealed, sealed

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
Attack = Callable[[Bench], bytes]


def middle(octets: bytes) -> bytes:
    """One bit in the middle is another."""
    at = len(octets) // 2
    return octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :]


def swap(old: str, new: str) -> Bytes:
    """Puts *new* in the place of *old*, which is there once."""

    def change(octets: bytes) -> bytes:
        assert octets.count(old.encode()) == 1, old
        return octets.replace(old.encode(), new.encode())

    return change


def behind(more: bytes) -> Bytes:
    return lambda octets: octets + more


def before(more: bytes) -> Bytes:
    return lambda octets: more + octets


TLS = {
    "certificates": [hashlib.sha256(b"certificate").hexdigest()],
    "chain": [base64.b64encode(b"certificate").decode()],
    "cipher": "TLS_AES_256_GCM_SHA384",
    "host": "shop.example",
    "leaf": {
        "issuer": 'CN="Authority"',
        "not_after": "2028-02-29T00:00:00+00:00",
        "not_before": "2026-01-01T00:00:00+00:00",
        "serial": "0a",
        "subject": "CN=shop.example",
    },
    "trust": "untrusted",
    "version": "TLSv1.3",
    "why": "self-signed certificate",
}
STEP = {
    "address": "https://shop.example/",
    "at": "2026-11-25T08:00:01.500000+00:00",
    "kind": "click",
    "milliseconds": 500,
    "note": "",
    "picture": "",
    "result": "done",
    "target": '#buy "now"',
}
_LOG_IN = {
    "began": "2026-11-25T07:50:00+00:00",
    "ended": "2026-11-25T07:59:59.999000+00:00",
    "exchanges": 7,
    "hosts": ["shop.example", "login.example"],
    "hosts_in_all": 2,
}
CLOCK = {
    "agreeing": 2,
    "authentication": "nts",
    "configured": 2,
    "error": 4100,
    "offset": -12,
    "source": "kernel",
    "state": "in-step",
}


def _of_certificates(number: int) -> dict[str, Any]:
    return {**TLS, "certificates": TLS["certificates"] * number, "chain": TLS["chain"] * number}


def _facts(**other: Any) -> Attack:
    return lambda bench: bench.facts(lambda value: value.update(other))


def _of_page(**other: Any) -> Attack:
    return lambda bench: bench.facts(lambda value: value["page"].update(other))


def _written(change: Bytes) -> Attack:
    return lambda bench: bench.told(Told(), facts=change)


def _leaf(change: Bytes) -> Attack:
    return lambda bench: bench.told(Told(), leaf=change)


def _told(**told: Any) -> Attack:
    return lambda bench: bench.told(Told(**told))


def _changed(path: str, change: Bytes) -> Attack:
    return lambda bench: bench.changed(path, change)


def _listed(change: Bytes) -> Attack:
    return lambda bench: bench.under(change(bench.files[manifest.MANIFEST]))


def _added(path: str, content: bytes = b"x") -> Attack:
    return lambda bench: bench.resealed({path: content})


def _without(path: str) -> Attack:
    return lambda bench: bench.resealed({path: None})


def _swapped(*paths: str) -> Attack:
    def attack(bench: Bench) -> bytes:
        other = read_zip(bench.other).files
        return bench.resealed({path: bytes(other[path]) for path in paths})

    return attack


def _with(wacz: bytes, **members: bytes | None) -> bytes:
    """The WACZ with other members (None: without that one)."""
    with zipfile.ZipFile(io.BytesIO(wacz)) as old:
        files = {each.filename: old.read(each) for each in old.infolist()} | members
    return _zipped({name: octets for name, octets in files.items() if octets is not None})


def _zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, octets in files.items():
            archive.writestr(zipfile.ZipInfo(name), octets, method)
    return written.getvalue()


def _member(wacz: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(wacz)) as archive:
        return archive.read(name)


def _another_inside(wacz: bytes) -> bytes:
    """ReplayWeb.page shows that one."""
    other = {"other.wacz": small_capture("two").wacz}
    return _described(_of_packages("other.wacz"), **other)(wacz)


def _inside_a_folder(wacz: bytes) -> bytes:
    """A folder of the name of that with recordings around everything: readers find another one in it."""
    with zipfile.ZipFile(io.BytesIO(wacz)) as old:
        files = {f"archive/{each.filename}": old.read(each) for each in old.infolist()}
    return _zipped({**files, "archive/more.warc.gz": small_capture("two").warc})


def _deflated(wacz: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(wacz)) as old:
        return _zipped({each.filename: old.read(each) for each in old.infolist()}, zipfile.ZIP_DEFLATED)


def _described(change: Callable[[dict[str, Any]], object], **members: bytes) -> Bytes:
    """A WACZ that describes itself otherwise."""

    def changed(wacz: bytes) -> bytes:
        told = json.loads(_member(wacz, "datapackage.json"))
        change(told)
        return _with(wacz, **{"datapackage.json": json.dumps(told).encode(), **members})

    return changed


def _of_packages(path: str) -> Callable[[dict[str, Any]], object]:
    """ReplayWeb.page shows what is in the WACZ at *path*."""
    return lambda told: told.update(profile="multi-wacz-package", resources=[{"name": "other.wacz", "path": path}])


def _with_files(listed: bytes, change: Callable[[list[Any]], object]) -> bytes:
    value = json.loads(listed)
    change(value["files"])
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _contracts(bench: Bench) -> bytes:
    listed = manifest.decode(bench.files[manifest.MANIFEST])
    return PackageManifest(
        contract="c-1",
        created=listed.created,
        checkpoint=listed.checkpoint,
        files=listed.files,
        audience=listed.audience,
        powers_stated_since=0,
    ).encode()


def _sealed_by(bench: Bench, sign: Bytes) -> bytes:
    encoded = bench.files[manifest.MANIFEST]
    rest = {path: data for path, data in bench.files.items() if path not in manifest.SEALS}
    return container.write_container(rest | sealed(encoded, bench.authority) | {manifest.SIGNATURE: sign(encoded)})


def _stamped(bench: Bench, encoded: bytes) -> bytes:
    signed = bench.authority.sign_manifest(encoded)
    return cms.add_signature_timestamp(signed, bench.authority.token(cms.signature_value(signed)))


def _repacked(bench: Bench, changes: Mapping[str, Bytes]) -> bytes:
    return container.write_container(
        bench.files | {path: change(bench.files[path]) for path, change in changes.items()}
    )


def _at(authority: TestAuthority, now: datetime) -> TestAuthority:
    other = copy.copy(authority)
    other.now = now
    return other


def _revoked(bench: Bench, revoked: x509.Certificate) -> bytes:
    taken = Revocation(revoked, START, x509.ReasonFlags.key_compromise, START)
    lists = b"".join(pem(x509.load_der_x509_crl(each)) for each in bench.authority.crls(taken))
    return bench.resealed({"certificates/crls.pem": lists})


def _without_certificates(bench: Bench) -> bytes:
    asked = bench.files[EXCHANGE[0]]
    order = timestamp.parse_request(asked, policies=[])
    return timestamp.build_request(replace(order, certificates=False))


def _other_base64(proof: bytes) -> bytes:
    """The last hash with other bits behind its last octet."""
    head, _, rest = proof.partition(b"=\n\n")
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return head[:-1] + letters[letters.index(head[-1:]) + 1 :][:1] + b"=\n\n" + rest


def _dated_later(after: timedelta) -> Attack:
    """After the end of the capture, in whole seconds."""
    return lambda bench: bench.told(Told(stamped=small_capture().ended.replace(microsecond=0) + after))


def _begun(before: timedelta) -> Attack:
    def attack(bench: Bench) -> bytes:
        ended = small_capture().ended.replace(microsecond=0)
        found = packed_again(small_capture(), began=ended - before, ended=ended)
        return bench.told(Told(), began=found.began, ended=found.ended, wacz=found.wacz)

    return attack


def _visited(**visit: Any) -> Attack:
    """The page was another one, and the WACZ says so."""

    def attack(bench: Bench) -> bytes:
        found = packed_again(small_capture(), visit=replace(small_capture().visit, **visit))
        return bench.told(Told(), visit=found.visit, wacz=found.wacz)

    return attack


def _titled(title: str) -> Attack:
    return _visited(title=title)


def _addressed(more: str, *, loaded: bool = True) -> Attack:
    def attack(bench: Bench) -> bytes:
        address = small_capture().visit.address + more
        return _visited(address=address, **({"loaded_address": address} if loaded else {}))(bench)

    return attack


_Exchange = tuple[str, bytes, bytes]
"""Path at the page's host or a whole address, what was asked, what came."""
_GZIPPED = b"".join(gzip.compress(bytes([each]) * 9, mtime=0) for each in range(9))
_PAGE = (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>page")
_ODD: tuple[_Exchange, ...] = (
    (PATH, *_PAGE),
    ("/chunks?b=2&a=%E4%BD%A0+x&a=%ff&c&=d&&e=%2B!*'()~%21&z=%F0%9F", *_PAGE),
    ("http://[2001:db8::1]:8080/p;q?x", *_PAGE),
    ("https://WWW.Other.example:0443/A?", *_PAGE),
    ("http://other.example", b"HEAD / HTTP/1.1\r\n\r\n", b"HTTP/1.0 204 No\r\n\r\n"),
    ("/none", b"GET /none HTTP/1.1\r\n\r\n", b"no HTTP, \r nor an end"),
    (
        "/twice",
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 404 Not\nContent-type:\xa0 TEXT/\xc4\x85\x1f;x\r\nX:1\r\n\r\n",
    ),
    (
        "/twice",
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n2\r\nyz\r\n0\r\nT: 1\r\n\r\n",
    ),
    (
        "/cut",
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: x, CHUNKED\r\n\r\nfffffffffffffff\r\nabc",
    ),
    (
        "/form",
        b"POST /form HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"
        b"q=\xc3\x84&x=\xc4\xb0\t1#y&q=\xff",
        _PAGE[1],
    ),
    (
        "/json?a",
        b'POST /json?a HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{"b":[1.5,"\\ud83d"],"a":"\xe4\xbd\xa0"}',
        _PAGE[1],
    ),
    (
        "/sent",
        b"PUT /sent HTTP/1.1\r\nContent-Type: x/y\r\n\r\n" + random.Random(1).randbytes(70_000) + _GZIPPED,  # noqa: S311 - what cannot be packed
        _PAGE[1],
    ),
)


def _remade(**members: bytes) -> Bytes:
    """A WACZ with other members that it describes."""

    def changed(wacz: bytes) -> bytes:
        described = _with(wacz, **members)

        def list_again(told: dict[str, Any]) -> None:
            for each in told["resources"]:
                octets = _member(described, each["path"])
                each |= {"hash": f"sha256:{hashlib.sha256(octets).hexdigest()}", "bytes": len(octets)}

        return _told_again(list_again)(described)

    return changed


def _told_again(
    change: Callable[[dict[str, Any]], object], sign: Callable[[dict[str, Any]], object] = lambda told: None
) -> Bytes:
    """A WACZ with other words in its description, and a digest that names it."""

    def changed(wacz: bytes) -> bytes:
        wacz = _described(change)(wacz)
        digest = json.loads(_member(wacz, "datapackage-digest.json"))
        digest["hash"] = f"sha256:{hashlib.sha256(_member(wacz, 'datapackage.json')).hexdigest()}"
        digest["signedData"]["hash"] = digest["hash"]
        sign(digest)
        return _with(wacz, **{"datapackage-digest.json": json.dumps(digest).encode()})

    return changed


def _indexed(change: Callable[[list[str]], object]) -> Bytes:
    """A WACZ with other lines in its index, in order."""

    def changed(wacz: bytes) -> bytes:
        lines = _member(wacz, INDEX).decode().splitlines()
        change(lines)
        return _remade(**{INDEX: "".join(f"{line}\n" for line in sorted(lines)).encode()})(wacz)

    return changed


def _line(at: int = 0, key: str = "", moment: str = "", **told: str) -> Bytes:
    """One line that says something else."""

    def change(lines: list[str]) -> None:
        own_key, own_moment, own = lines[at].split(" ", 2)
        lines[at] = f"{key or own_key} {moment or own_moment} {json.dumps(json.loads(own) | told)}"

    return _indexed(change)


def _exchanged_places(lines: list[str]) -> None:
    """Each of the first two leads to the other's record."""
    told = [json.loads(line.split(" ", 2)[2]) for line in lines[:2]]
    for at, other in enumerate(reversed(told)):
        moved = told[at] | {name: other[name] for name in ("offset", "length", "digest", "mime", "status")}
        lines[at] = " ".join([*lines[at].split(" ", 2)[:2], json.dumps(moved)])


def _of_page_list(**other: Any) -> Bytes:
    def changed(wacz: bytes) -> bytes:
        head, told, _ = _member(wacz, "pages/pages.jsonl").decode().split("\n")
        page = json.loads(told) | other
        page["id"] = hashlib.sha256(page["url"].encode()).hexdigest()[:32]
        lines = f"{head}\n{json.dumps(page, ensure_ascii=False)}\n"
        made = _remade(**{"pages/pages.jsonl": lines.encode()})(wacz)
        named = {"mainPageUrl": page["url"], "mainPageDate": page["ts"], "title": page["title"] or page["url"]}
        return _told_again(lambda told: told.update(named))(made)

    return changed


def recorded(
    exchanges: Sequence[_Exchange],
    listed: Callable[[list[IndexEntry]], object] = lambda entries: None,
    change: Bytes = lambda warc: warc,
) -> Attack:
    """A recording of these *exchanges*, of which other responses are *listed*."""

    def attack(bench: Bench) -> bytes:
        found, written = small_capture(), io.BytesIO()
        origin = found.address[: found.address.index("/", 8)]
        file = WarcFile(written)
        file.begin({"software": "test"}, found.began)
        for address, asked, came in exchanges:
            whole, number = (origin + address if address.startswith("/") else address), record_id()
            file.write(RecordType.RESPONSE, whole, came, found.began, identifier=number, asked=asked)
            together = {"WARC-Concurrent-To": number}
            file.write(RecordType.REQUEST, whole, asked, found.began, more=together)
        listed(file.entries)
        warc = change(written.getvalue())
        page = CapturedPage(found.visit.loaded_address, found.visit.title, found.visit.text, found.began)
        packed = wacz(warc, file.entries, page, made_by="test", at=found.ended)
        return bench.told(Told(), warc=warc, wacz=packed)

    return attack


def _first_member(warc: bytes) -> int:
    unpacking = zlib.decompressobj(31)
    unpacking.decompress(warc)
    return len(warc) - len(unpacking.unused_data)


def _second_name(warc: bytes) -> bytes:
    """The first record says twice when it was made."""
    end = _first_member(warc)
    record = gzip.decompress(warc[:end]).replace(
        b"\r\nWARC-Date:", b"\r\nwarc-date: 2026-01-01T00:00:00.000Z\r\nWARC-Date:"
    )
    return gzip.compress(record, mtime=0) + warc[end:]


GOOD: dict[str, Attack] = {
    "as it is": lambda bench: bench.good,
    "sealed again": lambda bench: bench.resealed({}),
    "another README": _added("README.en.txt", b"another text, " * 200),
    "told again": _told(),
    "the same manifest": _listed(lambda octets: octets),
    "servers": _facts(tls=[TLS, {**TLS, "chain": [], "leaf": None, "trust": "house"}], clock=CLOCK),
    "as many certificates as may be": _facts(tls=[_of_certificates(200)] * 10),
    "nothing known": _facts(clock=dict.fromkeys(CLOCK) | {"source": "declared", "state": "unknown"}, hosts=[]),
    "a session": _facts(steps=[STEP, {**STEP, "kind": "record"}], recorded=["2026-11-25T08:00:01+00:00"] * 2000),
    "letters": _facts(operator='é\u2027\u202f\u2065\uffff🛍 \\ ]}[{,:"ended":"'),
    "longest": _facts(operator="\\" * 2000),
    "largest": _of_page(height=10**15 - 1),
    "a title like a date": _facts(operator="2027-02-30T08:00:00+00:00"),
    "dated at the end": lambda bench: bench.told(Told(stamped=small_capture().ended.replace(microsecond=0))),
    "dated an hour later": _dated_later(HOUR),
    "as long as may be": _begun(HOUR),
    "another title": _titled("\t\x85odd \x9f\u202e" + 'é\u3000"' * 2000),
    "a page whose address was cut": _addressed("#" + "a" * 3000),
    "a page by script": _addressed("/other?by=script", loaded=False),
    "odd responses": recorded(_ODD),
    "a page that a form led to": recorded([(PATH, b"POST / HTTP/1.1\r\n\r\n", _PAGE[1])] * 2),
    "a log-in by hand": _facts(log_in=_LOG_IN),
}

ATTACKS: dict[str, Attack] = {
    **{f"{path} changed": _changed(path, middle) for path in (*FROM_CAPTURE, *EXCHANGE, *LOG, *CERTIFICATES)},
    **{f"another's {path}": _swapped(path) for path in (*FROM_CAPTURE, *LOG[-3:], "log/checkpoint.tst")},
    "another's files": _swapped(*FROM_CAPTURE),
    "another's timestamp": _swapped(*EXCHANGE),
    "another's log": _swapped(*LOG),
    # what the log tells
    "another kind": _told(kind="ownership-deposited"),
    "another number": _told(public={"capture": NUMBERS[1]}),
    "other facts": _told(public={"facts": "0" * 64}),
    "another recording": _told(public={"warc": "0" * 64}),
    "another serial": _told(public={"serial": "1"}),
    "no serial": _told(public={"serial": ""}),
    "serial as a number": _told(public={"serial": 1}),
    "serial with zeros": _leaf(lambda leaf: re.sub(rb'("serial":")', rb"\g<1>0", leaf)),
    "serial in capitals": _leaf(lambda leaf: leaf.replace(b'"serial":"', b'"serial":"0x')),
    "digest in capitals": _leaf(lambda leaf: re.sub(rb'"warc":"[^"]*"', lambda found: found[0].upper(), leaf)),
    "another address": _told(private={"address": "https://shop.example/other"}),
    "no address": _told(private={"address": None}),
    "no title": _told(private={"title": None}),
    "more is private": _told(private={"note": "more"}),
    "another recording dated": _told(warc=b"another recording"),
    "an empty recording dated": _told(warc=b""),
    "stamped before the end": lambda bench: bench.told(Told(stamped=small_capture().ended - 2 * SECOND)),
    "logged before the stamp": lambda bench: bench.told(
        Told(stamped=small_capture().ended + 9 * SECOND, at=small_capture().ended + 5 * SECOND)
    ),
    "stamped more than an hour later": _dated_later(HOUR + SECOND),
    "longer than an hour": _begun(HOUR + SECOND),
    "another title": _told(private={"title": "other"}),
    "another name": _told(private={"name": "王示例"}),
    "facts of another": lambda bench: bench.told(Told(facts=facts_for(small_capture(), NUMBERS[1]))),
    "facts of another, its manifest": lambda bench: bench.under(
        bench.files[manifest.MANIFEST].replace(NUMBERS[0].encode(), NUMBERS[1].encode())
    ),
    "a stranger's timestamp": lambda bench: bench.told(Told(stamper=TestAuthority())),
    # forms of the entry
    "a name twice": _leaf(swap('"public":{', '"public":{"warc":"00",')),
    "a name twice, behind": _leaf(lambda leaf: leaf[:-2] + b',"facts":"00"}}'),
    "blanks in the entry": _leaf(swap('"public":{', '"public": {')),
    "an entry out of order": _leaf(
        lambda leaf: re.sub(rb'("actor":"[^"]*"),("capture":"[^"]*")', rb"\2,\1", leaf)
    ),
    "an entry in UTF-16": _leaf(lambda leaf: leaf.decode().encode("utf-16")),
    "an entry with an escape": _leaf(swap('"kind":"page', '"kind":"\\u0070age')),
    "an entry on the 30th of February": _leaf(lambda leaf: leaf.replace(b"2026-11-25T", b"2027-02-30T")),
    "an entry at 24 o'clock": _leaf(lambda leaf: re.sub(rb"T\d\d:", b"T24:", leaf)),
    "an entry with a line more": _leaf(behind(b"\n")),
    "an entry not in UTF-8": _leaf(lambda leaf: leaf.replace(b"person-zhang", b"person-\xff")),
    "an entry of a wide name": lambda bench: bench.resealed(
        {
            **dict.fromkeys((LEAF, OPENING, PROOF)),
            **{path.replace("/0", "/00"): bench.files[path] for path in (LEAF, OPENING, PROOF)},
        }
    ),
    "two entries": lambda bench: bench.resealed(
        {path.replace(f"{ENTRY:08}", f"{ENTRY + 1:08}"): bench.files[path] for path in (LEAF, OPENING, PROOF)}
    ),
    # what opens it
    "blanks in what opens it": _changed(OPENING, swap('{"address":', '{ "address":')),
    "a line behind what opens it": _changed(OPENING, behind(b"\n")),
    "more in what opens it": _changed(OPENING, swap('{"address":{', '{"a":{"salt":"","value":""},"address":{')),
    "an escape in what opens it": _changed(OPENING, swap("http://", "\\u0068ttp://")),
    "another name in what opens it": _changed(OPENING, swap("张示例", "王示例")),
    # facts
    "facts: blanks": _written(swap('"by":{', '"by": {')),
    "facts: a line more": _written(behind(b"\n")),
    "facts: two": _written(lambda octets: octets + b"\n" + octets),
    "facts: BOM": _written(before(b"\xef\xbb\xbf")),
    "facts: a name twice": _written(swap('"zone":', '"zone":"UTC","zone":')),
    "facts: address twice": _written(lambda octets: b'{"address":"x",' + octets[1:]),
    "facts: an escape": _written(swap('"zone":"A', '"zone":"\\u0041')),
    "facts: a slash escaped": _written(swap('"zone":"A', '"zone":"\\/')),
    "facts: out of order": _written(
        lambda octets: re.sub(rb'("machine":"[^"]*"),("name":"[^"]*")', rb"\2,\1", octets)
    ),
    "facts: a zero before a number": _written(
        lambda octets: re.sub(rb'("height":)(\d+,"loaded)', rb"\g<1>0\2", octets)
    ),
    "facts: a number with a power": _written(
        lambda octets: re.sub(rb'("height":\d+)(,"loaded)', rb"\1e0\2", octets)
    ),
    "facts: a number below zero": _of_page(height=-1),
    "facts: a large number": _of_page(height=10**15),
    "facts: a fraction": _of_page(height=1.0),
    "facts: true for a number": _of_page(height=True),
    "facts: a number for true": _of_page(loaded=1),
    "facts: not in UTF-8": _written(lambda octets: octets.replace(b"Asia", b"As\xe9a")),
    "facts: an overlong letter": _written(lambda octets: octets.replace(b"Asia", b"\xc0\x80sia")),
    "facts: half a letter": _written(lambda octets: octets.replace(b"Asia", b"\xed\xa0\x80")),
    "facts: beyond Unicode": _written(lambda octets: octets.replace(b"Asia", b"\xf4\x90\x80\x80")),
    "facts: NUL": _written(lambda octets: octets.replace(b"Asia", b"\x00sia")),
    "facts: deep": _written(lambda _: b"[" * 100_000),
    "facts: none": _written(lambda _: b""),
    "facts: huge": _written(lambda octets: octets + b" " * (5 << 20)),
    "facts: huge, in their form": lambda bench: bench.facts(
        lambda value: value.update(hosts=[{**value["hosts"][0], "answers": ["a" * 2000] * 200}] * 20)
    ),
    "facts: a long text": _facts(operator="é" * 2001),
    "facts: a long text of quotes": _facts(operator='"' * 2001),
    "facts: a long list": lambda bench: bench.facts(lambda value: value.update(hosts=value["hosts"] * 201)),
    "facts: a long list of pictures": _facts(recorded=["2026-11-25T08:00:01+00:00"] * 2001),
    "facts: a control character": _facts(operator="a\x85b"),
    "facts: a line": _facts(operator="a\u2028b"),
    "facts: a turned line": _facts(operator="a\u202eb"),
    "facts: an isolated line": _facts(operator="a\u2066b"),
    "facts: more": _facts(more=""),
    "facts: less": lambda bench: bench.facts(lambda value: value.pop("zone")),
    "facts: no address": _facts(address=""),
    "facts: another format": _facts(format="vermilion-capture/2"),
    "facts: no such day": _facts(recorded=["2027-02-29T08:00:00+00:00"]),
    "facts: no such year": _facts(recorded=["0000-02-28T08:00:00+00:00"]),
    "facts: no such second": _facts(recorded=["2026-11-25T08:00:60+00:00"]),
    "facts: microseconds": _facts(recorded=["2026-11-25T08:00:00.000001+00:00"]),
    "facts: a fraction of nothing": _facts(recorded=["2026-11-25T08:00:00.000000+00:00"]),
    "facts: another zone": _facts(recorded=["2026-11-25T08:00:00+01:00"]),
    "facts: an end before the beginning": lambda bench: bench.facts(
        lambda value: value.update(began=value["ended"][:17] + "59.999000+00:00")
    ),
    "facts: trust of another kind": _facts(tls=[{**TLS, "trust": "sure"}]),
    "facts: another certificate": _facts(tls=[{**TLS, "chain": [base64.b64encode(b"another").decode()]}]),
    "facts: a certificate more": _facts(tls=[{**TLS, "chain": [*TLS["chain"], *TLS["chain"]]}]),
    "facts: long certificates": _facts(
        tls=[
            {
                **TLS,
                "certificates": [hashlib.sha256(bytes(200_000)).hexdigest()],
                "chain": [base64.b64encode(bytes(200_000)).decode()],
            }
        ]
        * 2
    ),
    "facts: many certificates": _facts(tls=[_of_certificates(200)] * 10 + [TLS]),
    "facts: a step of another kind": _facts(steps=[{**STEP, "kind": "fly"}]),
    "facts: a clock of another kind": _facts(clock={**CLOCK, "state": "fine"}),
    "facts: a log-in that is none": _facts(log_in=None),
    "facts: a log-in at more hosts than there were": _facts(log_in={**_LOG_IN, "hosts_in_all": 1}),
    "facts: a log-in with more": _facts(log_in={**_LOG_IN, "by": "x"}),
    "facts: a log-in that ended before it began": _facts(log_in={**_LOG_IN, "began": "2026-11-25T08:00:00+00:00"}),
    "facts: a log-in while it was recorded": _facts(log_in={**_LOG_IN, "ended": "2026-11-25T08:59:59+00:00"}),
    "facts: other files": lambda bench: bench.facts(lambda value: value["files"][0].update(size=1)),
    "facts: a file less": lambda bench: bench.facts(lambda value: value["files"].pop()),
    "facts: files out of order": lambda bench: bench.facts(lambda value: value["files"].reverse()),
    # the manifest
    "manifest: a name twice": _listed(swap('"created":', '"created":"2026-11-25T08:00:00Z","created":')),
    "manifest: both kinds": _listed(swap('"created":', '"contract":"c-1","created":')),
    "manifest: no audience": _listed(lambda octets: re.sub(rb',"made_for":"[^"]*"', b"", octets)),
    "manifest: more": _listed(lambda octets: octets[:-1] + b',"withheld":[]}'),
    "manifest: blanks": _listed(swap('"created":', '"created": ')),
    "manifest: an escape": _listed(swap('"capture":"0', '"capture":"\\u0030')),
    "manifest: a command for a size": _listed(
        lambda octets: re.sub(rb'"size":\d+\}\]', b'"size":a[$(touch pwned)]}]', octets)
    ),
    "manifest: a command for the log's size": _listed(
        lambda octets: re.sub(rb'("root":"[^"]*","size":)\d+', rb"\1a[$(touch pwned)]", octets)
    ),
    "manifest: another size": _listed(lambda octets: re.sub(rb'("size":)(\d+\}\])', rb"\g<1>1\2", octets)),
    "manifest: a zero before a size": _listed(lambda octets: re.sub(rb'("size":)(\d+\}\])', rb"\g<1>0\2", octets)),
    "manifest: unsorted": _listed(lambda octets: _with_files(octets, lambda files: files.reverse())),
    "manifest: a file twice": _listed(lambda octets: _with_files(octets, lambda files: files.append(files[-1]))),
    "manifest: no such day": _listed(
        lambda octets: re.sub(rb'"created":"[^"]*"', b'"created":"2027-02-30T08:00:00Z"', octets)
    ),
    "manifest: another format": _listed(swap("vermilion-capture-manifest/1", "vermilion-capture-manifest/2")),
    "manifest: a contract's": lambda bench: bench.under(_contracts(bench)),
    "manifest: by a person": lambda bench: resealed(
        bench.good,
        {
            "certificates/evidence.pem": (person := bench.authority.person("张示例")).certificate.public_bytes(
                Encoding.PEM
            )
        },
        bench.authority,
        person,
    ),
    "manifest: signature without a time": lambda bench: _sealed_by(
        bench, lambda encoded: cms.sign_detached(bench.authority.evidence, content=encoded)
    ),
    "manifest: a stamp behind the signature": lambda bench: _sealed_by(bench, partial(_stamped, bench)),
    "manifest: sealed before the log": lambda bench: resealed(
        bench.good, {}, _at(bench.authority, START + 2 * SECOND)
    ),
    # what stands behind
    **{
        f"octets behind {path}": _changed(path, behind(b"\0"))
        for path in (*EXCHANGE, "log/checkpoint.tst", "log/checkpoint.sig", "log/log.vkey")
    },
    "seals with octets behind": lambda bench: _repacked(bench, {manifest.SIGNATURE: behind(b"\0")}),
    "reply with octets behind": lambda bench: _repacked(bench, {manifest.REPLY: behind(b"\0")}),
    "a line behind the checkpoint": lambda bench: bench.resealed(
        {path: bench.files[path] + b"more\n" for path in ("log/checkpoint", PROOF)}
    ),
    "a hash more": _changed(PROOF, lambda octets: re.sub(rb"(\n[^\n]{43}=\n)\n", rb"\1AAAA\n\n", octets)),
    "a proof of another form": _changed(PROOF, swap("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2")),
    "a hash written otherwise": _changed(PROOF, _other_base64),
    "a query that asks for no certificates": lambda bench: bench.resealed(
        {EXCHANGE[0]: _without_certificates(bench)}
    ),
    # files
    **{
        f"with {path}": _added(path)
        for path in (
            *("index.txt", "json.py", "history/history.json", "step-02.png", "page.html", "Page.png", "PAGE.TXT"),
            *(
                "capture.warc",
                "certificates/own-01.pem",
                "certificates/person.pem",
                "certificates/timestamping-0.pem",
            ),
            *("log/entries/more.json", "signatures/01.p7s", "contract/contract.pdf", "session.webp"),
        )
    },
    **{
        f"without {path}": _without(path)
        for path in (
            *("README.en.txt", "certificate.zh.pdf", "check.sh", "check.py", "verify.html"),
            *(*FROM_CAPTURE, *EXCHANGE, *LOG, *CERTIFICATES),
        )
    },
    # revoked
    "its stamp's key taken": lambda bench: _revoked(bench, bench.authority.tsa.certificate),
    "its evidence key taken": lambda bench: _revoked(bench, bench.authority.evidence.certificate),
}
"""All verifiers refuse these."""

STRICTER: dict[str, Attack] = {
    "a title that is no text": _told(private={"title": {"text": "夏季新款"}}),
    "an entry with more": _leaf(swap('"public":{', '"more":1,"public":{')),
    **{
        f"text {where} {path}": _changed(path, change)
        for path in (*CERTIFICATES, "log/log.pub.pem")
        for where, change in (("behind", behind(b"more\n")), ("before", before(b"more\n")))
    },
}
"""These the checkers and the page refuse, whatever ``vermilion verify`` says; what they mean is not changed."""


def _wacz(change: Bytes) -> Attack:
    return lambda bench: bench.told(Told(), wacz=change(small_capture().wacz))


IN_THE_WACZ: dict[str, Attack] = {
    "index: to each other's place": _wacz(_indexed(_exchanged_places)),
    "index: to another record": _wacz(_line(offset="0")),
    "index: longer": _wacz(_line(length="99999")),
    "index: another address": _wacz(_line(url="http://shop.example/other")),
    "index: another key": _wacz(_line(key="example,shop)/other")),
    "index: another moment": _wacz(_line(moment="20261125080000999")),
    "index: another media type": _wacz(_line(mime="text/plain")),
    "index: another status": _wacz(_line(status="404")),
    "index: another digest": _wacz(_line(digest=f"sha256:{'0' * 64}")),
    "index: another file": _wacz(_line(filename="other.warc.gz")),
    "index: another method": _wacz(_line(method="POST", requestBody="")),
    "index: more in a line": _wacz(_line(more="")),
    "index: a line less": _wacz(_indexed(lambda lines: lines.pop())),
    "index: a line twice": _wacz(_indexed(lambda lines: lines.append(lines[0]))),
    "index: none": _wacz(_indexed(lambda lines: lines.clear())),
    "index: no JSON": _wacz(_indexed(lambda lines: lines.append("a b {"))),
    "index: a list": _wacz(_indexed(lambda lines: lines.append("a b []"))),
    "index: blanks": _wacz(_indexed(lambda lines: lines.append(lines.pop() + " "))),
    "index: a name twice": _wacz(
        _indexed(lambda lines: lines.append(lines.pop().replace('"url":', '"url": "", "url":')))
    ),
    "index: out of order": _wacz(
        lambda octets: _remade(**{INDEX: b"".join(reversed(_member(octets, INDEX).splitlines(True)))})(octets)
    ),
    "index: no end": _wacz(lambda octets: _remade(**{INDEX: _member(octets, INDEX)[:-1]})(octets)),
    "index: a form that was none": recorded(
        [(PATH, *_PAGE)], lambda entries: entries.append(replace(entries[0], method="POST"))
    ),
    "index: a form as a visit": recorded(
        [(PATH, *_PAGE), ("/form", b"POST / HTTP/1.1\r\n\r\n", _PAGE[1])],
        lambda entries: entries.append(replace(entries.pop(), method="GET")),
    ),
    "recording: a response that is not listed": recorded(_ODD[:3], lambda entries: entries.pop()),
    "recording: a record cut off": recorded(_ODD[:3], change=lambda warc: warc[:-1]),
    "recording: octets behind": recorded(_ODD[:3], change=behind(b"\0")),
    "recording: a header twice": recorded(
        [(PATH, *_PAGE)],
        lambda entries: entries.append(replace(entries.pop(), offset=0)),
        _second_name,
    ),
    "recording: an address with a user": recorded([("http://a@shop.example/", *_PAGE)]),
    "page: elsewhere": _wacz(_of_page_list(url="http://other.example/")),
    "page: at another time": _wacz(_of_page_list(ts="2026-11-25T08:00:00.999Z")),
    "page: another title": _wacz(_of_page_list(title="other")),
    "page: another text": _wacz(_of_page_list(text="other")),
    "page: more of it": _wacz(_of_page_list(favIconUrl="https://other.example/icon.png")),
    "wacz: opens another page": _wacz(_told_again(lambda told: told.update(mainPageUrl="http://other.example/"))),
    "wacz: configured": _wacz(_told_again(lambda told: told.update(config={"useSurt": False}))),
    "wacz: vouched for": _wacz(
        _told_again(lambda told: None, lambda digest: digest["signedData"].update(domain="court.example"))
    ),
    "wacz: signed for another": _wacz(
        _told_again(lambda told: None, lambda digest: digest["signedData"].update(hash="sha256:00"))
    ),
    "wacz: another": _wacz(lambda _: small_capture("two").wacz),
    "wacz: empty": _wacz(lambda _: b"PK\x05\x06" + bytes(18)),
    "wacz: more behind": _wacz(behind(b"more")),
    "wacz: more before": _wacz(before(b"more")),
    "wacz: no ZIP": _wacz(lambda _: b"no ZIP"),
    "wacz: none": _wacz(lambda _: b""),
    "wacz: cut off": _wacz(lambda octets: octets[:-1]),
    "wacz: a head alone": _wacz(lambda octets: octets[:20]),
    "wacz: a second recording": _wacz(lambda octets: _with(octets, **{"archive/more.warc.gz": b"another"})),
    "wacz: a second recording in capitals": _wacz(lambda octets: _with(octets, **{"ARCHIVE/more.warc.gz": b"x"})),
    "wacz: a second recording, in a folder": _wacz(_inside_a_folder),
    "wacz: another one in it": _wacz(_another_inside),
    "wacz: another one elsewhere": _wacz(_described(_of_packages("https://other.example/other.wacz"))),
    "wacz: configured otherwise": _wacz(lambda octets: _with(octets, **{"webarchive.yaml": b"name: other\n"})),
    "wacz: what systems add": _wacz(lambda octets: _with(octets, **{"__MACOSX/archive/x.warc.gz": b"x"})),
    "wacz: another index": _wacz(lambda octets: _with(octets, **{"indexes/index.cdx": b"\n"})),
    "wacz: no index": _wacz(lambda octets: _with(octets, **{"indexes/index.cdx": None})),
    "wacz: no description": _wacz(lambda octets: _with(octets, **{"datapackage.json": None})),
    "wacz: a description that is none": _wacz(
        lambda octets: _with(octets, **{"datapackage.json": b"[" * 100_000})
    ),
    "wacz: a description in UTF-16": _wacz(
        lambda octets: _with(
            octets, **{"datapackage.json": _member(octets, "datapackage.json").decode().encode("utf-16")}
        )
    ),
    "wacz: of no kind": _wacz(_described(lambda told: told.pop("profile"))),
    "wacz: nested": _wacz(_told_again(lambda told: told.update(created=[told["created"]]))),
    "wacz: nested in what is signed": _wacz(
        _told_again(lambda told: None, lambda digest: digest["signedData"].update(software={}))
    ),
    "wacz: packed": _wacz(_deflated),
    "wacz: one octet": _wacz(middle),
}
"""These check.sh cannot see, and says so."""
