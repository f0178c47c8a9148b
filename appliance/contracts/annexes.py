"""Annexes: files that are attached to a draft. They lie beside the document that is signed, or are merged into it.

Their digests are in the log with the sending of the contract, before anybody has signed, and in its evidence. A
PDF is taken in by the rules for documents; of all other kinds nothing here reads more than the first bytes, and no
browser is ever asked to show them.
"""

from __future__ import annotations

import codecs
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Final

from appliance import workbooks
from appliance.contracts.access import Command, admit, record_change
from appliance.contracts.dependencies import ContractRecords
from appliance.contracts.merging import Composing, marked, put_in_place
from appliance.contracts.permissions import ContractActor, Permission
from appliance.documents.blobs import BlobStore
from appliance.documents.intake import Intake
from appliance.errors import DocumentRefused, NotFound, PreconditionRefused
from appliance.language.characters import words
from appliance.language.sizes import ByteSize
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field
from appliance.model.annexes import OFFICE, Annex, MergedPages
from appliance.model.contract import Contract
from appliance.model.template_parties import TemplateAnnex
from appliance.pdf.values import is_pdf
from appliance.store import annexes
from appliance.store.database import Transaction

MOST: Final = 20
LARGEST: Final = 20 * 1024 * 1024
"""Bytes of one annex."""
LARGEST_TOGETHER: Final = 60 * 1024 * 1024
"""Bytes of all annexes of one contract, which each evidence package has."""
LONGEST_NAME: Final = 120

_ZIP, _TEXT = b"PK\x03\x04", b""
_OLD_OFFICE: Final = (".doc", ".xls", ".ppt", ".wps", ".et", ".dps")
KINDS: Final = {
    ".pdf": b"%PDF-",
    ".png": b"\x89PNG\r\n\x1a\n",
    ".jpg": b"\xff\xd8\xff",
    ".jpeg": b"\xff\xd8\xff",
    **dict.fromkeys(OFFICE, _ZIP),
    ".txt": _TEXT,
    ".csv": _TEXT,
}
"""What can be attached: the ending of its name, and how its bytes begin. None of them is a program."""


