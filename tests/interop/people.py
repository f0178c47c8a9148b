"""The certificates of the matrix, in the forms in which its programs take them, made once per cache folder."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from tests.verification.authorities import (
    Identity,
    Profile,
    World,
    authority,
    issue,
    revocation_list,
    tsa_profile,
)

SIGNERS = ("Signer A", "Signer B", "Signer C")
PASSWORD = "x"


@dataclass(frozen=True)
class People:
    """A root, an issuing authority, a timestamp authority and signers, with RSA keys of 2048 bits, in *folder*."""

    folder: Path

    def identity(self, name: str) -> Identity:
        """The certificate and key of *name*."""
        key = load_pem_private_key(self.path(name, "key").read_bytes(), None)
        certificate = x509.load_pem_x509_certificate(self.path(name, "pem").read_bytes())
        return Identity(certificate, key)  # type: ignore[arg-type]

    def path(self, name: str, kind: str) -> Path:
        """Where *name* lies as ``key``, ``pem`` or ``p12``."""
        return self.folder / f"{name.replace(' ', '-').lower()}.{kind}"

    @property
    def nss(self) -> str:
        """The NSS database, whose certificates have the signers' names."""
        return f"sql:{self.folder / 'nss'}"

    @property
    def lists(self) -> list[Path]:
        """The current revocation lists (DER)."""
        return [self.path("root", "crl"), self.path("issuing", "crl")]

    @cached_property
    def world(self) -> World:
        """The same people as the generators of ``tests.verification`` know them."""
        root, issuing, tsa = (self.identity(name) for name in ("root", "issuing", "tsa"))
        return World(root, issuing, self.identity(SIGNERS[0]), self.identity(SIGNERS[1]), tsa)


def gathered(folder: Path) -> People:
    """The people in *folder*, made when they are not there."""
    people = People(folder)
    if not (folder / "complete").exists():
        _make(people)
        (folder / "complete").touch()
    return people


def _make(people: People) -> None:
    people.folder.mkdir(parents=True, exist_ok=True)
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
    # in letters that each of the programs encodes alike: @signpdf names issuers in others otherwise
    ours = {"start": start, "rsa_bits": 2048, "organisation": "Interop Ltd"}
    root = authority("Interop Root", **ours)
    issuing = authority("Interop Issuing", root, path_length=0, **ours)
    tsa = issue(tsa_profile(subject="Interop TSA", **ours), issuing)
    _keep(people, {"root": root, "issuing": issuing, "tsa": tsa})
    for name in SIGNERS:
        signer = issue(Profile(name, usages=(), **ours), issuing)  # type: ignore[arg-type]
        _keep(people, {name: signer})
        bag = pkcs12.serialize_key_and_certificates(
            name.encode(), signer.key, signer.certificate, [issuing.certificate, root.certificate], _BAG
        )
        people.path(name, "p12").write_bytes(bag)
    for name, issuer in (("root", root), ("issuing", issuing)):
        made = revocation_list(
            issuer, made=datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1), days=900
        )
        people.path(name, "crl").write_bytes(made)
    _fill_nss(people)


_BAG = (
    PrivateFormat.PKCS12.encryption_builder()
    .kdf_rounds(1000)
    .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
    .build(PASSWORD.encode())
)
"""What node-forge, NSS and Java all read."""


def _keep(people: People, identities: dict[str, Identity]) -> None:
    for name, identity in identities.items():
        private = identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        people.path(name, "key").write_bytes(private)
        people.path(name, "pem").write_bytes(identity.pem)


def _fill_nss(people: People) -> None:
    (people.folder / "nss").mkdir(exist_ok=True)
    _run("certutil", "-N", "-d", people.nss, "--empty-password")
    for name in SIGNERS:
        _run("pk12util", "-i", people.path(name, "p12"), "-d", people.nss, "-W", PASSWORD, "-K", "")
    for name in ("root", "issuing"):
        _run("certutil", "-A", "-d", people.nss, "-n", name, "-t", "CT,C,C", "-i", people.path(name, "pem"))


def _run(*command: object) -> None:
    subprocess.run([str(each) for each in command], check=True, capture_output=True)
