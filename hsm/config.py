"""The authority's settings: read once from ``config/authority.toml``, typed; an unknown name stops the start.

Every setting has a default, so an empty file is a valid one. Paths are relative to the home.
"""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from hsm.batches import MOST_MEMBERS
from hsm.certificates import EVENT_DAYS, EVENT_POLICY, MOST_EVENT_DAYS
from hsm.errors import ConfigurationRefused
from hsm.log_lines import LogFormat
from hsm.names import LONGEST_ORGANISATION, is_organisation_name
from hsm.remote import MOST_DOCUMENTS, POLICIES, RemoteUse
from hsm.settings import Place, checked, number, sections, tables_of
from hsm.signer import SignatureAlgorithm
from hsm.timestamp.model import DEFAULT_HASHES


class PeerRole(StrEnum):
    """The roles of callers: one socket for each."""

    WEB = "web"
    TSA = "tsa"
    SCHEDULER = "scheduler"
    OPERATOR = "operator"
    CONSOLE = "console"
    BACKUP = "backup"
    ACTIVATION = "activation"


class TimeSourceKind(StrEnum):
    """What proves the clock: the kernel's NTP state, or an operator's declaration (for development)."""

    KERNEL = "kernel"
    DECLARED = "declared"


class TokenBackup(StrEnum):
    """How SoftHSM's token goes into backups: with the PINs that open it, without them, or (as any HSM's) not."""

    WITH_PINS = "with-pins"
    ALONE = "alone"
    OWN = "own"


class PeopleAlgorithm(StrEnum):
    """What persons and seals sign with: both take the SHA-256 of a document."""

    P256 = "ecdsa-p256"
    RSA3072 = "rsa-3072"

    @property
    def signature(self) -> SignatureAlgorithm:
        """The algorithm in the formats' terms."""
        if self is PeopleAlgorithm.P256:
            return SignatureAlgorithm.ECDSA_SHA256
        return SignatureAlgorithm.RSA_SHA256


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """The PKCS#11 module, the label of the daemon's token, and SoftHSM's configuration where that is the HSM."""

    module: str = "/usr/lib/softhsm/libsofthsm2.so"
    label: str = "vermilion"
    softhsm_configuration: str = "hsm/softhsm2.conf"


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How many processes sign; 0 is one for each core."""

    count: int = checked(0, range(65).__contains__, "from 0 (one for each core) to 64")

    @property
    def processes(self) -> int:
        """The number of workers on this machine."""
        return self.count or len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class PeerSettings:
    """The users (names or numbers) who may use each socket; empty means the user that the authority runs as."""

    web: list[int | str] = field(default_factory=list)
    tsa: list[int | str] = field(default_factory=list)
    scheduler: list[int | str] = field(default_factory=list)
    operator: list[int | str] = field(default_factory=list)
    console: list[int | str] = field(default_factory=list)
    backup: list[int | str] = field(default_factory=list)
    activation: list[int | str] = field(default_factory=list)

    def check(self, _name: str) -> None:
        """Raises ConfigurationRefused for a name that no user of this machine has."""
        for role in PeerRole:
            self.allowed(role)

    def allowed(self, role: PeerRole) -> frozenset[int]:
        """The users (numeric ids) who may connect as *role*."""
        listed: list[int | str] = getattr(self, role.value)
        return frozenset(_user(each, f"peers.{role.value}") for each in listed or [os.getuid()])


def _user(user: int | str, setting: str) -> int:
    if isinstance(user, int):
        return user
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError as error:
        raise ConfigurationRefused(
            "The setting {name} names {user}, but this machine has no such user.", name=setting, user=user
        ) from error


@dataclass(frozen=True, slots=True)
class TimeSettings:
    """The clock, the timestamp policies (OIDs, the default first), and whether SM3 digests are dated."""

    source: TimeSourceKind = TimeSourceKind.KERNEL
    accuracy_milliseconds: int = number(500, 1, 1000)
    policies: list[str] = checked(["1.3.6.1.4.1.32473.1.1"], bool, "a list of at least one OID")
    sm3: bool = False

    @property
    def hashes(self) -> frozenset[str]:
        """The digests that are dated, by their lower-case names."""
        return DEFAULT_HASHES | {"sm3"} if self.sm3 else DEFAULT_HASHES

    @property
    def accuracy(self) -> timedelta:
        """The accuracy that every timestamp claims."""
        return timedelta(milliseconds=self.accuracy_milliseconds)


@dataclass(frozen=True, slots=True)
class AuthorityLogSettings:
    """The log's name: the origin of its checkpoints and the name of its key (C2SP: no white space, no +)."""

    origin: str = checked(
        "vermilion.example/log", re.compile(r"[^\s+]+").fullmatch, "a name without white space and +"
    )


_OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+").fullmatch


@dataclass(frozen=True, slots=True)
class CertificateSettings:
    """Addresses and names in certificates; ``organisations`` are allowed beside those of enrolled subjects.
    ``event_policy`` is the OID in event certificates, and ``event_days`` how long these are valid;
    ``remote_document_policy`` and ``remote_hash_policy`` are those in certificates of keys for remote signing."""

    base_url: str = "http://localhost:8080"
    organisations: list[str] = checked(
        [],
        lambda names: all(map(is_organisation_name, names)),
        f"a list of names of 1 to {LONGEST_ORGANISATION} visible characters without outer spaces",
    )
    algorithm: PeopleAlgorithm = PeopleAlgorithm.P256
    crl_days: int = number(7, 1, 31)
    event_policy: str = checked(EVENT_POLICY, _OID, "an OID")
    event_days: int = number(EVENT_DAYS, 1, MOST_EVENT_DAYS)
    remote_document_policy: str = checked(POLICIES[RemoteUse.DOCUMENT], _OID, "an OID")
    remote_hash_policy: str = checked(POLICIES[RemoteUse.HASH], _OID, "an OID")


MOST_SEAL_HOURS: Final = 168
"""How long a request for a seal may wait, whatever the settings say: no other act may wait longer."""


@dataclass(frozen=True, slots=True)
class ActivationSettings:
    """The WebAuthn relying party, and the origins (Level 3, section 7.2) that activations may come from: those of
    the activation service, never the portal's, where people sign in with the same passkeys. PIN custodians'
    come from the console alone (without a relying party of its own, the portal's). ``attestation`` are PEM files,
    beside the settings, with the roots of the authenticators that are approved; without any, all are taken.
    ``pin_totp``: whether the weaker way, a PIN and a code, is taken too. ``batch_limit``: how many documents one
    person may confirm at once; 0 or 1 for each on its own. ``vouched_daily``: for how many outside signers one
    person may vouch within 24 hours; 0 for nobody. ``remote_documents`` and ``remote_hashes``: how many documents
    of other software, or digests of documents that nobody here has seen, one activation signs; 0 for none."""

    rp_id: str = "localhost"
    origins: list[str] = checked(["http://localhost:8083"], bool, "a list of at least one origin")
    console_rp_id: str = ""
    console_origins: list[str] = checked(["http://localhost:8082"], bool, "a list of at least one origin")
    longest_minutes: int = number(15, 1, 15)
    seal_hours: int = number(72, 1, MOST_SEAL_HOURS)
    officers_required: int = number(1, 1, 4)
    attestation: list[str] = field(default_factory=list)
    pin_totp: bool = True
    batch_limit: int = number(50, 0, MOST_MEMBERS)
    vouched_daily: int = number(50, 0, 1000)
    remote_documents: int = number(20, 0, MOST_DOCUMENTS)
    remote_hashes: int = number(0, 0, MOST_DOCUMENTS)

    def remote_limit(self, use: RemoteUse) -> int:
        """How many documents one activation signs with a key for *use*; 0 for none."""
        return self.remote_hashes if use is RemoteUse.HASH else self.remote_documents

    def roots(self, home: AuthorityHome) -> list[bytes]:
        """The certificates (PEM) that an authenticator's attestation has to lead to; none: any authenticator."""
        try:
            return [(home.settings.parent / each).read_bytes() for each in self.attestation]
        except OSError as error:
            raise ConfigurationRefused(
                "The setting activation.attestation names {file}, which cannot be read ({why}).",
                file=error.filename,
                why=error.strerror,
            ) from error

    @property
    def console_party(self) -> str:
        """The relying party of the console."""
        return self.console_rp_id or self.rp_id