class Annexes:
    """``by`` is who acts, ``seen`` the version of the contract that was shown. Thread-safe."""

    def __init__(self, records: ContractRecords, intake: Intake, blobs: BlobStore, composing: Composing) -> None:
        self._records = records
        self._intake = intake
        self._blobs = blobs
        self._composing = composing

    def of(self, contract_id: str) -> tuple[Annex, ...]:
        """The annexes of a contract that the caller was admitted to, in the order in which they were attached."""
        return self._records.database.query(annexes.annexes_of, contract_id)

    def attach(self, contract_id: str, name: str, content: bytes, *, by: str, seen: int | None = None) -> Annex:
        """*content* becomes the next annex of a draft. Raises :class:`DocumentRefused` for a file of another kind,
        a wrong size, or a PDF that is refused as a document; :class:`PreconditionRefused` for one too many or one
        that is attached already; and as :func:`admit`."""
        command = Command(contract_id, Permission.EDIT, by, self._records.now(), seen)
        with self._records.database.reading() as tx:  # before the work, so that strangers cannot cause any
            admit(tx, command)
        name = _tidy_name(name)
        _require_kind(name, content)
        digest = self._taken_in(name, content)
        now = self._records.now()
        annex = Annex(secrets.token_hex(12), name, digest, len(content), now)
        with self._records.database.transaction() as tx:
            contract = admit(tx, replace(command, now=now))
            _require_room(annexes.annexes_of(tx, contract_id), annex)
            annexes.insert_annex(tx, contract_id, annex)
            record_change(tx, contract, _event(EventKind.ANNEX_ADDED, contract, annex, by, now))
        return annex

    def detach(self, contract_id: str, annex_id: str, *, by: str, seen: int | None = None) -> Contract:
        """The draft without the annex, and without its pages."""
        return self._arranged(contract_id, annex_id, EventKind.ANNEX_REMOVED, by, seen)

    def merge(self, contract_id: str, annex_id: str, *, by: str, seen: int | None = None) -> Contract:
        """The pages of the annex, a PDF, come after the document's own. Fields stay on their pages.

        Raises :class:`DocumentRefused` for an annex that is signed, has fields, or would look different; when the
        document is signed already; and when intake refuses the whole. As :meth:`Composing.compose` and
        :func:`admit` too.
        """
        return self._arranged(contract_id, annex_id, EventKind.ANNEX_MERGED, by, seen)

    def separate(self, contract_id: str, annex_id: str, *, by: str, seen: int | None = None) -> Contract:
        """The annex lies beside the document again; fields on its pages lose their places."""
        return self._arranged(contract_id, annex_id, EventKind.ANNEX_SEPARATED, by, seen)

    def _arranged(self, contract_id: str, annex_id: str, act: EventKind, by: str, seen: int | None) -> Contract:
        """Does *act* to the annex, and to the document where that changes."""
        command = Command(contract_id, Permission.EDIT, by, self._records.now(), seen)
        with self._records.database.reading() as tx:
            read = admit(tx, command)
            before = annexes.annexes_of(tx, contract_id)
        annex = _named(before, annex_id)
        after = marked(before, annex_id, merged=act is EventKind.ANNEX_MERGED)
        if act is EventKind.ANNEX_MERGED and PurePosixPath(annex.name).suffix.lower() != ".pdf":
            raise PreconditionRefused("Only a PDF is merged; “{name}” stays attached.", name=annex.name)
        if act is EventKind.ANNEX_REMOVED:
            after = tuple(each for each in after if each.id != annex_id)
        same = [each.merged is None for each in before] == [each.merged is None for each in after]
        if act is not EventKind.ANNEX_REMOVED and same:
            return read
        composed = None
        if annex.merged is not None or act is EventKind.ANNEX_MERGED:
            composed = self._composing.compose(self._composing.given(read, before), after, by=by)
        now = self._records.now()
        with self._records.database.transaction() as tx:
            contract = admit(tx, replace(command, now=now))
            event = _event(act, contract, annex, by, now)
            if composed is not None:
                put_in_place(tx, contract, read, composed, now)
                event = replace(event, public={"annex": annex.digest, **composed.file})
            if act is EventKind.ANNEX_REMOVED:
                annexes.remove_annex(tx, contract_id, annex_id)
            return record_change(tx, contract, event)

    def open(self, contract_id: str, annex_id: str, by: ContractActor) -> tuple[Annex, bytes]:
        """The annex with its bytes, for somebody who may read the contract. Raises as :func:`admit`, and
        :class:`NotFound`."""
        command = Command(contract_id, Permission.READ, by, self._records.now())
        with self._records.database.reading() as tx:
            admit(tx, command)
            annex = _named(annexes.annexes_of(tx, contract_id), annex_id)
        return annex, self._blobs.get(annex.digest)

    def contents(self, contract: Contract) -> Iterator[tuple[Annex, bytes]]:
        """Every annex of *contract*, which the caller was admitted to, with its bytes."""
        for annex in self.of(contract.id):
            yield annex, self._blobs.get(annex.digest)

    def _taken_in(self, name: str, content: bytes) -> str:
        if PurePosixPath(name).suffix.lower() == ".pdf":
            return self._intake.accept(content).digest
        return self._intake.keep_unread(content)


def attached_events(tx: Transaction, contract: Contract, by: str, at: datetime) -> Iterator[AuditEvent]:
    """What the log keeps of each annex when *contract* is sent: everybody who signs may know it."""
    for annex in annexes.annexes_of(tx, contract.id):
        yield _event(EventKind.ANNEX_ATTACHED, contract, annex, by, at)


def copy_annexes(tx: Transaction, before: Contract, draft: Contract) -> None:
    """The *draft* gets the annexes of the contract that it is like."""
    for annex in annexes.annexes_of(tx, before.id):
        annexes.insert_annex(tx, draft.id, replace(annex, id=secrets.token_hex(12)))


