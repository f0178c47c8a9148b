"""What packages of contracts and of web captures have alike: the programs that check them, the certificates of the
authority, and what seals the manifest.

``verify.html`` lets a browser without a network judge signed PDFs, timestamps, log proofs and packages. It is
built from ``clients/offline_verifier`` by ``make offline-verifier``, byte for byte the same everywhere, and
kept here, since appliances have nothing to build it with. It lies at the root of every package and at
``/verify.html``.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.evidence.manifest import MANIFEST, QUERY, REPLY, SIGNATURE
from appliance.evidence.model import Certificates, ManifestSignature, TimestampExchange
from hsm import timestamp
from hsm.checkers import NAMES, VERIFIER
from hsm.errors import Malformed


def programs() -> dict[str, bytes]:
    """The checkers and the offline verifier of this release, by their names."""
    checkers = resources.files("appliance.evidence.checker")
    return {**{name: checkers.joinpath(name).read_bytes() for name in NAMES}, VERIFIER: read_verifier()}


def pem(signed: x509.Certificate | x509.CertificateRevocationList) -> bytes:
    """A certificate or list in PEM."""
    return signed.public_bytes(Encoding.PEM)


def authority_files(certificates: Certificates) -> dict[str, bytes]:
    """The anchor, what leads to it, and the revocation lists."""
    return {
        "certificates/ca.pem": pem(certificates.root),
        "certificates/chain.pem": b"".join(map(pem, certificates.intermediates)),
        "certificates/crls.pem": b"".join(pem(x509.load_der_x509_crl(crl)) for crl in certificates.crls),
    }


def seal(listed: bytes, seals: ManifestSignature) -> dict[str, bytes]:
    """The manifest *listed* with its signature, and its timestamp, which is verified to be over it. Raises what
    *seals* raise."""
    exchange = dated(listed, seals.timestamp)
    return {MANIFEST: listed, SIGNATURE: seals.sign(listed), QUERY: exchange.request, REPLY: exchange.reply}


def dated(content: bytes, stamp: Callable[[bytes], bytes]) -> TimestampExchange:
    """A timestamp over *content*, which is verified; *stamp* answers a request (DER). Raises what that raises."""
    nonce = _nonce(content)
    request = timestamp.build_request(timestamp.order_for(hashlib.sha256(content).digest(), nonce=nonce))
    reply = stamp(request)
    timestamp.verify_token(timestamp.parse_response(reply), data=content, nonce=nonce)
    return TimestampExchange(request, reply)


def _nonce(dated: bytes) -> int:
    """A nonce that depends on what is dated alone, so that packages stay reproducible. The authority that answers
    is our own, and no reply for this imprint can be older than that."""
    return int.from_bytes(hashlib.sha256(b"vermilion-evidence-nonce\0" + dated).digest()[:8]) | 1


_POLICY: Final = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">')
_SCRIPT: Final = re.compile(r'<script id="script">(.*?)</script>', re.DOTALL)


@cache
def read_verifier() -> bytes:
    """The whole file, UTF-8."""
    return resources.files("appliance.evidence").joinpath(VERIFIER).read_bytes()


@cache
def verifier_digest() -> str:
    """The SHA-256 of :func:`read_verifier` in hex, which people compare with that of a file they were given."""
    return hashlib.sha256(read_verifier()).hexdigest()


@cache
def verifier_policy() -> str:
    """The content security policy that the file states of itself: its one script and style by their digests, no
    connection. Raises :class:`Malformed` for a file whose script is another than its policy names."""
    page = read_verifier().decode()
    stated, script = _POLICY.search(page), _SCRIPT.search(page)
    digest = base64.b64encode(hashlib.sha256(script[1].encode() if script else b"").digest()).decode()
    if stated is None or f"script-src 'sha256-{digest}'" not in stated[1]:
        raise Malformed("verify.html has another script than its policy names.")
    return stated[1]
