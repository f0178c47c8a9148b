"""The operations of the API as methods."""

from __future__ import annotations

import base64
import json
import secrets
import ssl
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

from vermilion_client.conversions import read, written
from vermilion_client.evidence import (
    CAPTURED,
    Capture,
    CaptureSchedule,
    Deposit,
    DepositBatch,
    DepositRow,
    FoundDeposit,
    ListedCapture,
    NewCapture,
    NewCaptureSchedule,
    NewDeposit,
    NewDepositBatch,
)
from vermilion_client.transport import JSON, Answer, Credentials, Patience, Request, Transport
from vermilion_client.types import (
    ENDED,
    Amendment,
    Contract,
    Deadline,
    Event,
    Link,
    NewOutside,
    NewParty,
    NewPerson,
    NewPower,
    NewSeal,
    Party,
    PartyIdentity,
    Person,
    Place,
    Power,
    SealRequest,
    SealUse,
    Self,
    Terms,
    Verification,
)

PDF: Final = "application/pdf"
OCTETS: Final = "application/octet-stream"
PATIENCE: Final = Patience()
_KINDS: Final[Mapping[type, str]] = {NewPerson: "person", NewSeal: "seal", NewOutside: "outside"}
Waited = TypeVar("Waited", Contract, Capture)


class Client:
    """A client of the appliance at *address*, such as ``https://sign.example.com``. Threads may share it.

    Every method raises :class:`~vermilion_client.errors.ProblemError` for what the appliance refuses, and
    :class:`~vermilion_client.errors.UnansweredError` when no answer comes. *scopes*: fewer than the client has;
    *context*: for an appliance whose certificate is the organisation's own.

    In place of the secret, *certificate* is the client's own (PEM), in one file with its key or in two, and
    *address* that of the port for certificates, such as ``https://sign.example.com:8446``. Raises
    :class:`ValueError` for both or neither of them.
    """

    def __init__(
        self,
        address: str,
        client_id: str,
        client_secret: str = "",
        *,
        certificate: Path | tuple[Path, Path] | None = None,
        scopes: Collection[str] = (),
        patience: Patience = PATIENCE,
        context: ssl.SSLContext | None = None,
    ) -> None:
        if bool(client_secret) == (certificate is not None):
            raise ValueError("a client proves who it is by a secret or by a certificate")
        if certificate is not None:
            context = context or ssl.create_default_context()
            context.load_cert_chain(*(certificate if isinstance(certificate, tuple) else (certificate,)))
        credentials = Credentials(client_id, client_secret, tuple(scopes))
        self._transport = Transport(address, credentials, patience, context)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, object] | None = None,
        version: int | None = None,
        key: str = "",
        kind: str = PDF,
    ) -> Answer:
        """Any operation: *path* is below ``/api/v1``. *body* is sent as JSON, bytes as *kind*; *version* goes into
        ``If-Match``. A POST gets an ``Idempotency-Key``: *key*, or a new one."""
        headers = {"Accept": f"{JSON}, */*"}
        content = None
        if isinstance(body, bytes):
            content, headers["Content-Type"] = body, kind
        elif body is not None:
            content, headers["Content-Type"] = json.dumps(written(body)).encode(), JSON
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        if method == "POST":
            headers["Idempotency-Key"] = key or secrets.token_urlsafe(24)
        chosen = {name: written(value) for name, value in (query or {}).items() if value not in (None, "")}
        address = f"{path}?{urlencode(chosen)}" if chosen else path
        return self._transport.send(Request(method, address, content, headers, method in ("GET", "POST")))

    def me(self) -> Self:
        """Who this client is, and what its token may do."""
        return read(Self, self.request("GET", "/client").value)

    def people(self, *, page: int = 100) -> Iterator[Person]:
        """The people of the client's organisations, read *page* by page."""
        for each in self._listed("/people", "people", {"limit": page}):
            yield read(Person, each)

    def contracts(
        self, *, state: str = "", kind: str = "", changed_since: datetime | None = None, page: int = 100
    ) -> Iterator[Contract]:
        """The contracts within the client's reach, the newest first, or those that changed last; read *page* by
        page."""
        chosen = {"state": state, "kind": kind, "changed_since": changed_since, "limit": page}
        for each in self._listed("/contracts", "contracts", chosen):
            yield read(Contract, each)

    def contract(self, contract_id: str) -> Contract:
        """The contract as it is now."""
        return read(Contract, self.request("GET", _one(contract_id)).value)

    def draft(self, document: Path | bytes, terms: Terms, *, key: str = "") -> Contract:
        """A new contract from a PDF. With a *key* of one's own, such as the number of an order, it is made once
        however often it is asked for within seven days, also by a program that was started anew."""
        body = {**_members(terms), **_document(document)}
        return read(Contract, self.request("POST", "/contracts", body=body, key=key).value)

    def add_party(self, contract_id: str, party: NewParty, *, key: str = "") -> Party:
        """Adds a party to a draft."""
        body = {**_members(party), "kind": _KINDS[type(party)]}
        return read(Party, self.request("POST", f"{_one(contract_id)}/parties", body=body, key=key).value)

    def remove_party(self, contract: Contract, party_id: str) -> Contract:
        """Takes a party off the draft, unless that has changed since it was read."""
        path = f"{_one(contract.id)}/parties/{quote(party_id, safe='')}"
        return read(Contract, self.request("DELETE", path, version=contract.version).value)

    def place(
        self, contract: Contract, party_id: str, places: Sequence[Place], *, cross_page_y: float | None = None
    ) -> Contract:
        """Says where a party's signature shows, in place of what was said before, unless the draft has changed
        since it was read. *cross_page_y* splits a seal over the right edges of all pages."""
        body = {"places": list(places), "cross_page_y": cross_page_y}
        path = f"{_one(contract.id)}/parties/{quote(party_id, safe='')}/places"
        return read(Contract, self.request("PUT", path, body=body, version=contract.version).value)

    def link(self, contract_id: str, party_id: str, *, origin: str = "") -> Link:
        """The personal link of somebody from outside, to be delivered to them alone. It does not come with the
        code, which no program gets. With *origin* there is one for a frame of its pages, too."""
        path = f"{_one(contract_id)}/parties/{quote(party_id, safe='')}/links"
        body = {"embed": {"origin": origin}} if origin else {}
        return read(Link, self.request("POST", path, body=body).value)

    def change(self, contract: Contract, changes: Mapping[str, object]) -> Contract:
        """Changes members of a draft, unless it has changed since it was read; the others stay."""
        return read(
            Contract, self.request("PATCH", _one(contract.id), body=changes, version=contract.version).value
        )

    def replace_document(self, contract: Contract, document: Path | bytes) -> Contract:
        """Gives a draft another PDF, unless it has changed since it was read."""
        content = document if isinstance(document, bytes) else document.read_bytes()
        path = f"{_one(contract.id)}/document"
        return read(Contract, self.request("PUT", path, body=content, version=contract.version).value)

    def send(self, contract_id: str, *, accepting_unverified: bool = False, leaving_open: int = 0) -> Contract:
        """Sends a draft for signing; those whose turn it is are told."""
        body = {"accepting_unverified": accepting_unverified, "leaving_open": leaving_open}
        return read(Contract, self.request("POST", f"{_one(contract_id)}/send", body=body).value)

    def recall(self, contract_id: str, reason: str) -> Contract:
        """Ends a contract that waits for signatures; everybody who knows of it is told the *reason*."""
        return read(Contract, self.request("POST", f"{_one(contract_id)}/recall", body={"reason": reason}).value)

    def extend(self, contract_id: str, deadline: Deadline) -> Contract:
        """Gives a contract that waits for signatures a later deadline."""
        body = {"deadline": deadline}
        return read(Contract, self.request("POST", f"{_one(contract_id)}/extend", body=body).value)

    def void(self, contract_id: str, reason: str) -> Contract:
        """Proposes that all parties declare a completed contract void; people do, or refuse."""
        return read(Contract, self.request("POST", f"{_one(contract_id)}/void", body={"reason": reason}).value)

    def amend(
        self, contract_id: str, amendment: Amendment, document: Path | bytes = b"", *, key: str = ""
    ) -> Contract:
        """A draft of an agreement that changes a completed contract, with its parties; *document* in place of the
        usual text."""
        body = {**_members(amendment), **_document(document)}
        return read(Contract, self.request("POST", f"{_one(contract_id)}/amendments", body=body, key=key).value)

    def seal_requests(self, contract_id: str) -> tuple[SealRequest, ...]:
        """The requests for seals of the client's organisations on a contract, the oldest first."""
        found = self.request("GET", f"{_one(contract_id)}/seal-requests").value
        return tuple(read(SealRequest, each) for each in found["seal_requests"])

    def seal_uses(self, *, state: str = "", page: int = 100) -> Iterator[SealUse]:
        """The register of seal uses within the client's reach, the newest first."""
        for each in self._listed("/seal-uses", "seal_uses", {"state": state, "limit": page}):
            yield read(SealUse, each)

    def identity(self, contract_id: str, party_id: str) -> PartyIdentity:
        """How the identity of who acts for a party was checked."""
        path = f"{_one(contract_id)}/parties/{quote(party_id, safe='')}/identity"
        return read(PartyIdentity, self.request("GET", path).value)

    def powers(self, *, page: int = 100) -> Iterator[Power]:
        """The powers of attorney that the client's organisations registered, the newest first."""
        for each in self._listed("/powers", "powers", {"limit": page}):
            yield read(Power, each)

    def power(self, power_id: str) -> Power:
        """The power of attorney as it is now."""
        return read(Power, self.request("GET", f"/powers/{quote(power_id, safe='')}").value)

    def register_power(self, power: NewPower, letter: Path | bytes = b"", *, key: str = "") -> Power:
        """Registers a power of attorney, with its *letter* as a PDF unless a contract is the letter. It counts
        once officers have confirmed it."""
        body = {**_members(power), **_document(letter)}
        return read(Power, self.request("POST", "/powers", body=body, key=key).value)

    def events(self, after: int = -1, wait: int = 0, *, types: Collection[str] = ()) -> Iterator[Event]:
        """The events behind the log entry *after*, in the order of the log, of these *types* or all. Without
        *wait* it ends when there are no more; with so many seconds (30 at most) for each request it goes on for
        ever. To go on later, keep the ``log.entry`` of the last event that was dealt with."""
        chosen = {"wait": wait, "types": ",".join(types)}
        while True:
            begun = time.monotonic()
            page = self.request("GET", "/events", query={**chosen, "after": after}).value
            for each in page["events"]:
                yield read(Event, each)
            after = int(page["cursor"])
            if page["events"] or page["more"]:
                continue
            if not wait:
                return
            time.sleep(max(0.0, 1.0 - (time.monotonic() - begun)))  # the appliance keeps few requests waiting

    def wait(
        self,
        contract_id: str,
        *,
        states: Collection[str] = ENDED,
        timeout: float = 3600.0,
        every: float = 5.0,
    ) -> Contract:
        """The contract once it is in one of these *states*, by default in one where it stays; asked for *every* so
        many seconds. Raises :class:`TimeoutError` after *timeout* seconds."""
        return _until(lambda: self.contract(contract_id), states, timeout, every)

    def document(self, contract_id: str) -> bytes:
        """The PDF as it is now, with every signature that was made so far."""
        return self.request("GET", f"{_one(contract_id)}/document").content

    def evidence(self, contract_id: str) -> bytes:
        """The evidence package (ZIP) of a completed contract."""
        return self.request("GET", f"{_one(contract_id)}/evidence").content

    def capture(self, order: NewCapture, *, key: str = "") -> Capture:
        """Has a web page captured as soon as its turn comes; :meth:`wait_captured` waits for it."""
        return read(Capture, self.request("POST", "/captures", body=order, key=key).value)

    def captures(self, *, page: int = 100) -> Iterator[ListedCapture]:
        """The captures that this client ordered, once or by schedule, the newest first."""
        for each in self._listed("/captures", "captures", {"limit": page}):
            yield read(ListedCapture, each)

    def captured(self, capture_id: str) -> Capture:
        """The capture as it is now."""
        return read(Capture, self.request("GET", _below("captures", capture_id)).value)

    def wait_captured(self, capture_id: str, *, timeout: float = 3600.0, every: float = 5.0) -> Capture:
        """The capture once nothing more comes of it by itself, done or not: look at ``state``. Raises
        :class:`TimeoutError` after *timeout* seconds."""
        return _until(lambda: self.captured(capture_id), CAPTURED, timeout, every)

    def cancel_capture(self, capture_id: str) -> Capture:
        """Cancels a capture that waits or is being made."""
        return read(Capture, self.request("POST", f"{_below('captures', capture_id)}/cancel").value)

    def capture_file(self, capture_id: str, name: str) -> bytes:
        """One of the files of a capture. It holds what strangers wrote."""
        path = f"{_below('captures', capture_id)}/files/{quote(name, safe='')}"
        return self.request("GET", path).content

    def capture_package(self, capture_id: str) -> bytes:
        """The evidence package (ZIP) of a capture that is done."""
        return self.request("GET", f"{_below('captures', capture_id)}/package").content

    def schedule_captures(self, order: NewCaptureSchedule, *, key: str = "") -> CaptureSchedule:
        """Has a web page captured now, and again and again."""
        return read(CaptureSchedule, self.request("POST", "/capture-schedules", body=order, key=key).value)

    def capture_schedules(self, *, page: int = 100) -> Iterator[CaptureSchedule]:
        """The schedules that this client ordered, the newest first."""
        for each in self._listed("/capture-schedules", "schedules", {"limit": page}):
            yield read(CaptureSchedule, each)

    def capture_schedule(self, schedule_id: str) -> CaptureSchedule:
        """The schedule as it is now."""
        return read(CaptureSchedule, self.request("GET", _below("capture-schedules", schedule_id)).value)

    def scheduled_captures(self, schedule_id: str, *, page: int = 100) -> Iterator[ListedCapture]:
        """The captures of a schedule, the newest first."""
        path = f"{_below('capture-schedules', schedule_id)}/captures"
        for each in self._listed(path, "captures", {"limit": page}):
            yield read(ListedCapture, each)

    def stop_schedule(self, schedule_id: str) -> CaptureSchedule:
        """No more captures by the schedule; those that were made stay."""
        path = f"{_below('capture-schedules', schedule_id)}/stop"
        return read(CaptureSchedule, self.request("POST", path).value)

    def deposit(self, order: NewDeposit, *, key: str = "") -> Deposit:
        """Deposits digests of files, which stay where they are."""
        return read(Deposit, self.request("POST", "/deposits", body=order, key=key).value)

    def deposits(self, *, page: int = 100) -> Iterator[Deposit]:
        """The deposits of people of the client's organisations, the newest first."""
        for each in self._listed("/deposits", "deposits", {"limit": page}):
            yield read(Deposit, each)

    def deposited(self, deposit_id: str) -> Deposit:
        """The deposit as it is now."""
        return read(Deposit, self.request("GET", _below("deposits", deposit_id)).value)

    def deposit_certificate(self, deposit_id: str) -> bytes:
        """The certificate (PDF) of a deposit."""
        return self.request("GET", f"{_below('deposits', deposit_id)}/certificate").content

    def deposit_timestamp(self, deposit_id: str) -> bytes:
        """The timestamp of a deposit, as a reply (RFC 3161) that ``openssl ts -verify -in`` reads."""
        return self.request("GET", f"{_below('deposits', deposit_id)}/timestamp").content

    def deposit_manifest(self, deposit_id: str) -> bytes:
        """The manifest whose digest was timestamped, of a deposit of several files."""
        return self.request("GET", f"{_below('deposits', deposit_id)}/manifest").content

    def deposit_batch(self, order: NewDepositBatch, *, key: str = "") -> DepositBatch:
        """Deposits the digest of each row, one after another; :meth:`wait_deposited` waits for all of them."""
        return read(DepositBatch, self.request("POST", "/deposit-batches", body=order, key=key).value)

    def deposit_batches(self, *, page: int = 100) -> Iterator[DepositBatch]:
        """The batches of deposits that this client handed in, the newest first."""
        for each in self._listed("/deposit-batches", "batches", {"limit": page}):
            yield read(DepositBatch, each)

    def wait_deposited(self, batch_id: str, *, timeout: float = 3600.0, every: float = 5.0) -> DepositBatch:
        """The batch once none of its rows waits, deposited or not: look at ``counts``. Raises
        :class:`TimeoutError` after *timeout* seconds."""
        last = time.monotonic() + timeout
        path = _below("deposit-batches", batch_id)
        while (found := read(DepositBatch, self.request("GET", path).value)).busy:
            if time.monotonic() + every > last:
                raise TimeoutError(f"{found.id} is still busy")
            time.sleep(every)
        return found

    def deposit_rows(self, batch_id: str, *, state: str = "", page: int = 100) -> Iterator[DepositRow]:
        """The rows of a batch with what became of them, in their order."""
        path = f"{_below('deposit-batches', batch_id)}/rows"
        for each in self._listed(path, "rows", {"state": state, "limit": page}):
            yield read(DepositRow, each)

    def retry_deposits(self, batch_id: str) -> DepositBatch:
        """Tries the rows again that were not deposited."""
        path = f"{_below('deposit-batches', batch_id)}/retry"
        return read(DepositBatch, self.request("POST", path).value["batch"])

    def find_deposits(self, digest: str) -> tuple[FoundDeposit, ...]:
        """The deposits of a file, or a manifest, with this SHA-256 (hex), the oldest first."""
        found = self.request("GET", "/deposited-files", query={"digest": digest}).value["deposits"]
        return tuple(read(FoundDeposit, each) for each in found)

    def verify(self, file: Path | bytes) -> Verification:
        """The verdict about a PDF, a timestamp that says itself what it was taken of, or an evidence package."""
        content = file if isinstance(file, bytes) else file.read_bytes()
        return read(Verification, self.request("POST", "/verifications", body=content, kind=OCTETS).value)

    def _listed(self, path: str, member: str, query: Mapping[str, object]) -> Iterator[object]:
        after = ""
        while True:
            found = self.request("GET", path, query={**query, "after": after}).value
            yield from found[member]
            after = found["next"] or ""
            if not after:
                return


def _until(look: Callable[[], Waited], states: Collection[str], timeout: float, every: float) -> Waited:
    last = time.monotonic() + timeout
    while (found := look()).state not in states:
        if time.monotonic() + every > last:
            raise TimeoutError(f"{found.id} is still {found.state}")
        time.sleep(every)
    return found


def _one(contract_id: str) -> str:
    return _below("contracts", contract_id)


def _below(kind: str, number: str) -> str:
    return f"/{kind}/{quote(number, safe='')}"


def _document(given: Path | bytes) -> dict[str, str]:
    content = given if isinstance(given, bytes) else given.read_bytes()
    return {"document": base64.b64encode(content).decode()} if content else {}


def _members(value: object) -> dict[str, object]:
    found = written(value)
    if not isinstance(found, dict):
        raise TypeError(f"{value!r} has no members")
    return found
