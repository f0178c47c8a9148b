"""What is shown of an act: computed from its bytes and typed arguments, or asked of the authority.

Nothing that the portal wrote decides what is activated. The digest of a document is computed over the very bytes
whose pages are shown, and one that the intent does not name shows nothing at all.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from appliance.activation_requests import ActivationRequest
from appliance.errors import DocumentRefused, PreconditionRefused, StateRefused
from appliance.language import Language
from appliance.pdf.values import InspectionWarning, PlainRevision, PreparedRevision
from appliance.pdf.workshop import PdfWorkshop
from hsm import canonical
from hsm.client import AuthorityClient
from hsm.errors import BadRequest, Malformed, UnknownKey
from hsm.intents import OfficerIntent, SigningIntent, console_fingerprint, require_own_arguments
from hsm.names import is_readable, is_visible, login_of_pin_custodian, visible
from hsm.operation_types import Approvals, KnownSubject
from hsm.powers import power_in
from hsm.records import AGREEMENT, DECLARATION, LONGEST_AGREEMENT, is_record, named_in_intent
from hsm.remote import RemoteSigning
from hsm.vouching import VOUCH, vouched_in
from webui.activation.documents import (
    FirstLooks,
    Letters,
    confirms_power,
    is_still,
    name_of,
    other,
    prepared_document,
    remote_signing,
    signs_remotely,
)
from webui.shared.markdown import render_whole
from webui.shared.room import Checks, share_of

ENROLLING = {
    "enrol_person": "credentials",
    "enrol_officer": "credentials",
    "add_credential": "credential",
    "enrol_keeper": "credentials",
}
"""The officers' intents that give somebody what they have registered, and the argument that names it: by its
fingerprint, or the passkey of the console itself (:data:`_PASSKEY`)."""

_FINGERPRINT = re.compile(r"[0-9a-f]{4}( [0-9a-f]{4}){4}")
_PASSKEY = {"kind", "credential_id", "public_key", "rp_id"}
"""Of a passkey that the console registered."""

_LONGEST = 300
"""Characters of one argument: the longest name has 280."""

MOST_MISTAKES = 3
_REMEMBERED = 1000
"""Acts whose mistakes are counted; more wait in no office."""

_LARGEST_RECORD = 256 * 1024
"""Bytes of a record that is signed. Records and their texts are read in this process, which shows everybody's
acts."""


@dataclass(frozen=True, slots=True)
class ShownAct:
    """An act that may be shown: ``person`` is asked, ``signer`` signs (None for an officers' intent).

    ``pages`` and ``warnings`` are those of the document; ``record`` is the record that is signed, or the arguments
    of an officers' intent, name by name; ``texts`` are those of an agreement (title, HTML), the one that is read
    first. ``approvals``: who has activated it so far. ``vouched``: the signer has an event certificate. ``remote``
    is what is signed for other software.
    """

    request: ActivationRequest
    person: KnownSubject
    approvals: Approvals
    signer: KnownSubject | None = None
    pages: int = 0
    warnings: tuple[InspectionWarning, ...] = ()
    record: Mapping[str, Any] | None = None
    texts: tuple[tuple[str, str], ...] = ()
    vouched: bool = False
    remote: RemoteSigning | None = None

    @property
    def kind(self) -> str:
        """Which page shows it."""
        intent = self.request.intent
        if self.remote is not None:
            return "remote"
        if isinstance(intent, OfficerIntent):
            return "vouching" if intent.kind == VOUCH else "power" if confirms_power(intent) else "decision"
        return {AGREEMENT: "agreement", DECLARATION: "declaration"}.get(intent.field, "document")

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Those of the credentials that an officers' intent gives somebody: its officer types them, as the
        applicant reads them out, so none is shown."""
        intent = self.request.intent
        return _fingerprints(intent) if isinstance(intent, OfficerIntent) and intent.kind in ENROLLING else ()

    @property
    def passkey_only(self) -> bool:
        """Whether it says that PIN and code are not enough."""
        intent = self.request.intent
        if isinstance(intent, SigningIntent):
            return intent.passkey_only
        return intent.kind == VOUCH or self.remote is not None

    @property
    def is_given(self) -> bool:
        """Whether this person has activated it."""
        return self.request.subject in self.approvals.given


class TypedFingerprints:
    """Compares what officers type, and counts mistakes: after three nobody activates that act here any more.
    Thread-safe."""

    def __init__(self) -> None:
        self._mistakes: OrderedDict[bytes, int] = OrderedDict()
        self._turn = threading.Lock()

    def require(self, act: ShownAct, typed: Sequence[str], verify: Callable[[], None]) -> None:
        """Raises :class:`PreconditionRefused` for a mistake, :class:`StateRefused` after the third.

        A mistake counts only when *verify* does not raise: who has nothing but the page's address, or is no
        officer, ends no act.
        """
        challenge = act.request.intent.challenge()
        if self._mistakes.get(challenge, 0) >= MOST_MISTAKES:
            raise _mistyped()
        if sorted(map(_digits, typed)) == sorted(map(_digits, act.fingerprints)):
            return
        verify()
        with self._turn:
            self._mistakes[challenge] = self._mistakes.get(challenge, 0) + 1
            self._mistakes.move_to_end(challenge)
            while len(self._mistakes) > _REMEMBERED:
                self._mistakes.popitem(last=False)
            if self._mistakes[challenge] >= MOST_MISTAKES:
                raise _mistyped()
        raise PreconditionRefused(
            "The fingerprint is not that of what the applicant has set up. Have it read out once more."
        )


def _digits(text: str) -> str:
    return "".join(text.lower().split()).replace("-", "")


def _mistyped() -> StateRefused:
    return StateRefused(
        "The fingerprint was wrong three times, so this cannot be confirmed any more. Have the applicant set it up"
        " again, and prepare it again."
    )


class ShownActs:
    """Makes acts from requests. Thread-safe."""

    def __init__(self, authority: AuthorityClient, workshop: PdfWorkshop, *, threads: int) -> None:
        """For a service with so many *threads*."""
        self._authority = authority
        self._workshop = workshop
        self._first_looks = FirstLooks(Checks(share_of(threads)))
        self._letters = Letters(workshop, self._first_looks)

    def act(self, request: ActivationRequest) -> ShownAct:
        """The act of *request*.

        Raises :class:`StateRefused` when what would be shown is not what would be activated, and what the
        authority refuses.
        """
        intent = request.intent
        person, approvals = self._subject(request.subject), self._authority.approvals(intent)
        if isinstance(intent, OfficerIntent) and confirms_power(intent):
            power, letter = self._power(request, intent)
            return ShownAct(request, person, approvals, pages=letter.pages, warnings=letter.warnings, record=power)
        if signs_remotely(intent):
            return self._remote_act(request, person, approvals)
        if isinstance(intent, OfficerIntent) and intent.kind == VOUCH:
            return ShownAct(request, person, approvals, record=_vouched(intent))
        if isinstance(intent, OfficerIntent):
            if request.content or intent.details.get("picture"):
                self.seal_picture(request)
            return ShownAct(request, person, approvals, record=_arguments(intent))
        signer = self._subject(intent.signer)
        if intent.field in (AGREEMENT, DECLARATION):
            record = _record(request, intent, signer)
            texts = _agreement_texts(request, intent, record) if intent.field == AGREEMENT else ()
            vouched = self._is_vouched(signer.subject)
            return ShownAct(request, person, approvals, signer, record=record, texts=texts, vouched=vouched)
        found = self._checked(request, intent.digest, intent.field)[1]
        return ShownAct(request, person, approvals, signer, found.pages, found.warnings)

    def _remote_act(self, request: ActivationRequest, person: KnownSubject, approvals: Approvals) -> ShownAct:
        asked = remote_signing(request)
        shown = ShownAct(request, person, approvals, remote=asked)
        [document, *_] = asked.documents
        if not document.shown:
            return shown
        if document.field:
            found: PlainRevision | None = self._checked(request, document.digest, document.field)[1]
        else:
            found = self._letters.checked(request, document.digest.hex())
        if found is None:
            raise other()
        return replace(shown, pages=found.pages, warnings=found.warnings)

    def picture(self, request: ActivationRequest, page: int, *, width: int) -> bytes:
        """Page *page* (from 0) of the document as PNG. Raises as :meth:`act`, and DocumentRefused for no page."""
        intent = request.intent
        if isinstance(intent, OfficerIntent) and confirms_power(intent):
            self._power(request, intent)
            return self._letters.picture(request, page, width=width)
        if signs_remotely(intent):
            return self._remote_picture(request, page, width=width)
        if not isinstance(intent, SigningIntent) or intent.field in (AGREEMENT, DECLARATION):
            raise other()
        return self._drawn(request, intent.digest, intent.field, page, width)

    def _remote_picture(self, request: ActivationRequest, page: int, *, width: int) -> bytes:
        [document, *_] = remote_signing(request).documents
        if not document.shown:
            raise other()
        if document.field:
            return self._drawn(request, document.digest, document.field, page, width)
        if self._letters.checked(request, document.digest.hex()) is None:
            raise other()
        return self._letters.picture(request, page, width=width)

    def _drawn(self, request: ActivationRequest, digest: bytes, field: str, page: int, width: int) -> bytes:
        prepared, _ = self._checked(request, digest, field)
        try:
            return self._workshop.draw_prepared(prepared, page, width=width)
        except DocumentRefused as refusal:
            if refusal.reason != "shared-gap":
                raise
            self._first_looks.remember(name_of(request, field), refusal)
            raise StateRefused(refusal.template, **refusal.values) from refusal

    def _power(self, request: ActivationRequest, intent: OfficerIntent) -> tuple[dict[str, Any], PlainRevision]:
        """What officers confirm of a power, and what there is to know of its letter. Raises :class:`StateRefused`
        when the letter is not the one that they confirm, or anything about the power cannot be read."""
        _arguments(intent)
        try:
            power = power_in(intent.details)
        except BadRequest as error:
            raise other() from error
        letter = self._letters.checked(request, power["letter"])
        if letter is None:
            raise other()
        return power, letter

    def _checked(
        self, request: ActivationRequest, digest: bytes, field: str
    ) -> tuple[PreparedRevision, PlainRevision]:
        """The prepared revision, which waits for the signature in *field*, and what there is to know of it, looked
        at once.

        Raises :class:`StateRefused` when it has not the *digest* that the intent signs, or could show anything
        else once it is signed.
        """
        prepared = prepared_document(request, digest)
        return prepared, self._first_looks.of(
            name_of(request, field),
            lambda: self._workshop.require_plain_gap(prepared, base=request.base, field=field),
        )

    def seal_picture(self, request: ActivationRequest) -> bytes:
        """The picture (PNG) that an officers' intent takes into use for a seal. Raises as :meth:`act`."""
        intent = request.intent
        named = intent.details.get("picture") if isinstance(intent, OfficerIntent) else None
        if not is_still(request.content) or hashlib.sha256(request.content).hexdigest() != named:
            raise other()
        return request.content

    def names(self, act: ShownAct) -> dict[str, str]:
        """The names, as enrolled, of the subjects among the arguments of an officers' intent."""
        found = {}
        for value in (act.record or {}).values():
            for each in value if isinstance(value, list | tuple) else [value]:
                if isinstance(each, str) and each.startswith(("person-", "officer-", "seal-", "keeper-")):
                    found[each] = self._name(each)
        return found

    def _is_vouched(self, subject: str) -> bool:
        try:
            return self._authority.vouching(subject).registered
        except UnknownKey:
            return False

    def _name(self, subject: str) -> str:
        try:
            known = self._authority.known_subject(subject)
        except UnknownKey:
            return subject
        return f"{known.name} · {known.organisation} ({subject})"

    def _subject(self, subject: str) -> KnownSubject:
        try:
            return self._authority.known_subject(subject)
        except UnknownKey as error:
            raise StateRefused(
                "Whoever is to confirm this is not enrolled; open it again in the portal."
            ) from error


def _record(request: ActivationRequest, intent: SigningIntent, signer: KnownSubject) -> Mapping[str, Any]:
    """The record that the intent signs, of the form that it says and in the signer's name; the intent has no other
    title or contract than it, and may name the contract's parties."""
    if len(request.content) > _LARGEST_RECORD:
        raise other()
    try:
        record = canonical.decode(request.content)
    except Malformed as error:
        raise other() from error
    if not is_record(record, intent.field) or hashlib.sha256(request.content).digest() != intent.digest:
        raise other()
    named = (record["person"], record["name"], named_in_intent(intent.field, record))
    if named != (signer.subject, signer.name, intent.contract):
        raise other()
    if intent.title not in ("", visible(record.get("title", ""))) or intent.reason or intent.values:
        raise other()
    return record


def _agreement_texts(
    request: ActivationRequest, intent: SigningIntent, record: Mapping[str, Any]
) -> tuple[tuple[str, str], ...]:
    """Both texts (title, HTML), whole, and those whose digests the record names: whoever accepts an agreement
    accepts it in both languages. It names its sides itself."""
    shown, texts = record["language"], record["texts"]
    if intent.parties or set(texts) != set(Language) or shown not in list(Language):
        raise other()
    both = ((shown, request.text), (Language(shown).other, request.other_text))
    for language, text in both:
        content = text.encode()
        if len(content) > LONGEST_AGREEMENT or texts[language] != hashlib.sha256(content).hexdigest():
            raise other()
        if not is_readable(text):
            raise other()
    try:
        return tuple(render_whole(text) for _, text in both)
    except Malformed as error:
        raise other() from error


def _arguments(intent: OfficerIntent) -> dict[str, Any]:
    """The arguments as they are shown, all but the fingerprints that the officer has to type. Raises
    :class:`StateRefused` unless they are those of this kind of act, and can be read."""
    try:
        require_own_arguments(intent)
    except BadRequest as error:
        raise other() from error
    typed = ENROLLING.get(intent.kind, "")
    if typed:
        _fingerprints(intent)
    return {name: _shown_argument(value) for name, value in intent.details.items() if name != typed}


def _vouched(intent: OfficerIntent) -> dict[str, Any]:
    """For whom a person vouches. Raises :class:`StateRefused` for what the authority would not take."""
    try:
        require_own_arguments(intent)
        return asdict(vouched_in(intent.details))
    except BadRequest as error:
        raise other() from error


def _fingerprints(intent: OfficerIntent) -> tuple[str, ...]:
    """Of what an intent of :data:`ENROLLING` gives somebody. Raises :class:`StateRefused` unless it names that in
    the one form that it has."""
    named = intent.details[ENROLLING[intent.kind]]
    several = [named] if ENROLLING[intent.kind] == "credential" else named
    if not isinstance(several, list) or not several:
        raise other()
    if intent.kind == "enrol_keeper":
        return tuple(_fingerprint_of(each, intent.details["subject"]) for each in several)
    if not all(isinstance(each, str) and _FINGERPRINT.fullmatch(each) for each in several):
        raise other()
    return tuple(several)


def _fingerprint_of(passkey: Any, subject: Any) -> str:
    """That of a passkey of the console, whose owner is to be the PIN custodian *subject*."""
    if not isinstance(passkey, Mapping) or set(passkey) != _PASSKEY or passkey["kind"] != "webauthn":
        raise other()
    try:
        key, identifier = (bytes.fromhex(passkey[each]) for each in ("public_key", "credential_id"))
    except (TypeError, ValueError) as error:
        raise other() from error
    if (key.hex(), identifier.hex()) != (passkey["public_key"], passkey["credential_id"]):
        raise other()
    return console_fingerprint(login_of_pin_custodian(str(subject)), identifier, key)


def _shown_argument(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown_argument(each) for each in value]
    if type(value) is int or (isinstance(value, str) and len(value) <= _LONGEST and is_visible(value)):
        return value
    raise other()