@dataclass(frozen=True, slots=True)
class AuthorityBackupSettings:
    """For whom the authority encrypts its part of a backup (age recipients), and how SoftHSM's token is
    included."""

    recipients: list[str] = field(default_factory=list)
    token: TokenBackup = TokenBackup.WITH_PINS


@dataclass(frozen=True, slots=True)
class LineSettings:
    """Log lines: their ``format`` on standard error.

    The authority has no network, and no thread that could wait for a collector: journald takes its lines, and
    rsyslog sends them.
    """

    format: LogFormat = LogFormat.TEXT


@dataclass(frozen=True, slots=True)
class AuthorityHome:
    """The directory ``root`` (absolute) and the names of what belongs to the authority in it."""

    root: Path

    settings = Place("config/authority.toml")
    """The authority's settings."""
    store = Place("authority/authority.db")
    """The authority's own database."""
    login_turns = Place("authority/login.lock")
    """The lock by which workers take turns at logging in."""
    lasting_lock = Place("authority/locked")
    """There while somebody has locked the authority (:mod:`hsm.home`)."""
    token_writes = Place("authority/token.lock")
    """The lock that is held while keys are made or destroyed in the token, or its files are copied."""
    backup = Place("authority/backup")
    """Where the authority makes its part of a backup; the newest one stays there, sealed."""
    single = Place("authority/daemon.lock")
    """The lock that only one daemon holds."""
    clock = Place("authority/clock")
    """The last time issued, shared by the workers through memory."""
    trust = Place("trust")
    """The public anchors: ``ca.pem``, ``chain.pem``, ``log.vkey``."""
    log_key = Place("trust/log.vkey")
    """The public key that checkpoints are signed with."""
    gate_checkpoint = Place("gate/checkpoint")
    """The newest checkpoint in the database, as the gate before this start has verified it; public."""

    def socket(self, role: PeerRole) -> Path:
        return self.root / f"run/authority-{role.value}.sock"


@dataclass(frozen=True, slots=True)
class AuthoritySettings:
    """All settings, and the home that they belong to."""

    home: AuthorityHome
    token: TokenSettings = field(default_factory=TokenSettings)
    workers: WorkerSettings = field(default_factory=WorkerSettings)
    peers: PeerSettings = field(default_factory=PeerSettings)
    time: TimeSettings = field(default_factory=TimeSettings)
    log: AuthorityLogSettings = field(default_factory=AuthorityLogSettings)
    certificates: CertificateSettings = field(default_factory=CertificateSettings)
    activation: ActivationSettings = field(default_factory=ActivationSettings)
    backup: AuthorityBackupSettings = field(default_factory=AuthorityBackupSettings)
    logs: LineSettings = field(default_factory=LineSettings)


def load(root: Path) -> AuthoritySettings:
    """The settings of the home at *root*. Raises ConfigurationRefused naming the file and the setting."""
    home = AuthorityHome(root.absolute())
    if (home.root / ".restoring.json").exists():
        raise ConfigurationRefused(
            "A restore into {home} was interrupted; run the same `vermilion restore` again.", home=home.root
        )
    return parse(tables_of(home.settings, maker="vermilion-authority init"), home)


def parse(tables: Mapping[str, Any], home: AuthorityHome) -> AuthoritySettings:
    """The settings in parsed TOML. Raises ConfigurationRefused."""
    return AuthoritySettings(home=home, **sections(AuthoritySettings, tables))
