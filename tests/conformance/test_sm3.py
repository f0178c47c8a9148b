"""SM3 imprints (GB/T 32905; OID 1.2.156.10197.1.401), which a setting of the authority lets in; else badAlg."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm.timestamp import parse_response, verify_token
from tests.authority import running_authority
from tests.conformance import oracle
from tests.conformance.endpoint import RunningTsa, running_tsa
from tests.conformance.oracle import BAD_ALG, BAD_DATA_FORMAT
from tests.conformance.reading import granted, refused
from tests.conformance.requests import SM3, TRUE, algorithm, imprint, octets, request, sequence
from tests.hsm.memory import openssl

DATA = b"abc"
DIGEST = bytes.fromhex("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0")
"""GB/T 32905, annex A.1."""


@pytest.fixture(scope="module")
def with_sm3() -> Iterator[RunningTsa]:
    """A process whose authority dates SM3, too."""
    with running_authority() as running:
        settings = running.root / "config/authority.toml"
        settings.write_text(settings.read_text().replace("[time]\n", "[time]\nsm3 = true\n"))
        running.restart()
        with running_tsa(running.root) as served:
            yield served


def about(*parameters: bytes) -> bytes:
    return sequence(algorithm(SM3, *parameters), octets(DIGEST))


@pytest.mark.parametrize("parameters", [(), (b"\x05\x00",)], ids=["absent", "NULL"])
def test_sm3_is_dated_where_the_setting_says_so(with_sm3: RunningTsa, parameters: tuple[bytes, ...]) -> None:
    sent = request(TRUE, about=about(*parameters))
    reply = with_sm3.ask(sent)
    assert granted(reply).tst_info["message_imprint"].dump() == about(*parameters)
    with_sm3.require_recorded(reply)
    assert not oracle.judge(sent, sm3=True).faults


def test_its_digest_has_32_octets(with_sm3: RunningTsa) -> None:
    assert refused(with_sm3.ask(request(about=imprint(SM3, 31)))).fail_info == BAD_DATA_FORMAT


def test_other_parameters_are_refused(with_sm3: RunningTsa) -> None:
    assert refused(with_sm3.ask(request(about=about(sequence())))).fail_info == BAD_ALG


def test_the_others_are_dated_as_before(with_sm3: RunningTsa) -> None:
    assert granted(with_sm3.ask(request()))


def test_without_the_setting_it_is_refused(tsa: RunningTsa) -> None:
    assert refused(tsa.ask(request(about=about()))).fail_info == BAD_ALG


def test_openssl_asks_and_verifies(with_sm3: RunningTsa, tmp_path: Path) -> None:
    data, query, reply = tmp_path / "data", tmp_path / "q.tsq", tmp_path / "r.tsr"
    data.write_bytes(DATA)
    status, said = openssl("ts", "-query", "-data", data, "-sm3", "-cert", "-out", query)
    if status != 0:
        pytest.skip("this OpenSSL has no SM3")
    reply.write_bytes(with_sm3.ask(query.read_bytes()))
    trust = with_sm3.home.trust / "ca.pem"
    for source in (("-queryfile", query), ("-data", data)):
        status, said = openssl("ts", "-verify", *source, "-in", reply, "-CAfile", trust)
        assert status == 0, said


def test_our_own_reading_computes_it(with_sm3: RunningTsa) -> None:
    if "sm3" not in hashlib.algorithms_available:
        pytest.skip("this OpenSSL has no SM3")
    token = parse_response(with_sm3.ask(request(TRUE, about=about())))
    info = verify_token(token, data=DATA)
    assert (info.hash_name, info.digest) == ("sm3", DIGEST)


@pytest.mark.long
def test_the_verifier_reads_it(with_sm3: RunningTsa, tmp_path: Path) -> None:
    token, data = tmp_path / "t.tsr", tmp_path / "data"
    token.write_bytes(with_sm3.ask(request(TRUE, about=about())))
    verify = [sys.executable, "-c", "from appliance.cli import main; main()", "verify", str(token)]
    trust = ["--trust", str(with_sm3.home.trust / "ca.pem")]
    for content, status in ((DATA, 0), (b"abd", 1)):
        data.write_bytes(content)
        done = subprocess.run([*verify, "--data", str(data), *trust], capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
