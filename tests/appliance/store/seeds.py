"""A database with people, a seal and one sent contract of three parties."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.language import Language
from appliance.model.contract import Contract
from appliance.model.intent import IntentRecord, IntentState, SigningOrigin
from appliance.model.people import Person, Seal, SealKind
from appliance.store import contracts, people
from appliance.store.database import Database, Transaction
from hsm.intents import SigningIntent
from tests.appliance.contracts.samples import NOON, contract


def _certificate() -> bytes:
    """Anybody's certificate (DER), good from :data:`NOON` for a year."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOON, NOON + timedelta(days=365))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


CERTIFICATE = _certificate()


def seeded(path: Path) -> Database:
    """A new database at *path*."""
    database = Database(path)
    with database.transaction() as tx:
        for number in (1, 2, 9):
            people.insert_person(tx, person(number), CERTIFICATE)
        people.insert_seal(tx, SEAL, CERTIFICATE)
        store(tx, contract())
    return database


def person(number: int) -> Person:
    return Person(
        subject=f"person-{number}",
        name=f"示例 {number}",
        organisation="甲公司示例有限公司",
        email=f"person{number}@example.com",
        language=Language.CHINESE,
        zone="Asia/Shanghai",
    )


SEAL = Seal("seal-3", "甲公司示例有限公司", SealKind.CONTRACT, ("person-2",), 40.0)


def store(tx: Transaction, sample: Contract) -> None:
    contracts.insert_contract(tx, sample)
    for party in sample.parties:
        contracts.insert_party(tx, sample.id, party)


def intent(position: int = 1, *, number: int = 1) -> IntentRecord:
    """A prepared intent of the party at *position*."""
    act = SigningIntent(
        contract="contract-1",
        party=f"party-{position}",
        field=f"person-{position}",
        signer=f"person-{position}",
        digest=bytes([number]) * 32,
        expires=NOON.replace(minute=10),
        nonce=bytes([number]) * 16,
    )
    return replace(
        IntentRecord("", act, 1, b"suffix", (100, 200), IntentState.PREPARED, NOON, SigningOrigin("192.0.2.7")),
        id=f"intent-{number}",
    )