def annexes_from(kept: Sequence[TemplateAnnex], at: datetime) -> tuple[Annex, ...]:
    """The *kept* files of a template as annexes of a new contract, to be merged or not as they are kept."""
    return tuple(
        Annex(
            secrets.token_hex(12),
            each.name,
            each.digest,
            each.size,
            at,
            MergedPages(0, 0, 0) if each.pages else None,
        )
        for each in kept
    )


def insert_annexes(tx: Transaction, draft: Contract, attached: Sequence[Annex], at: datetime) -> Contract:
    """The *draft* with annexes that its document was composed with."""
    for annex in attached:
        annexes.insert_annex(tx, draft.id, annex)
        draft = record_change(tx, draft, _event(EventKind.ANNEX_ADDED, draft, annex, draft.initiator, at))
    return draft


def _event(kind: EventKind, contract: Contract, annex: Annex, by: str, at: datetime) -> AuditEvent:
    public: dict[str, Field] = {"annex": annex.digest, "size": annex.size}
    if annex.merged is not None and kind is EventKind.ANNEX_ATTACHED:
        public["merged"] = str(annex.merged)
    return AuditEvent(kind, at, by, contract.id, public, {"name": annex.name})


def _named(found: tuple[Annex, ...], annex_id: str) -> Annex:
    for annex in found:
        if annex.id == annex_id:
            return annex
    raise NotFound("The contract has no such annex.")


def _tidy_name(name: str) -> str:
    """The file's own name, without folders and what cannot be seen; a long one keeps its ending."""
    tidy = words("".join(each if each.isprintable() else " " for each in name.replace("\\", "/").split("/")[-1]))
    if len(tidy) <= LONGEST_NAME:
        return tidy
    suffix = PurePosixPath(tidy).suffix[:8]
    return tidy[: LONGEST_NAME - len(suffix) - 1] + "…" + suffix


def _require_kind(name: str, content: bytes) -> None:
    suffix = PurePosixPath(name).suffix.lower()
    if not content:
        raise DocumentRefused("empty", "The file is empty; choose another one.")
    if len(content) > LARGEST:
        raise DocumentRefused("too-large", "An annex has at most {most}.", most=ByteSize(LARGEST))
    if suffix in (*OFFICE, *_OLD_OFFICE) and content.startswith(workbooks.OLD_FORMAT):
        raise _no_open_office(name, content)
    if suffix not in KINDS:
        raise DocumentRefused(
            "kind", "Files of this kind are not attached; these are: {kinds}.", kinds=", ".join(sorted(KINDS))
        )
    if not _is_of_kind(suffix, content):
        raise DocumentRefused("other-kind", "The file “{name}” is not what its ending says.", name=name)


def _no_open_office(name: str, content: bytes) -> DocumentRefused:
    if workbooks.has_password(content):
        return DocumentRefused(
            "encrypted",
            "The file “{name}” has a password, without which nobody else can open it. Save it without one and"
            " attach that.",
            name=name,
        )
    return DocumentRefused(
        "old-office",
        "The file “{name}” is in an old format of office programs. Save it as .docx, .xlsx, .pptx or PDF and"
        " attach that.",
        name=name,
    )


def _is_of_kind(suffix: str, content: bytes) -> bool:
    if suffix == ".pdf":  # intake says what is wrong with one that begins with something else
        return is_pdf(content)
    return content.startswith(KINDS[suffix]) and (KINDS[suffix] != _TEXT or _is_text(content))


def _is_text(content: bytes) -> bool:
    """UTF-8, GB 18030 as spreadsheets in China write tables, or UTF-16 with its mark, as “Unicode text”."""
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if marked else ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            return "\0" not in content.decode(encoding)
    return False


def _require_room(attached: tuple[Annex, ...], annex: Annex) -> None:
    if any(other.digest == annex.digest for other in attached):
        raise PreconditionRefused("This file is attached already.")
    if len(attached) >= MOST:
        raise PreconditionRefused("A contract has at most {most} annexes.", most=MOST)
    if annex.size + sum(other.size for other in attached) > LARGEST_TOGETHER:
        raise PreconditionRefused(
            "All annexes together have at most {most}; merge or shrink some.", most=ByteSize(LARGEST_TOGETHER)
        )
