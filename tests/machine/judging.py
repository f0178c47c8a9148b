"""Judges from outside: other people's software, and our verifier without a home of its own."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from appliance.witnesses import read_policy
from tests.machine import asking
from tests.machine.company import Company
from tests.machine.visitor import Address
from tests.pdf.judges import valid_by_poppler
from tests.remote_signing.program import verified_by_openssl

_COSIGNED_WITHIN = 90
"""Seconds."""

VERMILION = Path(sys.executable).parent / "vermilion"
SIGNATURES = 2


def contract(company: Company, title: str) -> str:
    """The downloaded contract and evidence pass our verifier and Poppler's, with the machine's root alone."""
    folder = company.folder
    trust = _anchor(company)
    verdicts = [_verified(folder / f"{title}.{kind}", trust) for kind in ("pdf", "zip")]
    for verdict in verdicts:
        assert verdict["indication"] == "TOTAL-PASSED", verdict
    with tempfile.TemporaryDirectory() as scratch:
        valid = valid_by_poppler((folder / f"{title}.pdf").read_bytes(), Path(scratch))
    assert valid == SIGNATURES, f"pdfsig finds {valid} valid signatures"
    levels = [each["level"] for each in verdicts[0]["signatures"] if each["level"]]
    return f"{SIGNATURES} signatures ({', '.join(levels)}) and evidence TOTAL-PASSED, {valid} valid by pdfsig"


def witnessed(company: Company, title: str, policy: Path) -> str:
    """The downloaded evidence passes our verifier, which demands the quorum of *policy*; the proof of its newest
    entry in the log is cosigned by that policy's witnesses."""
    verdict = _verified(company.folder / f"{title}.zip", _anchor(company), "--witnesses", policy)
    assert verdict["indication"] == "TOTAL-PASSED", verdict
    rules = read_policy(policy)
    deadline = time.monotonic() + _COSIGNED_WITHIN
    while True:  # a checkpoint is published before its witnesses are asked
        size = int(_portal(company.address, "/log/checkpoint").split(b"\n")[1])
        proof = _portal(company.address, f"/log/proof/file?index={size - 1}")
        found = rules.judge(proof.partition(b"\n\n")[2])
        if found.is_met:
            return (
                f"evidence TOTAL-PASSED with --witnesses; the proof of entry {size - 1} by"
                f" {', '.join(found.cosigned)}"
            )
        assert time.monotonic() < deadline, f"the proof of entry {size - 1} has no quorum: {proof.decode()}"
        time.sleep(1)


def signed_elsewhere(company: Company, document: bytes) -> str:
    """A PDF that other software signed with a key of the machine passes our verifier, Poppler's and openssl's."""
    trust, chain = _anchor(company), published(company.address, "/certs/chain.pem")
    (company.folder / "elsewhere.pdf").write_bytes(document)
    verdict = _verified(company.folder / "elsewhere.pdf", trust)
    assert verdict["indication"] == "TOTAL-PASSED", verdict
    with tempfile.TemporaryDirectory() as scratch:
        valid = valid_by_poppler(document, Path(scratch))
        against = verified_by_openssl(document, chain, trust.read_bytes(), Path(scratch))
    assert valid == 1 and not against, f"pdfsig finds {valid} valid signatures; openssl cms: {against}"
    return "signed by pyHanko: TOTAL-PASSED, valid by pdfsig, verified by openssl cms"


def timestamp(company: Company, name: str) -> str:
    """A query by openssl, its reply through nginx in the clear, verified by openssl with the published root."""
    folder = company.folder
    data, query, reply = (folder / f"{name}.{kind}" for kind in ("data", "tsq", "tsr"))
    data.write_bytes(secrets.token_bytes(1000))
    _openssl("ts", "-query", "-data", data, "-sha256", "-cert", "-out", query)
    reply.write_bytes(posted(company.address, query.read_bytes()))
    (folder / "chain.pem").write_bytes(published(company.address, "/certs/chain.pem"))
    trust = ("-CAfile", _anchor(company), "-untrusted", folder / "chain.pem")
    told = _openssl("ts", "-verify", "-queryfile", query, "-in", reply, *trust)
    assert "Verification: OK" in told, told
    text = _openssl("ts", "-reply", "-in", reply, "-text")
    when = next(line for line in text.splitlines() if line.startswith("Time stamp:"))
    return f"openssl ts: Verification: OK; {when.strip()}"


def posted(address: Address, query: bytes) -> bytes:
    """What the authority answers to *query*."""
    connection = address.in_the_clear()
    connection.request("POST", "/tsa", query, asking.HEADERS)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == 200, f"/tsa answered with {answer.status}"
    return body


def published(address: Address, path: str) -> bytes:
    """What is published in the clear at *path*."""
    connection = address.in_the_clear()
    connection.request("GET", path, headers={"Connection": "close"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == 200, f"{path} is answered with {answer.status}"
    return body


def acknowledged(address: Address, tokens: list[bytes], patience: float) -> int:
    """Looks every token up in the published log; the log's size. AssertionError says how many are missing."""
    return read_on(address, 0, set(), {hashlib.sha256(each).hexdigest() for each in tokens}, patience)


def read_on(address: Address, index: int, known: set[str], wanted: set[str], patience: float) -> int:
    """Reads the published log from *index* on, adding the digests of the tokens in it to those *known*, until all
    that are *wanted* are among them; the log's size. AssertionError says how many are missing."""
    deadline = time.monotonic() + patience
    with contextlib.closing(address.encrypted()) as connection:  # one for all: without KVM a handshake is long
        while True:
            size = int(_answered(connection, "/log/checkpoint").split(b"\n")[1])
            while index < size:
                entry = json.loads(_answered(connection, f"/log/entry?index={index}"))
                known.add(entry.get("public", {}).get("token", ""))
                index += 1
            if wanted <= known:
                return index
            assert time.monotonic() < deadline, f"{len(wanted - known)} of {len(wanted)} tokens are not in the log"
            time.sleep(0.5)


def _portal(address: Address, path: str) -> bytes:
    with contextlib.closing(address.encrypted()) as connection:
        return _answered(connection, path)


def _answered(connection: http.client.HTTPSConnection, path: str) -> bytes:
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, f"{path} is answered with {answer.status}"
    assert len(answer.headers.get_all("Strict-Transport-Security", ())) == 1, f"{path}: not said once"
    return body


def _anchor(company: Company) -> Path:
    """The root that the machine had when it was first asked: later ones have to be the same."""
    place = company.folder / "ca.pem"
    fresh = published(company.address, "/certs/ca.pem")
    if not place.exists():
        place.write_bytes(fresh)
    assert place.read_bytes() == fresh, "the machine's root certificate is another one than before"
    return place


def _verified(file: Path, trust: Path, *options: object) -> dict[str, list[dict[str, str]] | str]:
    home = file.parent / "nothing"
    command = (VERMILION, "--home", home, "verify", file, "--trust", trust, *map(str, options), "--json")
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.stdout.startswith("{"), told.stdout + told.stderr
    verdict: dict[str, list[dict[str, str]] | str] = json.loads(told.stdout)
    return verdict


def _openssl(*arguments: object) -> str:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"openssl {' '.join(map(str, arguments))}: {done.stderr or done.stdout}"
    return done.stdout + done.stderr
