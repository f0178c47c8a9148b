"""Deposits (存证): whose work, what it is, how it was made, and the digests of its files. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from hsm.errors import Sentence


class HolderKind(StrEnum):
    """Who holds the rights (权利人): the depositor, or whom the depositor names."""

    DEPOSITOR = "depositor"
    PERSON = "person"
    ORGANISATION = "organisation"


HOLDER_KINDS: Final[Mapping[HolderKind, str]] = {
    HolderKind.DEPOSITOR: "The depositor in person",
    HolderKind.PERSON: "Another person",
    HolderKind.ORGANISATION: "An organisation",
}
"""What people read for each kind of rights holder (message ids)."""


class WorkKind(StrEnum):
    """What is deposited: the kinds of work of 著作权法 第三条, and data, trade secrets and documents besides."""

    LITERARY = "literary"
    ORAL = "oral"
    MUSIC = "music"
    ART = "art"
    PHOTOGRAPH = "photograph"
    AUDIOVISUAL = "audiovisual"
    DRAWING = "drawing"
    SOFTWARE = "software"
    DATA = "data"
    TRADE_SECRET = "trade-secret"  # noqa: S105 -- a kind of work
    DOCUMENT = "document"
    OTHER = "other"


WORK_KINDS: Final[Mapping[WorkKind, str]] = {
    WorkKind.LITERARY: "Literary work",
    WorkKind.ORAL: "Oral work",
    WorkKind.MUSIC: "Musical, dramatic or choreographic work",
    WorkKind.ART: "Work of fine art or architecture",
    WorkKind.PHOTOGRAPH: "Photographic work",
    WorkKind.AUDIOVISUAL: "Audiovisual work",
    WorkKind.DRAWING: "Drawing, map or model",
    WorkKind.SOFTWARE: "Computer software",
    WorkKind.DATA: "Data",
    WorkKind.TRADE_SECRET: "Trade secret",
    WorkKind.DOCUMENT: "Document or record",
    WorkKind.OTHER: "Other work",
}
"""What people read for each kind of work (message ids)."""


class Creation(StrEnum):
    """How a work was made (著作权法 第九、十三、十四、十八、十九条)."""

    ORIGINAL = "original"
    COMMISSIONED = "commissioned"
    EMPLOYEE = "employee"
    JOINT = "joint"
    ADAPTED = "adapted"


CREATIONS: Final[Mapping[Creation, str]] = {
    Creation.ORIGINAL: "Made independently",
    Creation.COMMISSIONED: "Commissioned",
    Creation.EMPLOYEE: "Made by an employee at work",
    Creation.JOINT: "Made jointly",
    Creation.ADAPTED: "Adapted from another work",
}
"""What people read for each way of making (message ids)."""


@dataclass(frozen=True, slots=True)
class RightsHolder:
    """Who holds the rights, as the depositor says; the ``name`` of a depositor is filled in from the
    register."""

    kind: HolderKind
    name: str = ""


@dataclass(frozen=True, slots=True)
class WorkDetails:
    """What the depositor declares about a work. ``completed`` is None where it is not known or not finished;
    ``declaration`` is the version of the declaration that the depositor has made."""

    kind: WorkKind
    creation: Creation
    holder: RightsHolder
    declaration: str
    completed: date | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class DepositedFile:
    """One file: its name exactly as its owner has it, with its folders; ``digest`` is its SHA-256 in lower-case
    hex, ``size`` its bytes where the depositor said so. Only a file that is alone may have no name."""

    name: str
    digest: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class ObtainedDeclaration:
    """What a program says of the declaration that it hands in: the person ``declarer`` (a subject) has made it,
    and it was obtained on the day ``obtained``."""

    declarer: str
    obtained: date


EMPTY: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""The SHA-256 of no bytes."""


def readable_name(name: str) -> str:
    """The *name* of a file as people may be shown it: what cannot be seen, or turns the direction of reading, is
    written as its code (``\\u202e``), so that no name looks like another."""
    return "".join(each if each.isprintable() else _code(each) for each in name)


def _code(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


@dataclass(frozen=True, slots=True)
class Deposit:
    """One deposit. ``digest`` (SHA-256, hex) is what was timestamped: that of the file where it is one, else
    that of the manifest. ``files`` is how many there are, ``size`` their bytes in all, where they are known.

    ``token`` is the RFC 3161 token (DER) over the digest and ``at`` the time that it gives. ``organisation`` is
    the depositor's at that time. ``predecessor`` is the deposit whose next version this is. ``client`` is the
    API client that handed it in, and ``declared`` what that said of the declaration. ``work`` is None for
    deposits from before it was asked for."""

    id: str
    depositor: str
    organisation: str
    title: str
    digest: str
    files: int
    size: int | None
    at: datetime
    token: bytes
    entry: int
    predecessor: str | None = None
    client: str | None = None
    work: WorkDetails | None = None
    declared: ObtainedDeclaration | None = None

    @property
    def has_manifest(self) -> bool:
        """Whether the digest is that of a manifest."""
        return self.files > 1


class BatchedState(StrEnum):
    """What became of one deposit of a batch."""

    WAITING = "waiting"
    MADE = "made"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DepositBatch:
    """Deposits of ``owner``, each of one file, that the scheduler makes one after another. ``client`` is the API
    client that handed them in, and ``declared`` what that said of the declaration, which is about all of them."""

    id: str
    owner: str
    created: datetime
    client: str | None = None
    declared: ObtainedDeclaration | None = None


@dataclass(frozen=True, slots=True)
class BatchedDeposit:
    """One of a batch: ``number`` is its row in the list. ``deposit`` is the number under which it is made, and
    once it is made that of the deposit that there is. ``refusal`` says why it was not made, ``code`` is that of
    the refusal."""

    number: int
    deposit: str
    title: str
    file: DepositedFile
    work: WorkDetails
    predecessor: str | None = None
    state: BatchedState = BatchedState.WAITING
    refusal: Sentence | None = None
    code: str | None = None
