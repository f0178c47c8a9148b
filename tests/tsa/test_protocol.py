"""RFC 3161 as its users meet it: OpenSSL asks and judges; every row of the table of refusals."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hsm import der
from hsm.timestamp import FailInfo, RequestRefused, build_request, order_for, parse_response, parse_token
from tests.hsm.memory import openssl
from tests.tsa.conftest import RunningTsa

PLAIN = build_request(order_for(bytes(32)))


def members(request: bytes) -> list[bytes]:
    return der.members(request)


def sequence(*parts: bytes) -> bytes:
    return der.element(der.SEQUENCE, *parts)


def of_version(number: int) -> bytes:
    return sequence(der.integer(number), *members(PLAIN)[1:])


def of_hash(dotted: str, length: int, *parameters: bytes) -> bytes:
    imprint = sequence(sequence(der.oid(dotted), *parameters), der.element(der.OCTET_STRING, bytes(length)))
    return sequence(der.integer(1), imprint)


def with_policy(arcs: bytes) -> bytes:
    """*arcs* as encoded; libraries refuse to encode very long ones."""
    return sequence(*members(PLAIN)[:2], der.element(0x06, arcs), *members(PLAIN)[2:])


def with_extensions(*extensions: bytes) -> bytes:
    return sequence(*members(PLAIN), der.element(0xA0, *extensions))


SHA1, SHA256, MD5, SM3 = "1.3.14.3.2.26", "2.16.840.1.101.3.4.2.1", "1.2.840.113549.2.5", "1.2.156.10197.1.401"
EXTENSION = sequence(der.oid("1.2.3.4"), der.element(der.OCTET_STRING, b""))

REFUSED = {
    "empty": (b"", FailInfo.BAD_DATA_FORMAT),
    "not DER at all": (b"GET / HTTP/1.1", FailInfo.BAD_DATA_FORMAT),
    "trailing byte": (PLAIN + b"\0", FailInfo.BAD_DATA_FORMAT),
    "cut off": (PLAIN[:-1], FailInfo.BAD_DATA_FORMAT),
    "indefinite length": (b"\x30\x80" + PLAIN[2:] + b"\0\0", FailInfo.BAD_DATA_FORMAT),
    "length in the long form": (b"\x30\x81" + PLAIN[1:], FailInfo.BAD_DATA_FORMAT),
    "true as 01": (PLAIN.replace(b"\x01\x01\xff", b"\x01\x01\x01"), FailInfo.BAD_DATA_FORMAT),
    "nested deeply": (b"\x30\x82\x7f\x00" * 500, FailInfo.BAD_DATA_FORMAT),
    "version 2": (of_version(2), FailInfo.BAD_REQUEST),
    "version 0": (of_version(0), FailInfo.BAD_REQUEST),
    "SHA-1": (of_hash(SHA1, 20, der.NULL), FailInfo.BAD_ALG),
    "MD5": (of_hash(MD5, 16, der.NULL), FailInfo.BAD_ALG),
    "SM3 without the setting": (of_hash(SM3, 32), FailInfo.BAD_ALG),
    "strange parameters": (of_hash(SHA256, 32, der.integer(1)), FailInfo.BAD_ALG),
    "digest too short": (of_hash(SHA256, 31, der.NULL), FailInfo.BAD_DATA_FORMAT),
    "digest too long": (of_hash(SHA256, 33, der.NULL), FailInfo.BAD_DATA_FORMAT),
    "unknown policy": (with_policy(b"\x2a\x03\x04"), FailInfo.UNACCEPTED_POLICY),
    "policy of 200 arcs": (with_policy(b"\x2a" + b"\x07" * 200), FailInfo.UNACCEPTED_POLICY),
    "an extension": (with_extensions(EXTENSION), FailInfo.UNACCEPTED_EXTENSION),
    "the same extension twice": (with_extensions(EXTENSION, EXTENSION), FailInfo.UNACCEPTED_EXTENSION),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refusals_have_their_failinfo_and_no_token(tsa: RunningTsa, what: str) -> None:
    request, expected = REFUSED[what]
    before = tsa.recorded()
    reply = tsa.ask(request)
    with pytest.raises(RequestRefused) as refused:
        parse_response(reply)
    assert refused.value.fail_info is expected
    assert len(members(reply)) == 1
    assert tsa.recorded() == before


@pytest.mark.parametrize("hash_name", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("options", [("-cert",), (), ("-no_nonce", "-cert")], ids=" ".join)
def test_openssl_asks_and_verifies(
    tsa: RunningTsa, tmp_path: Path, hash_name: str, options: tuple[str, ...]
) -> None:
    data, query, reply = tmp_path / "data", tmp_path / "q.tsq", tmp_path / "r.tsr"
    data.write_bytes(secrets.token_bytes(5000))
    status, said = openssl("ts", "-query", "-data", data, f"-{hash_name}", *options, "-out", query)
    assert status == 0, said
    reply.write_bytes(tsa.ask(query.read_bytes()))
    trust = tsa.home.trust / "ca.pem"
    chain = () if "-cert" in options else ("-untrusted", _tsa_chain(tsa, tmp_path))
    status, said = openssl("ts", "-verify", "-queryfile", query, "-in", reply, "-CAfile", trust, *chain)
    assert status == 0, said
    status, said = openssl("ts", "-verify", "-data", data, "-in", reply, "-CAfile", trust, *chain)
    assert status == 0, said
    info = tsa.require_recorded(reply.read_bytes())
    assert bool(info.certificates) is ("-cert" in options)
    assert (info.nonce is None) is ("-no_nonce" in options)


def _tsa_chain(tsa: RunningTsa, folder: Path) -> Path:
    """The signer's certificate and its issuer's, for tokens that carry none."""
    token = parse_response(tsa.ask(PLAIN))
    bag = folder / "bag.pem"
    status, said = openssl(*("pkcs7", "-inform", "DER", "-print_certs", "-out", bag), stdin=token)
    assert status == 0, said
    return bag


NONCES = [0, 1, -1, -(2**64), 2**64, 2**159, 2**4096 + 1, -(2**32768)]


@pytest.mark.parametrize("nonce", NONCES, ids=[f"{nonce.bit_length()} bits {nonce < 0}" for nonce in NONCES])
def test_every_nonce_comes_back_exactly(tsa: RunningTsa, nonce: int) -> None:
    info = tsa.require_recorded(tsa.ask(build_request(order_for(bytes(32), nonce=nonce))))
    assert info.nonce == nonce


def test_the_imprint_comes_back_byte_for_byte(tsa: RunningTsa) -> None:
    for parameters in ((), (der.NULL,)):
        request = of_hash(SHA256, 32, *parameters)
        assert members(request)[1] in parse_response(tsa.ask(request))


def test_many_at_once_all_different_all_recorded(tsa: RunningTsa) -> None:
    before = tsa.recorded()
    requests = [build_request(order_for(secrets.token_bytes(32), nonce=number)) for number in range(400)]
    with ThreadPoolExecutor(40) as pool:
        replies = list(pool.map(tsa.ask, requests))
    infos = [tsa.require_recorded(reply) for reply in replies]
    assert [info.nonce for info in infos] == list(range(400))
    assert len({info.serial for info in infos}) == 400
    assert tsa.recorded() == before + 400


def test_time_never_goes_back(tsa: RunningTsa) -> None:
    times = [parse_token(parse_response(tsa.ask(PLAIN))).gen_time for _ in range(50)]
    assert times == sorted(times)


def test_whatever_is_sent_there_is_a_reply(tsa: RunningTsa) -> None:
    """One byte of a good request changed, at every place, in several ways."""
    changes: list[Callable[[int], int]] = [lambda b: b ^ 1, lambda b: b ^ 0x80, lambda _: 0, lambda _: 0xFF]
    for place in range(len(PLAIN)):
        for change in changes:
            request = bytearray(PLAIN)
            request[place] = change(request[place])
            try:
                parse_response(tsa.ask(bytes(request)))
            except RequestRefused as refused:
                assert refused.fail_info is not FailInfo.SYSTEM_FAILURE
