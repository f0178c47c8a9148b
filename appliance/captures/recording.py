"""From what a capture gave to an entry of the log, and from there to an evidence package.

The WARC is dated first: before facts are written, before anything of it is kept or told.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from appliance.config.captures import CaptureSettings
from appliance.confinement.pool import Confinement
from appliance.contracts.dependencies import ContractRecords, SigningBackend
from appliance.errors import NotFound, StateRefused
from appliance.evidence import container
from appliance.evidence.captures import layout, package
from appliance.evidence.captures.archive import require_archive
from appliance.evidence.captures.facts import (
    CapturedBy,
    CaptureFacts,
    NetworkFacts,
    decode,
    encode,
    fit,
    is_prompt,
)
from appliance.evidence.captures.gathering import CaptureSurroundings, captured_files, facts_of
from appliance.evidence.captures.model import CaptureEvidence
from appliance.evidence.captures.thumbnail import thumbnail_of
from appliance.evidence.gathering import LogSources, current_certificates_of, log_material
from appliance.evidence.judging import SINCE
from appliance.evidence.model import ManifestSignature, PackageRefused, TimestampExchange
from appliance.language.sizes import MEGABYTE, ByteSize
from appliance.ledger.audit_trail import AuditEvent, EventKind, append_event
from appliance.ledger.disclosure import VisibleEvents
from appliance.store import ledger
from appliance.store.database import Transaction
from appliance.time_sources import read_time_sources
from appliance.web_capture.capturing import Capture
from appliance.web_capture.model import CaptureFailed
from hsm import canonical
from hsm.errors import Malformed
from hsm.timestamp import build_request, order_for, parse_response, parse_token

_NUMBER_BYTES: Final = 12
_BESIDE: Final = 16 * MEGABYTE
"""Bytes in a package for all that is not of the capture itself: a few hundred kilobytes, mostly certificates' PDFs
and the verifier."""


@dataclass(frozen=True, slots=True)
class CaptureRequest:
    """Who wants a capture, and for what: ``id`` has 24 hex digits, ``zone`` is the IANA name of the one in which
    the certificate shows times."""

    id: str
    purpose: str
    name: str
    organisation: str
    zone: str

    @property
    def audience(self) -> str:
        """For whom packages of it are made."""
        return self.organisation.strip() or self.name


@dataclass(frozen=True, slots=True)
class RecordedCapture:
    """A capture as it is kept. ``entry`` is the number of its log entry, ``at`` that entry's time; ``files`` gives
    for each file of its package (by path) the SHA-256 (hex) under which the blobs have it."""

    id: str
    address: str
    title: str
    audience: str
    entry: int
    at: datetime
    files: Mapping[str, str]


Keep = Callable[[Transaction, RecordedCapture], None]


def new_capture_id() -> str:
    """The number of a new capture."""
    return secrets.token_hex(_NUMBER_BYTES)


def keep_nothing(tx: Transaction, recorded: RecordedCapture) -> None:
    """For whoever has no register."""


class CaptureRecording:
    """Thread-safe. *log* gives the log's part of packages and the settings; pages' pictures are decoded in
    *confinement* alone."""

    def __init__(
        self,
        records: ContractRecords,
        backend: SigningBackend,
        log: LogSources,
        confinement: Confinement,
    ) -> None:
        self._records, self._backend, self._log, self._confinement = records, backend, log, confinement

    def record(
        self, capture: Capture, *, request: CaptureRequest, by: str, keep: Keep = keep_nothing
    ) -> RecordedCapture:
        """Dates, keeps and logs *capture*, which the person *by* (a subject) had made.

        1. there is a page, and it fits into a package; 2. the WARC is timestamped, with the certificates in the
        reply, soon after the capture ended; 3. the facts are written, and the WACZ shows the WARC as their page;
        4. all files are kept durably; 5. the log's entry is written, and what *keep* writes, in one transaction.

        Raises :class:`CaptureFailed` where the browser had nothing to show but its own notice, or no package would
        hold the capture or pass; :class:`hsm.errors.TimeNotAvailable` while nothing can be dated; and what its
        parts raise. Nothing is recorded then but a timestamp, which says nothing about anybody.
        """
        given = captured_files(capture)
        _require_page(capture)
        _require_room(given)
        exchange = self._dated(capture.warc)
        stamp = parse_token(parse_response(exchange.reply))
        facts = facts_of(
            capture,
            number=request.id,
            by=CapturedBy(request.name, request.organisation, request.purpose),
            surroundings=self._surroundings(request.zone),
        )
        _require_package(given, facts, stamp.gen_time)
        files = {
            **given,
            layout.WARC_QUERY: exchange.request,
            layout.WARC_REPLY: exchange.reply,
            layout.FACTS: _written(facts),
        }
        kept = {path: self._backend.blobs.put(octets) for path, octets in files.items()}
        at = max(self._records.now(), stamp.gen_time)
        public = {
            "capture": request.id,
            "facts": kept[layout.FACTS],
            "warc": kept[layout.WARC],
            "serial": f"{stamp.serial:x}",
        }
        private = {"address": facts.address, "name": fit(request.name), "title": facts.page.title}
        event = AuditEvent(EventKind.PAGE_CAPTURED, at, by, public=public, private=private)
        return self._records.database.commit(self._append, event, request, kept, keep)

    @staticmethod
    def _append(
        tx: Transaction, event: AuditEvent, request: CaptureRequest, kept: Mapping[str, str], keep: Keep
    ) -> RecordedCapture:
        recorded = RecordedCapture(
            id=request.id,
            address=str(event.private["address"]),
            title=str(event.private["title"]),
            audience=request.audience,
            entry=append_event(tx, event),
            at=event.at.replace(microsecond=0),
            files=kept,
        )
        keep(tx, recorded)
        return recorded

    def package(self, recorded: RecordedCapture) -> bytes:
        """The evidence package, made anew: it waits for a checkpoint over the entry, and the authority signs and
        dates the manifest. Raises :class:`NotFound` where files or the opening of the entry were disposed of, and
        :class:`StateRefused` where the timestamp of the recording holds no longer: nothing older proves it."""
        blobs, now = self._backend.blobs, self._records.now
        files = {path: blobs.get(digest) for path, digest in recorded.files.items()}
        request, reply = files.pop(layout.WARC_QUERY), files.pop(layout.WARC_REPLY)
        facts = decode(files.pop(layout.FACTS))
        seen = VisibleEvents(self._opening(recorded), frozenset(), whole=True)
        self._require_dated(recorded, files[layout.WARC], reply)
        log = log_material(self._log, {recorded.entry: seen})
        stampers = [parse_token(each).signer for each in (parse_response(reply), log.checkpoint_token)]
        evidence = CaptureEvidence(
            facts=facts,
            files=files,
            exchange=TimestampExchange(request, reply),
            log=log,
            audience=recorded.audience,
            thumbnail=thumbnail_of(self._confinement, files[layout.PICTURE]),
            certificates=current_certificates_of(self._backend.authority, now(), filter(None, stampers)),
            created=now(),
        )
        seals = ManifestSignature(self._backend.authority.sign_manifest, self._backend.timestamps.issue_reply)
        return package.build(evidence, seals)

    def _require_dated(self, recorded: RecordedCapture, warc: bytes, reply: bytes) -> None:
        report = self._backend.verifier.verify_timestamp(reply, data=warc)
        if report.verdict.subindication in SINCE:
            raise StateRefused(
                "No evidence package of web capture {capture} can be made any more: the certificate of its"
                " timestamp ran out or was revoked before there was one. Capture the address again.",
                capture=recorded.id,
            )

    def _opening(self, recorded: RecordedCapture) -> Mapping[str, Mapping[str, str]]:
        kept = self._records.database.query(ledger.opening, recorded.entry)
        if kept is None:
            raise NotFound(
                "What was told of the capture {capture} was erased; there is no package of it.",
                capture=recorded.id,
            )
        opening: Mapping[str, Mapping[str, str]] = canonical.decode(kept)
        return opening

    def _dated(self, warc: bytes) -> TimestampExchange:
        order = order_for(hashlib.sha256(warc).digest(), nonce=secrets.randbits(64), certificates=True)
        request = build_request(order)
        return TimestampExchange(request, self._backend.timestamps.issue_reply(request))

    def _surroundings(self, zone: str) -> CaptureSurroundings:
        """What is known now of the clock and of the network."""
        return CaptureSurroundings(
            operator=self._log.settings.organisation.name,
            zone=zone,
            network=_network(self._log.settings.capture),
            clock=self._backend.authority.status().clock,
            sources=read_time_sources(self._records.now()),
        )


_NO_PAGE: Final = "The page {address} could not be opened ({why}); nothing was kept."
_NOT_VISITED: Final = {
    "forbidden": (
        "{address} is not captured: its host has no public address, or the port is one of another protocol. Hosts"
        " of the house are allowed by their names (allowed_hosts under [capture] in the settings)."
    ),
    "not-listed": (
        "{address} is not captured: its host is none of those that alone may be captured (only_hosts under"
        " [capture] in the settings)."
    ),
    "not-of-house": (
        "{address} is not captured: the capture began at a host of the house, and led outside. Order a capture of"
        " this address itself, or allow its host where that is one of the house (allowed_hosts under [capture] in"
        " the settings)."
    ),
    "of-house": (
        "{address} is not captured: the capture began at a page from outside, and led to a host of the house."
        " Order a capture of this address itself."
    ),
    "no-room": "This machine had too many connections open to visit {address}; nothing was kept. Try again later.",
    "unresolved": "The host of {address} was not found; nothing was kept.",
    "unreachable": "There was no connection to the host of {address}; nothing was kept.",
}
"""By the engine's word for what went nowhere."""


