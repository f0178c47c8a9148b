"""What is shown of documents, where nothing may hide: as their signatures are prepared, when they are what is
signed; letters of attorney, drawn from the very bytes whose digest officers confirm; pictures of seals, which
must be all that the file ever shows; and of a signature for other software its digests, and the document where
it was handed in.

What the software says of a digest is what it says; only a document that has the digest is shown as one.
"""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from appliance.activation_requests import ActivationRequest
from appliance.errors import ConfinementFailed, DocumentRefused, StateRefused
from appliance.model.contract import EXPONENTS, Money
from appliance.pdf.byte_ranges import has_room_elsewhere
from appliance.pdf.values import PlainRevision, PreparedRevision
from appliance.pdf.workshop import PdfWorkshop, whole_revision
from hsm.errors import BadRequest
from hsm.intents import Intent, OfficerIntent, require_own_arguments
from hsm.powers import CONFIRM_POWER
from hsm.remote import SIGN_REMOTELY, RemoteSigning, remote_signing_in
from webui.shared.room import Checks

_HEADER, _LEAST_BASE = b"%PDF-", len(b"%PDF-1.7\n")


def prepared_document(request: ActivationRequest, digest: bytes) -> PreparedRevision:
    """The prepared revision, when it has the *digest* that is signed and nothing hides in its gap. Raises
    :class:`StateRefused`."""
    base, content = request.base, request.content
    # no record begins like a document, and the gap is behind its beginning: no digest is that of both
    if not content.startswith(_HEADER) or not _LEAST_BASE <= base <= len(content):
        raise other()
    try:
        start, length = request.gap
        prepared = whole_revision(content, base, start, start + length)
    except (ConfinementFailed, ValueError) as error:
        raise other() from error
    if prepared.digest != digest:
        raise other()
    return prepared


def name_of(request: ActivationRequest, field: str) -> bytes:
    """Which document it is, and where in it the signature comes."""
    place = f"{request.base} {request.gap} {field} "
    return hashlib.sha256(place.encode() + hashlib.sha256(request.content).digest()).digest()


def other() -> StateRefused:
    """For what an intent does not name."""
    return StateRefused("What would be shown here is not what would be confirmed; nothing was done. Begin again.")


_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_STILL = frozenset({b"IHDR", b"PLTE", b"tRNS", b"pHYs", b"IDAT", b"IEND"})
"""What the portal makes pictures of: nothing moves (PNG, 11.3.6), and nothing is for some programs only."""


def is_still(png: bytes) -> bool:
    """Whether *png* is one whole picture that does not move, with nothing behind it."""
    if not png.startswith(_SIGNATURE):
        return False
    place = len(_SIGNATURE)
    kinds: list[bytes] = []
    while len(png) - place >= 12 and kinds[-1:] != [b"IEND"]:
        end = place + 12 + int.from_bytes(png[place : place + 4], "big")
        if int.from_bytes(png[end - 4 : end], "big") != zlib.crc32(png[place + 4 : end - 4]):
            return False
        kinds.append(png[place + 4 : place + 8])
        place = end
    whole = place == len(png) and kinds[:1] == [b"IHDR"] and kinds[-1:] == [b"IEND"]
    return whole and kinds.count(b"IHDR") == 1 and _STILL.issuperset(kinds)


def signs_remotely(intent: Intent) -> bool:
    """Whether a person signs for other software by it."""
    return isinstance(intent, OfficerIntent) and intent.kind == SIGN_REMOTELY


def remote_signing(request: ActivationRequest) -> RemoteSigning:
    """What *request* asks for. Raises :class:`StateRefused` for what the authority would not take from whoever is
    asked, and for a document that comes with it and is not among what is shown."""
    intent = request.intent
    try:
        require_own_arguments(intent)
        asked = remote_signing_in(intent.details if isinstance(intent, OfficerIntent) else {})
    except BadRequest as error:
        raise other() from error
    if asked.person != request.subject or bool(request.content) != any(each.shown for each in asked.documents):
        raise other()
    if asked.documents[0].shown and not asked.documents[0].field and has_room_elsewhere(request.content):
        raise StateRefused("Put into this document, the signature would turn it into another; nothing was done.")
    return asked


_MOST_REMEMBERED = 100
"""Documents of which it is remembered what they were found to be."""


class FirstLooks:
    """Each document is looked at once, whether it may be shown or not. Thread-safe."""

    def __init__(self, under_way: Checks) -> None:
        self._under_way = under_way
        self._found: dict[bytes, PlainRevision | DocumentRefused] = {}
        self._turn = threading.Lock()

    def of(self, name: bytes, look: Callable[[], PlainRevision]) -> PlainRevision:
        """What *look* finds of the document with this *name*. Raises :class:`StateRefused` when it refuses it."""
        found = self._found.get(name)
        if found is None:
            with self._under_way.of(name):
                try:
                    found = look()
                except DocumentRefused as refusal:
                    found = refusal
            self.remember(name, found)
        if isinstance(found, DocumentRefused):
            raise StateRefused(found.template, **found.values)
        return found

    def remember(self, name: bytes, found: PlainRevision | DocumentRefused) -> None:
        """Has the document be what it was *found* to be from now on, unless nobody could finish looking at it."""
        if isinstance(found, DocumentRefused):  # without its traceback, which holds the document
            if found.reason == "unprocessable":
                return
            found = DocumentRefused(found.reason, found.template, **found.values)
        with self._turn:
            self._found.pop(name, None)
            while len(self._found) >= _MOST_REMEMBERED:
                self._found.pop(next(iter(self._found)))
            self._found[name] = found


def confirms_power(intent: Intent) -> bool:
    """Whether officers confirm a power of attorney by it."""
    return isinstance(intent, OfficerIntent) and intent.kind == CONFIRM_POWER


def shown_terms(power: Mapping[str, Any]) -> dict[str, Any]:
    """How a page shows what the arguments name by numbers: the limit (None without one), and the term."""
    limit, currency = power["limit"], power["currency"]
    shown = None if limit is None else f"{currency} {limit}"
    return {
        "limit": str(Money(limit, currency)) if currency in EXPONENTS else shown,
        "since": datetime.fromisoformat(power["since"]),
        "until": datetime.fromisoformat(power["until"]),
    }


class Letters:
    """Thread-safe."""

    def __init__(self, workshop: PdfWorkshop, first_looks: FirstLooks) -> None:
        self._workshop = workshop
        self._first_looks = first_looks

    def checked(self, request: ActivationRequest, digest: str) -> PlainRevision | None:
        """What there is to know of the letter with this *digest*; None for bytes with another one. Raises
        :class:`StateRefused` for a document that shows different things to different programs, as intake does."""
        if hashlib.sha256(request.content).hexdigest() != digest:
            return None
        return self._first_looks.of(digest.encode(), lambda: self._workshop.require_plain(request.content))

    def picture(self, request: ActivationRequest, page: int, *, width: int) -> bytes:
        """Page *page* (from 0) as PNG. Raises :class:`DocumentRefused` for no page."""
        return self._workshop.picture(request.content, page, width=width)
