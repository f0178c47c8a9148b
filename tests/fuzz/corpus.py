"""The seeds of the guided fuzzing: ``python -m tests.fuzz.corpus`` writes them; a test compares.

They are few and small, one for each shape worth starting from; what a run discovers stays in its own folder.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hsm import cms, der, protocol
from hsm.timestamp import FailInfo, build_request, order_for, response_granted, response_refused
from tests.conformance.test_refusals import ROWS
from tests.fuzz.mutations import Mutator
from tests.fuzz.sweep import broken_http
from tests.hsm.memory import MemorySigner

FOLDER = Path(__file__).parent / "corpus"
_LARGEST = 1500


def seeds() -> dict[str, list[bytes]]:
    """For each target its seeds."""
    mutator, http = Mutator(1), broken_http(1)
    good = [mutator.good() for _ in range(8)]
    bad = [bad for row in ROWS.values() for bad in row.values()]
    head = b"POST /tsa HTTP/1.1\r\nHost: a\r\nContent-Type: application/timestamp-query\r\n"
    edge = _small(
        [
            head + b"Content-Length: %d\r\n\r\n" % len(good[0]) + good[0],
            head + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            head + b"Content-Length: 1\r\n\r\na" + head + b"Content-Length: 1\r\n\r\nb",
            head + b"Upgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 1\r\n\r\na",
            b"GET /tsa HTTP/1.1\r\nHost: a\r\n\r\n",
            *(next(http) for _ in range(20)),
        ]
    )
    return {
        "request": _small([*good, *bad]),
        "reply": [
            *(response_refused(info, "No.") for info in FailInfo),
            b"\x30\x05\x30\x03\x02\x01\x00",
            _granted(),
        ],
        "frames": _frames(good),
        "connection": edge,
        "portal": edge,
    }


def _granted() -> bytes:
    """A reply that is all right but for the last bit of its signature; Ed25519 makes it the same each time."""
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Timestamps")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, datetime(2026, 1, 1), datetime(2036, 1, 1))  # noqa: DTZ001 - as X.509 has them
    stamping = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    certificate = builder.add_extension(stamping, critical=True).sign(key, None)
    maker = cms.MessageMaker(MemorySigner(key, certificate, []), cms.TST_INFO)
    order = order_for(bytes(32), nonce=1 << 64)
    statement = der.element(
        der.SEQUENCE,
        der.integer(1) + der.oid("1.2.3") + order.imprint + der.integer(99),
        der.generalized_time(datetime(2026, 11, 25, 8, tzinfo=UTC)),
        der.element(der.SEQUENCE, der.integer(1)),
        der.integer(1 << 64),
    )
    digest = hashlib.new(maker.digest_name, statement).digest()
    token = maker.make_message(digest, content=statement, certificates=True)
    return response_granted(token[:-1] + bytes([token[-1] ^ 1]))


def _frames(good: list[bytes]) -> list[bytes]:
    act = {"act": "unlock", "details": {}, "expires": "2026-11-25T08:00:00Z", "nonce": "00" * 16}
    intent = {
        "act": "sign",
        "contract": "c",
        "digest": "00" * 32,
        "expires": "2026-11-25T08:00:00Z",
        "field": "f",
        "nonce": "00" * 16,
        "party": "p",
        "signer": "s",
    }
    assertion = dict.fromkeys(("credential_id", "client_data", "authenticator_data", "signature"), b"x")
    activations = [{"kind": "webauthn", "subject": "a", **assertion}]
    order = order_for(bytes(32), nonce=1 << 70)
    return [
        protocol.request("status", {}),
        protocol.request("timestamp", {"orders": [order.fields()]}),
        protocol.request("timestamp", {"orders": [[build_request(order), None, -1, False]] * 3}),
        protocol.request("unlock", {"intent": act, "activations": activations, "pins": ["1234"]}),
        protocol.request("sign_document", {"intent": intent, "activations": activations}),
        protocol.request("sign_document", {"intent": {**intent, "custodians": 2}, "activations": []}),
        protocol.request("status", {}) + protocol.request("timestamp", {"orders": good[:1]}),
        b"\x00\x10\x00\x01",
    ]


def _small(found: Iterable[bytes]) -> list[bytes]:
    return [each for each in found if len(each) <= _LARGEST]


def name_of(seed: bytes) -> str:
    """As libFuzzer names what it keeps: by content."""
    return hashlib.sha1(seed, usedforsecurity=False).hexdigest()


def write(folder: Path = FOLDER) -> None:
    """Makes *folder* anew."""
    shutil.rmtree(folder, ignore_errors=True)
    for target, found in seeds().items():
        (folder / target).mkdir(parents=True)
        for seed in found:
            (folder / target / name_of(seed)).write_bytes(seed)


if __name__ == "__main__":
    write()
