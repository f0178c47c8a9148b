"""What this machine and the libraries do without us: floors that no target hangs on, but that explain others."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from asn1crypto.keys import PrivateKeyInfo
from asn1crypto.x509 import Certificate
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import Signer
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from hsm.timestamp import build_request, order_for, parse_request
from tests.bench.documents import plain_contract
from tests.bench.floors import (
    TRIVIAL_FLASK,
    TRIVIAL_WSGI,
    prepare_raw_signing,
    scratch_session,
    scratch_token,
    softhsm_module,
    trivial_server,
)
from tests.bench.load import post_repeatedly, wait_until_serving
from tests.bench.measure import Figure, median, milliseconds_of, rate_in_processes, rate_of

PORT = 18070
_KEYS = ("rsa-2048", "rsa-3072", "p-256", "p-384")
_SERVERS = {"a trivial WSGI application": TRIVIAL_WSGI, "a trivial Flask view": TRIVIAL_FLASK}


def figures() -> list[Figure]:
    """The token, the web server, the encoder, pyHanko."""
    return [*_token(), *_web(), _encoding(), *_pyhanko()]


def _token() -> list[Figure]:
    found = []
    for name in _KEYS:
        with scratch_token() as configuration:
            one, two = (rate_in_processes(prepare_raw_signing, [(str(configuration), name)] * n) for n in (1, 2))
            found.append(
                Figure(
                    f"floor: raw C_Sign on SoftHSM, {name}, two processes",
                    "per s",
                    median(two),
                    rounds=two,
                    growth={"one process": median(one)},
                )
            )
    return found


def _web() -> list[Figure]:
    request = build_request(order_for(hashlib.sha256(b"bench").digest()))
    found = []
    for number, (name, application) in enumerate(_SERVERS.items()):
        with trivial_server(PORT + number, ["--workers", "2"], application) as url:
            wait_until_serving(url)
            rate = post_repeatedly(url, request).rate
        found.append(Figure(f"floor: gunicorn, two workers, {name}, a request in and 1 KB out", "per s", rate))
    return found


def _encoding() -> Figure:
    request = build_request(order_for(hashlib.sha256(b"bench").digest(), nonce=secrets.randbits(64)))
    rounds = rate_of(lambda: _read_many(request))
    return Figure("floor: a request read and written again", "per s", median(rounds), rounds=rounds)


def _read_many(request: bytes) -> int:
    for _ in range(100):
        build_request(parse_request(request, policies=(), hashes=("sha256",)))
    return 100


def _pyhanko() -> list[Figure]:
    """In one process, with its own signer and a P-256 key in SoftHSM; timestamps come from a key in memory."""
    found = []
    with scratch_token() as configuration:
        for level in ("B-B", "B-T", "B-LTA"):
            rates = rate_in_processes(prepare_pyhanko, [(str(configuration), level)])
            found.append(Figure(f"floor: pyHanko signs {level}, 3 pages", "per s", median(rates), rounds=rates))
    own = Pki()
    signed = own.sign(plain_contract(3), "B-B")
    taken = milliseconds_of(lambda: own.verify(signed))
    found.append(Figure("floor: pyHanko verifies B-B, 3 pages", "ms", median(taken), rounds=taken))
    for pages in (3, 200):
        taken = milliseconds_of(partial(_prepared, own, plain_contract(pages)))
        name = f"floor: pyHanko's PDF part alone, {pages} pages"
        found.append(Figure(name, "ms", median(taken), rounds=taken))
    return found


def prepare_pyhanko(configuration: str, level: str) -> Callable[[], int]:
    """A process in which pyHanko signs the same document again and again."""
    os.environ["SOFTHSM2_CONF"] = configuration
    import pkcs11  # noqa: PLC0415 - the module may only be loaded in the process that signs
    from pkcs11.util.ec import encode_named_curve_parameters  # noqa: PLC0415 - as above
    from pyhanko.sign.pkcs11 import PKCS11Signer  # noqa: PLC0415 - as above

    session = scratch_session(pkcs11.lib(softhsm_module()))
    curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
    parameters = session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True)
    public, _ = parameters.generate_keypair(store=True, label=level)
    pki = Pki()
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public[pkcs11.Attribute.EC_POINT][2:])
    signer = PKCS11Signer(session, signing_cert=pki.certificate(point), key_label=level, use_raw_mechanism=True)
    document = plain_contract(3)

    def sign_one() -> int:
        pki.sign(document, level, signer)
        return 1

    return sign_one


def _prepared(own: Pki, document: bytes) -> None:
    """An appearance and an empty signature appended, and the digest over it: no key."""
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    signer = PdfSigner(PdfSignatureMetadata(field_name="one", md_algorithm="sha256"), own.signer)
    asyncio.run(signer.async_digest_doc_for_signing(writer, bytes_reserved=8192))


class Pki:
    """A root with one signer and one timestamp authority below it, all in memory."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)
        self._root_key = ec.generate_private_key(ec.SECP256R1())
        self.root = self.certificate(self._root_key.public_key(), ca=True)
        self.signer = self._simple(ec.generate_private_key(ec.SECP256R1()))
        stamping = self._simple(
            rsa.generate_private_key(65537, 2048),  # pyHanko's timestamper for tests knows no other
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]),
        )
        self._stamper = DummyTimeStamper(
            stamping.signing_cert, stamping.signing_key, SimpleCertificateStore.from_certs([self.root])
        )

    def context(self) -> ValidationContext:
        """Trust in the root alone, nothing fetched."""
        return ValidationContext(trust_roots=[self.root], allow_fetching=False, revocation_mode="soft-fail")

    def sign(self, document: bytes, level: str, signer: Signer | None = None) -> bytes:
        """*document* with a signature of *level*."""
        metadata = PdfSignatureMetadata(
            field_name="one",
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            embed_validation_info=level == "B-LTA",
            use_pades_lta=level == "B-LTA",
            validation_context=self.context() if level == "B-LTA" else None,
        )
        stamper = None if level == "B-B" else self._stamper
        writer = IncrementalPdfFileWriter(io.BytesIO(document))
        signing = PdfSigner(metadata, signer or self.signer, timestamper=stamper)
        return bytes(signing.sign_pdf(writer).getbuffer())

    def verify(self, signed: bytes) -> None:
        """Validates the one signature; raises RuntimeError unless it is good."""
        [signature] = PdfFileReader(io.BytesIO(signed)).embedded_signatures
        if not validate_pdf_signature(signature, self.context()).bottom_line:
            raise RuntimeError("pyHanko does not like what it made.")

    def certificate(
        self, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, *more: x509.ExtensionType, ca: bool = False
    ) -> Certificate:
        """A certificate of the root for *key*."""
        name = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in ("root", "signer")]
        builder = x509.CertificateBuilder(
            issuer_name=name[0],
            subject_name=name[0 if ca else 1],
            public_key=key,
            serial_number=x509.random_serial_number(),
            not_valid_before=self._now - timedelta(days=1),
            not_valid_after=self._now + timedelta(days=1),
        )
        usage = x509.KeyUsage(*[not ca, not ca], *[False] * 3, *[ca, ca], *[False] * 2)
        for extension in (x509.BasicConstraints(ca=ca, path_length=None), usage, *more):
            builder = builder.add_extension(extension, critical=True)
        made = builder.sign(self._root_key, hashes.SHA256())
        return Certificate.load(made.public_bytes(Encoding.DER))

    def _simple(
        self, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, *more: x509.ExtensionType
    ) -> SimpleSigner:
        der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return SimpleSigner(
            self.certificate(key.public_key(), *more),
            PrivateKeyInfo.load(der),
            SimpleCertificateStore.from_certs([self.root]),
        )
