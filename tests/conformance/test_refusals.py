"""The table of refusals, row by row: the exact failInfo, no token, nothing in the log, always HTTP 200.

Rows that need a clock or an HSM to fail are in ``test_clock.py`` and ``test_faults.py``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm import der
from tests.conformance import oracle
from tests.conformance.endpoint import RunningTsa
from tests.conformance.oracle import (
    BAD_ALG,
    BAD_DATA_FORMAT,
    BAD_REQUEST,
    UNACCEPTED_EXTENSION,
    UNACCEPTED_POLICY,
)
from tests.conformance.reading import granted, refused
from tests.conformance.requests import (
    FALSE,
    MD5,
    PLAIN,
    SHA1,
    SHA224,
    SHA256,
    SHA384,
    SM3,
    TRUE,
    UNKNOWN,
    algorithm,
    extension,
    extensions,
    imprint,
    long_oid,
    octets,
    request,
    sequence,
)
from tests.hsm.memory import openssl

NOT_DER = {
    "empty": b"",
    "text": b"GET / HTTP/1.1",
    "zeros": bytes(100),
    "cut off": PLAIN[:-1],
    "trailing byte": PLAIN + b"\0",
    "trailing byte inside": request(b"\0"),
    "two requests": PLAIN + PLAIN,
    "indefinite length": b"\x30\x80" + PLAIN[2:] + b"\0\0",
    "indefinite length in the imprint": request(about=b"\x30\x80" + imprint()[2:] + b"\0\0"),
    "length in the long form": b"\x30\x81" + PLAIN[1:],
    "length in the long form in the imprint": request(about=b"\x30\x81" + imprint()[1:]),
    "length with a leading zero": b"\x30\x82\x00" + PLAIN[1:],
    "length beyond the end": b"\x30\x84\xff\xff\xff\xff" + PLAIN[2:],
    "true as 01": PLAIN.replace(TRUE, b"\x01\x01\x01"),
    "the default written out": request(FALSE),
    "boolean of two octets": request(b"\x01\x02\xff\xff"),
    "integer padded": request(b"\x02\x02\x00\x01"),
    "integer empty": request(b"\x02\x00"),
    "version padded": sequence(b"\x02\x02\x00\x01", imprint()),
    "no version": sequence(imprint()),
    "no imprint": sequence(der.integer(1)),
    "a SET": b"\x31" + PLAIN[1:],
    "members out of order": request(TRUE, der.integer(7)),
    "nonce twice": request(der.integer(1), der.integer(1)),
    "policy padded": request(b"\x06\x03\x2a\x80\x01"),
    "nested deeply": b"\x30\x80" * 5000,
    "nested deeply with lengths": b"\x30\x82\x7f\x00" * 500,
    "an imprint of another shape": request(about=octets(bytes(32))),
    "no algorithm": request(about=sequence(sequence(), octets(bytes(32)))),
    "no extensions inside": request(extensions()),
    "extension of another shape": request(extensions(der.integer(1))),
    "extension not critical, written out": request(extensions(extension(der.oid("1.2.3.4"), critical=FALSE))),
}
VERSIONS = {f"version {number}": request(version=number) for number in (2, 0, -1, 255, 1 << 64)} | {
    "version of 4 KB": request(version=1 << 32000)
}
ALGORITHMS = {
    "SHA-1": request(about=imprint(SHA1, 20, der.NULL)),
    "MD5": request(about=imprint(MD5, 16, der.NULL)),
    "SHA-224": request(about=imprint(SHA224, 28)),
    "SM3 without the setting": request(about=imprint(SM3, 32)),
    "unknown of 200 arcs": request(about=sequence(sequence(long_oid(), der.NULL), octets(bytes(32)))),
    "integer parameters": request(about=imprint(SHA256, 32, der.integer(5))),
    "sequence parameters": request(about=imprint(SHA384, 48, sequence())),
    "a signature algorithm": request(about=imprint("1.2.840.113549.1.1.11", 32, der.NULL)),
}
DIGESTS = {
    f"{length} octets": request(about=imprint(SHA256, length, der.NULL))
    for length in (0, 20, 31, 33, 48, 64, 4096)
} | {"32 octets for SHA-384": request(about=imprint(SHA384, 32))}
POLICIES = {
    "somebody else's": request(der.oid("1.2.3.4")),
    "longer than ours": request(der.oid("1.3.6.1.4.1.32473.1.1.1")),
    "of 200 arcs": request(long_oid(), der.integer(7), TRUE),
    "with an arc of 300 bits": request(der.element(der.OBJECT_IDENTIFIER, b"\x2a" + b"\xff" * 42 + b"\x7f")),
}
EXTENSIONS = {
    "one": request(extensions(UNKNOWN)),
    "critical": request(extensions(extension(der.oid("1.2.3.4"), critical=TRUE))),
    "the same twice": request(extensions(UNKNOWN, UNKNOWN)),
    "of 200 arcs": request(extensions(extension(long_oid()))),
    "of 10 KB": request(extensions(extension(der.oid("1.2.3.4"), value=bytes(10_000)))),
    "a thousand": request(extensions(*[UNKNOWN] * 1000)),
}
ROWS = {
    BAD_DATA_FORMAT: NOT_DER | DIGESTS,
    BAD_REQUEST: VERSIONS,
    BAD_ALG: ALGORITHMS,
    UNACCEPTED_POLICY: POLICIES,
    UNACCEPTED_EXTENSION: EXTENSIONS,
}
CASES = [
    pytest.param(expected, bad, id=f"{expected} {what}")
    for expected, row in ROWS.items()
    for what, bad in row.items()
]


@pytest.mark.parametrize(("expected", "bad"), CASES)
def test_a_refusal_has_its_failinfo_and_no_token(tsa: RunningTsa, expected: int, bad: bytes) -> None:
    before = tsa.recorded()
    answer = refused(tsa.ask(bad))
    assert answer.fail_info == expected
    assert answer.text
    assert tsa.recorded() == before
    assert oracle.judge(bad).faults == {expected}, "the second opinion differs"


@pytest.mark.parametrize("expected", ROWS)
def test_openssl_reads_the_refusal(tsa: RunningTsa, tmp_path: Path, expected: int) -> None:
    (tmp_path / "r.tsr").write_bytes(tsa.ask(next(iter(ROWS[expected].values()))))
    status, said = openssl("ts", "-reply", "-in", tmp_path / "r.tsr", "-text")
    assert status == 0
    assert "Status: Rejected." in said
    assert "TST info:\nNot included." in said


def test_several_faults_are_one_refusal(tsa: RunningTsa) -> None:
    bad = request(der.oid("1.2.3.4"), extensions(UNKNOWN), version=2, about=imprint(SHA1, 20))
    assert refused(tsa.ask(bad)).fail_info in oracle.judge(bad).faults
    assert oracle.judge(bad).faults == {BAD_REQUEST, BAD_ALG, UNACCEPTED_POLICY, UNACCEPTED_EXTENSION}


def test_our_own_policy_may_be_asked_for(tsa: RunningTsa) -> None:
    token = granted(tsa.ask(request(der.oid("1.3.6.1.4.1.32473.1.1"))))
    assert token.tst_info["policy"].native == "1.3.6.1.4.1.32473.1.1"


@pytest.mark.parametrize("parameters", [(), (der.NULL,)], ids=["absent", "NULL"])
def test_parameters_may_be_absent_or_null(tsa: RunningTsa, parameters: tuple[bytes, ...]) -> None:
    about = sequence(algorithm(SHA256, *parameters), octets(bytes(32)))
    assert granted(tsa.ask(request(about=about))).tst_info["message_imprint"].dump() == about
