"""The values about captures of web pages and deposits, as in the OpenAPI document (see
:mod:`vermilion_client.types`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

CAPTURED: Final = frozenset({"done", "failed", "cancelled", "disposed"})
"""The states in which nothing more comes of a capture by itself."""


@dataclass(frozen=True, slots=True)
class CaptureStep:
    """What is done on the page before the picture is taken. ``kind``: scroll, click, wait or record; ``target`` is
    a CSS selector, ``seconds`` how long to wait."""

    kind: str
    target: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class NewCapture:
    """Which page is captured, what for, and in whose name: ``investigator`` by subject or e-mail address."""

    investigator: str
    address: str
    purpose: str
    steps: tuple[CaptureStep, ...] = ()


@dataclass(frozen=True, slots=True)
class NewCaptureSchedule:
    """The same, at once and then every so many days, ``times`` in all; ``at`` is a time of day by the
    investigator's clock, such as ``09:00``."""

    investigator: str
    address: str
    purpose: str
    at: str
    every: int = 1
    times: int = 30
    steps: tuple[CaptureStep, ...] = ()


@dataclass(frozen=True, slots=True)
class CaptureFile:
    """A file of a capture; ``size`` in bytes."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class CaptureTls:
    """The connection to a host. ``trust``: trusted, untrusted, house or none; ``verdict`` says it in words."""

    host: str
    version: str
    cipher: str
    trust: str
    verdict: str
    certificate: str | None


@dataclass(frozen=True, slots=True)
class ChangedValue:
    """What was one thing and is another now."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ChangedLines:
    """Lines of the page's text, from the ``line`` on."""

    line: int
    removed: tuple[str, ...]
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TextDifferences:
    """Lines gone and new, and the first of them; ``coarse``: parts of the text count as one change."""

    removed: int
    added: int
    changes: tuple[ChangedLines, ...]
    coarse: bool


@dataclass(frozen=True, slots=True)
class ChangedArea:
    """A rectangle of the picture, in pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PictureDifferences:
    """Pixels in all, and how many changed, where."""

    pixels: int
    changed: int
    areas: tuple[ChangedArea, ...]
    unread: bool


@dataclass(frozen=True, slots=True)
class ResourceDifferences:
    """How many files of the page are new, gone or other ones, and the first of each."""

    added: int
    gone: int
    changed: int
    added_addresses: tuple[str, ...]
    gone_addresses: tuple[str, ...]
    changed_addresses: tuple[str, ...]
    unread: bool


@dataclass(frozen=True, slots=True)
class CaptureDifferences:
    """What is different from the ``earlier`` capture; ``changed``: a visitor would have seen another page."""

    earlier: str
    changed: bool
    title: ChangedValue | None
    address: ChangedValue | None
    certificate: ChangedValue | None
    text: TextDifferences
    picture: PictureDifferences
    resources: ResourceDifferences


@dataclass(frozen=True, slots=True)
class ListedCapture:
    """A capture as lists have it. ``state``: waiting, running, done, failed, cancelled or disposed; ``refusal``:
    why it failed, or why it still waits; ``entry``: its entry in the log; ``changed``: whether it differs from the
    one before of its schedule."""

    id: str
    investigator: str
    address: str
    purpose: str
    state: str
    stage: str | None
    requests: int
    received: int
    refusal: str | None
    ordered: datetime
    ended: datetime | None
    schedule: str | None
    title: str | None
    visited: str | None
    entry: int | None
    changed: bool | None


@dataclass(frozen=True, slots=True)
class Capture(ListedCapture):
    """A capture with its files, which go at ``kept_until``; ``ahead``: how many are made before it."""

    ahead: int | None
    steps: tuple[CaptureStep, ...]
    files: tuple[CaptureFile, ...]
    tls: tuple[CaptureTls, ...]
    differences: CaptureDifferences | None
    kept_until: datetime | None


@dataclass(frozen=True, slots=True)
class CaptureSchedule:
    """A page that is captured by schedule. ``past``: how many times have come, ``missed``: how many of them were
    not made; ``due`` is the next one, None when no more come."""

    id: str
    investigator: str
    address: str
    purpose: str
    steps: tuple[CaptureStep, ...]
    at: str
    zone: str
    every: int
    times: int
    first: date
    ordered: datetime
    past: int
    missed: int
    due: datetime | None
    stopped: datetime | None


@dataclass(frozen=True, slots=True)
class RightsHolder:
    """Who holds the rights. ``kind``: depositor, person or organisation."""

    kind: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class DepositedFile:
    """A file, which stays where it is: its SHA-256 in hex, its name and its size in bytes."""

    sha256: str
    name: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class NewDeclaration:
    """That a person (``by``, a subject or an e-mail address) has made the declaration of this ``version``, and
    the day on which that was obtained. They are told, and the certificate says that the program states it."""

    version: str
    by: str
    obtained: date


@dataclass(frozen=True, slots=True)
class NewDeposit:
    """What is deposited, in the name of the ``depositor`` (a subject or an e-mail address). ``kind`` and
    ``creation`` are words of the OpenAPI document; ``predecessor``: the deposit whose next version this is."""

    depositor: str
    title: str
    kind: str
    creation: str
    holder: RightsHolder
    declaration: NewDeclaration
    files: tuple[DepositedFile, ...]
    completed: date | None = None
    description: str = ""
    predecessor: str | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """A declaration; ``by`` and ``obtained`` are what a program stated."""

    version: str
    digest: str
    by: str | None
    obtained: date | None


@dataclass(frozen=True, slots=True)
class Deposit:
    """A deposit. ``digest`` is what was timestamped at ``time``: that of the file, or of the manifest of several;
    ``entry``: its entry in the log."""

    id: str
    depositor: str
    organisation: str
    title: str
    kind: str | None
    creation: str | None
    holder: RightsHolder | None
    completed: date | None
    description: str
    declaration: Declaration | None
    digest: str
    files: int
    size: int | None
    time: datetime
    serial: str
    entry: int
    predecessor: str | None
    successor: str | None


@dataclass(frozen=True, slots=True)
class NewDepositRow:
    """One deposit of a batch, of one file; an empty ``title`` is the file's name."""

    file: DepositedFile
    kind: str
    creation: str
    holder: RightsHolder
    title: str = ""
    completed: date | None = None
    description: str = ""
    predecessor: str | None = None


@dataclass(frozen=True, slots=True)
class NewDepositBatch:
    """A deposit for each of the ``rows``, with one declaration for all of them."""

    depositor: str
    declaration: NewDeclaration
    rows: tuple[NewDepositRow, ...]


@dataclass(frozen=True, slots=True)
class DepositRowCounts:
    """How many rows are in each state."""

    waiting: int
    made: int
    failed: int


@dataclass(frozen=True, slots=True)
class DepositBatch:
    """A batch of deposits; ``busy`` while some of them are still to be made."""

    id: str
    depositor: str
    declaration: Declaration
    created: datetime
    total: int
    busy: bool
    counts: DepositRowCounts


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row was not deposited."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class DepositRow:
    """What became of a row. ``state``: waiting, made or failed; ``deposit`` is the ``id`` of what was made."""

    number: int
    title: str
    file: DepositedFile
    state: str
    deposit: str | None
    problem: RowProblem | None


@dataclass(frozen=True, slots=True)
class FoundDeposit:
    """That a file was deposited; ``deposit`` is its ``id`` within the client's reach."""

    time: datetime
    entry: int
    deposit: str | None
