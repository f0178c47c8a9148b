"""The registry of attacks: each has a name, a family, a few lines that build it, and what it must come back as.

An attack module registers with :func:`attack`; :func:`attacks` loads them all. Whatever the expectation says, no
attack may ever be TOTAL-PASSED.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module

from appliance.verification import Indication, SubIndication
from tests.verification.authorities import NOW, Identity

MODULES = (
    "forgery",
    "wrapping",
    "incremental",
    "shadows",
    "readings",
    "certified",
    "form_details",
    "layouts",
    "looks",
    "flipping",
    "certificates",
    "cryptography",
    "messages",
    "timestamps",
    "revocation",
    "stores",
    "leniency",
    "certified_forms",
    "message_leniency",
    "later_widgets",
    "written_anew",
)
LATER = NOW + timedelta(days=1)
Words = tuple[Indication, SubIndication]

FORMAT: Words = (Indication.FAILED, SubIndication.FORMAT_FAILURE)
HASH: Words = (Indication.FAILED, SubIndication.HASH_FAILURE)
CRYPTO: Words = (Indication.FAILED, SubIndication.SIG_CRYPTO_FAILURE)
UNSIGNED: Words = (Indication.INDETERMINATE, SubIndication.NO_SIGNATURE_FOUND)
UNREADABLE: Words = (Indication.INDETERMINATE, SubIndication.FORMAT_FAILURE)
UNEXPLAINED: Words = (Indication.INDETERMINATE, SubIndication.SIG_CONSTRAINTS_FAILURE)
WRONG_CHAIN: Words = (Indication.INDETERMINATE, SubIndication.CHAIN_CONSTRAINTS_FAILURE)
CROWDED: Words = (Indication.INDETERMINATE, SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE)
NO_CHAIN: Words = (Indication.INDETERMINATE, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)
WEAK: Words = (Indication.INDETERMINATE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE)
REVOKED: Words = (Indication.INDETERMINATE, SubIndication.REVOKED_NO_POE)
REVOKED_CA: Words = (Indication.INDETERMINATE, SubIndication.REVOKED_CA_NO_POE)
NO_POE: Words = (Indication.INDETERMINATE, SubIndication.NO_POE)
ORDER: Words = (Indication.INDETERMINATE, SubIndication.TIMESTAMP_ORDER_FAILURE)
NOT_YET: Words = (Indication.FAILED, SubIndication.NOT_YET_VALID)
NO_SIGNER: Words = (Indication.INDETERMINATE, SubIndication.NO_SIGNING_CERTIFICATE_FOUND)
OUT_OF_BOUNDS: Words = (Indication.INDETERMINATE, SubIndication.OUT_OF_BOUNDS_NO_POE)


@dataclass(frozen=True)
class Attempt:
    """A file as somebody would present it: whom the victim trusts (None: the good root), when the victim looks,
    and the revocation lists at hand. ``data`` and ``nonce`` belong to timestamps."""

    document: bytes
    trust: tuple[Identity, ...] | None = None
    at: datetime = LATER
    crls: tuple[bytes, ...] = ()
    data: bytes | None = None
    nonce: int | None = None


Build = Callable[[], "bytes | Attempt"]


@dataclass(frozen=True)
class Attack:
    """``expected``: one of these words; ``says``: a part of one of the reasons."""

    name: str
    family: str
    build: Build
    expected: tuple[Words, ...]
    says: str = ""

    def attempt(self) -> Attempt:
        """The attack, built."""
        built = self.build()
        return built if isinstance(built, Attempt) else Attempt(built)


_REGISTERED: dict[str, Attack] = {}


def register(family: str, name: str, build: Build, *expected: Words, says: str = "") -> None:
    """Note one attack. Raises ValueError for a name that is taken."""
    key = f"{family}: {name}"
    if key in _REGISTERED or not expected:
        raise ValueError(key)
    _REGISTERED[key] = Attack(key, family, build, expected, says)


def attack(family: str, name: str, *expected: Words, says: str = "") -> Callable[[Build], Build]:
    """Register the decorated function, which builds the attack."""

    def note(build: Build) -> Build:
        register(family, name, build, *expected, says=says)
        return build

    return note


def attacks() -> dict[str, Attack]:
    """Every attack by its name, in the order of the modules."""
    for module in MODULES:
        import_module(f"tests.attacks.{module}")
    return _REGISTERED