_LATER: Final = frozenset({"too-many", "time", "length"})
"""Words for requests that a page made again, beyond a limit, when it was there already."""


def _require_page(capture: Capture) -> None:
    """Where the page itself came from no server, picture and text are the browser's own and prove nothing."""
    visit = capture.visit
    last = visit.address.partition("#")[0]
    refused = (each.why for each in capture.traffic.refused if each.address == last and each.why not in _LATER)
    why = next(refused, "")
    if why or visit.error:
        address = visit.address if why else capture.address
        raise CaptureFailed(_NOT_VISITED.get(why, _NO_PAGE), address=fit(address), why=why or fit(visit.error))


def _written(facts: CaptureFacts) -> bytes:
    """``capture.json``, if packages can be made of it: a program that a page took over may say anything."""
    try:
        written = encode(facts)
        decode(written)
    except (PackageRefused, Malformed) as error:
        raise CaptureFailed(
            "What was told of the page {address} cannot be; nothing was kept.", address=fit(facts.address)
        ) from error
    return written


def _require_room(given: Mapping[str, bytes]) -> None:
    size = sum(map(len, given.values()))
    if size > container.LARGEST - _BESIDE:
        raise CaptureFailed(
            "The capture has {size}, and an evidence package {most} at most, in which the recording is twice;"
            " nothing was kept. Lower megabytes under [capture] in the settings.",
            size=ByteSize(size),
            most=ByteSize(container.LARGEST),
        )


def _require_package(given: Mapping[str, bytes], facts: CaptureFacts, stamped: datetime) -> None:
    """What no verifier would pass is not logged: a page may have taken the capturing program over, and a clock
    may have been set while it ran."""
    if not is_prompt(facts, stamped):
        raise CaptureFailed(
            "The capture of {address} ended at {ended} by one clock of this machine, and was timestamped at"
            " {stamped} by another: these have to be in order, and within an hour. Nothing was kept; check the"
            " clocks, and capture the page again.",
            address=fit(facts.address),
            ended=facts.ended.isoformat(timespec="seconds"),
            stamped=stamped.isoformat(timespec="seconds"),
        )
    try:
        require_archive({path: memoryview(octets) for path, octets in given.items()}, facts)
    except PackageRefused as error:
        raise CaptureFailed(error.template, **error.values) from error


def _network(settings: CaptureSettings) -> NetworkFacts:
    proxy = urlsplit(settings.proxy).netloc
    return NetworkFacts(proxy, tuple(settings.allowed_hosts), tuple(settings.only_hosts))
