"""The certificate: for timestamps alone and critically so, no CA's, of a strong key; else nothing is served."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from hsm.config import AuthorityHome
from hsm.store import AuthorityStore
from hsm.store.registry import CertificateRecord
from tests.authority import RunningAuthority, end, running_authority, start
from tests.conformance.endpoint import RunningTsa
from tests.conformance.reading import granted
from tests.conformance.requests import PLAIN
from tests.hsm.memory import PrivateKey, name
from tests.sweeps import one_in

STAMPING = ExtendedKeyUsageOID.TIME_STAMPING


@pytest.fixture(scope="module")
def stopped() -> Iterator[RunningAuthority]:
    """An authority whose daemon does not run."""
    with running_authority() as running:
        end(running.process)
        yield running


@pytest.fixture
def served(tsa: RunningTsa) -> x509.Certificate:
    """The certificate that signs."""
    token = granted(tsa.ask(PLAIN))
    number = token.signer_info["sid"].chosen["serial_number"].native
    (certificate,) = [each for each in token.certificates if each.serial_number == number]
    return certificate


def test_its_only_extended_key_usage_is_timestamping_and_critical(served: x509.Certificate) -> None:
    usage = served.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert usage.critical
    assert list(usage.value) == [STAMPING]


def test_it_is_not_a_ca(served: x509.Certificate) -> None:
    assert not served.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_its_key_usage_is_to_sign(served: x509.Certificate) -> None:
    usage = served.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert not usage.value.crl_sign


def test_its_key_is_strong(served: x509.Certificate) -> None:
    key = served.public_key()
    assert (isinstance(key, rsa.RSAPublicKey) and key.key_size >= 3072) or (
        isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= 256
    )


def certificate(
    key: PrivateKey | None = None,
    *,
    usages: tuple[x509.ObjectIdentifier, ...] = (STAMPING,),
    critical: bool = True,
    ca: bool = False,
) -> x509.Certificate:
    signing = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(issuer_name=name("Issuer"), subject_name=name("Timestamps"))
        .public_key((key or signing).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=critical)
    return builder.sign(signing, hashes.SHA256())


WRONG: dict[str, tuple[Callable[[], x509.Certificate], str]] = {
    "no extended key usage": (lambda: certificate(usages=()), "only extended key usage"),
    "another one": (lambda: certificate(usages=(ExtendedKeyUsageOID.CODE_SIGNING,)), "only extended key usage"),
    "one more": (
        lambda: certificate(usages=(STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)),
        "only extended key usage",
    ),
    "not critical": (lambda: certificate(critical=False), "critical"),
    "a CA's": (lambda: certificate(ca=True), "must not be a certification authority's"),
    "RSA of 2048 bits": (lambda: certificate(rsa.generate_private_key(65537, 2048)), "RSA of 3072 bits"),
    "a curve of 224 bits": (lambda: certificate(ec.generate_private_key(ec.SECP224R1())), "neither P-256"),
}


@pytest.mark.parametrize("what", one_in(3, WRONG))
def test_with_a_wrong_certificate_the_authority_does_not_start(stopped: RunningAuthority, what: str) -> None:
    make, reason = WRONG[what]
    _make_current(stopped, make())
    with pytest.raises(AssertionError, match=reason):
        start(stopped.root)


def test_with_the_right_one_it_starts_again(stopped: RunningAuthority) -> None:
    _make_current(stopped, certificate())
    process: subprocess.Popen[bytes] = start(stopped.root)
    end(process)


def _make_current(authority: RunningAuthority, new: x509.Certificate) -> None:
    store = AuthorityStore(AuthorityHome(authority.root).store)
    old = store.registry.certificate("tsa")
    store.registry.add_certificate(CertificateRecord(old.subject, old.issuer, old.label, new))
    store.close()
