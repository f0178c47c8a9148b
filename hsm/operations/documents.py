"""Signatures on documents and evidence manifests, and document keys wrapped in the HSM.

The evidence key signs exactly one form of manifest, so that nothing else can hide in one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hsm import canonical, checkers, cms
from hsm.config import PeerRole
from hsm.errors import (
    ActivationUsed,
    AuthorityLocked,
    BadRequest,
    ConsistencyRefused,
    ModuleUnavailable,
)
from hsm.intents import SigningIntent, instant, required_field
from hsm.keys import HsmSigner
from hsm.note import Checkpoint
from hsm.operation_types import SignedCheckpoint
from hsm.operations.context import AuthorityContext, Handlers
from hsm.records import MEDIA_TYPES

_FORMAT = "vermilion-evidence-manifest/3"
_FIELDS = frozenset(
    {"format", "contract", "created", "made_for", "checkpoint", "withheld", "powers_stated_since", "files"}
)
_LONGEST_AUDIENCE = 300
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,119}")
_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,119}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_PATIENCE = timedelta(minutes=15)


def checkpoint_of_manifest(manifest: bytes, *, now: datetime, powers_stated_since: int) -> Checkpoint:
    """The state of the log that *manifest* rests on. Raises :class:`BadRequest` or :class:`hsm.errors.Malformed`.

    1. it is canonical JSON with the fields of the format and no others;
    2. names, paths and hashes have their plain forms, and the name of its audience is one short line: no document
       of the caller's choice is signed; the checkers that it lists are those of this release;
    3. the time that it gives is *now* (aware), give or take what making the package takes;
    4. it says from which entry of the log on powers of attorney need a statement, as the authority knows it.
    """
    value = canonical.decode(manifest)
    if not isinstance(value, dict) or set(value) != _FIELDS or value["format"] != _FORMAT:
        raise BadRequest("This is no evidence manifest of the format {format}.", format=_FORMAT)
    _require(value, "contract", _NAME)
    _require_audience(value)
    _require_files(value["files"])
    _require(value, "created", _MOMENT)
    if not instant(now - _PATIENCE) <= value["created"] <= instant(now + _PATIENCE):
        raise BadRequest("A manifest gives the time of its making; this one gives another. Export again.")
    if required_field(value, "powers_stated_since", int) != powers_stated_since:
        raise BadRequest(
            "A manifest says since which log entry powers of attorney need a statement: {entry}.",
            entry=powers_stated_since,
        )
    state = value["checkpoint"]
    if not isinstance(state, dict) or set(state) != {"origin", "size", "root"}:
        raise BadRequest("A manifest's checkpoint has origin, size and root.")
    size, root = required_field(state, "size", int), _root(required_field(state, "root", str))
    return Checkpoint(required_field(state, "origin", str), size, root)


def _require_audience(value: Mapping[str, Any]) -> None:
    """For whom the package is made, and which entries of the log are withheld from them."""
    name = required_field(value, "made_for", str)
    if not name.isprintable() or not 1 <= len(name) <= _LONGEST_AUDIENCE:
        raise BadRequest("A manifest names in one line for whom the package was made.")
    withheld = value["withheld"]
    if not isinstance(withheld, list) or any(type(number) is not int or number < 0 for number in withheld):
        raise BadRequest("A manifest gives the withheld entries of the log by their numbers.")


def _require_files(files: Any) -> None:
    if not isinstance(files, list) or not files:
        raise BadRequest("An evidence manifest lists at least one file.")
    for file in files:
        if not isinstance(file, dict) or set(file) != {"path", "sha256", "size"}:
            raise BadRequest("A manifest gives path, sha256 and size of each file.")
        _require(file, "path", _PATH)
        _require(file, "sha256", _SHA256)
        if required_field(file, "size", int) < 0:
            raise BadRequest("A file in a manifest has a size of 0 or more.")
        if file["path"] not in checkers.PROGRAMS:
            _require_data(file["path"])
        elif not checkers.is_current(file["path"], file["sha256"]):
            raise BadRequest(
                "The {file} that this manifest lists is not the checker of this release; nothing was signed.",
                file=file["path"],
            )


def _require_data(path: str) -> None:
    if not checkers.is_data(path):
        raise BadRequest("A package has no file of the kind of {file}; nothing was signed.", file=path)


def _require(values: Mapping[str, Any], name: str, form: re.Pattern[str]) -> None:
    if form.fullmatch(required_field(values, name, str)) is None:
        raise BadRequest("The field {name} of a manifest does not have its plain form.", name=name)


def _root(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise BadRequest("The root of a manifest's checkpoint is not base64.") from error


class DocumentOperations(Handlers):
    """Signs what was activated, and manifests that rest on a log that the authority has witnessed."""

    def __init__(self, context: AuthorityContext) -> None:
        super().__init__(context)
        self._makers: dict[tuple[str, str], tuple[int, cms.MessageMaker]] = {}

    def sign_document(self, intent: SigningIntent) -> bytes:
        """The CMS over an intent's digest.

        1. the signer has a certificate, valid and not revoked, and its key answers;
        2. the activations are right and the nonce is used up, on disk (:class:`hsm.activation.IntentAuthoriser`);
        3. sign, with the weakest way of activation in a signed attribute; what comes out verifies, or is not given
           out.
        """
        signer = self._usable(intent.signer)
        authorised = self._context.authoriser.authorise(intent)
        strength = authorised.strength
        if intent.field not in MEDIA_TYPES:
            with self._store.transaction():
                self._store.vouchings.mark_signed(intent.signer, at=authorised.moment)
        try:
            return self._signed(intent, signer, strength)
        except (AuthorityLocked, ModuleUnavailable) as error:
            raise ActivationUsed(
                "The HSM stopped answering when this activation had been used up; nothing was signed. Begin again."
            ) from error

    def sign_manifest(self, manifest: bytes) -> bytes:
        self._require_witnessed(manifest)
        signer = self._usable("evidence")
        return cms.sign_detached(signer, content=manifest, signing_time=self._context.now())

    def _signed(self, intent: SigningIntent, signer: HsmSigner, strength: str) -> bytes:
        number, maker = self._makers.get((intent.signer, strength), (0, None))
        if maker is None or number != signer.number:
            maker = cms.MessageMaker(signer, cms.DATA, [cms.activated_by(strength)])
            self._makers[intent.signer, strength] = (signer.number, maker)
        kind = MEDIA_TYPES.get(intent.field)
        named = [] if kind is None else [cms.media_type_attribute(kind)]
        return maker.make_message(intent.digest, attributes=named)

    def _require_witnessed(self, manifest: bytes) -> None:
        since = self._store.powers.stated_since()
        named = checkpoint_of_manifest(manifest, now=self._context.now(), powers_stated_since=since)
        signed = SignedCheckpoint(named.size, named.root)
        if named.origin != self._context.settings.log.origin or not self._store.checkpoints.has(signed):
            raise ConsistencyRefused("The manifest rests on a state of the log that the authority never signed.")
        self._require_log_key(canonical.decode(manifest)["files"])

    def _require_log_key(self, files: Sequence[Mapping[str, Any]]) -> None:
        """Another key could sign the same state again, and the package would show that as the log's."""
        key, signer = self._context.log_signer()
        pem = signer.certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        own = {"log/log.vkey": f"{key.vkey()}\n".encode(), "log/log.pub.pem": pem}
        for file in files:
            content = own.get(file["path"])
            if content is not None and file["sha256"] != hashlib.sha256(content).hexdigest():
                raise ConsistencyRefused(
                    "The {file} that this manifest lists is not the log's key; nothing was signed.",
                    file=file["path"],
                )


_MOST_KEY_BYTES, _MOST_WRAPPED_BYTES = 64, 256


class KeyWrapOperations(Handlers):
    """Wraps and unwraps for the caller's role, which the socket and the peer's credentials prove."""

    def __init__(self, context: AuthorityContext, role: PeerRole) -> None:
        super().__init__(context)
        self._role = role

    def wrap_key(self, context: str, key: bytes) -> bytes:
        if not 16 <= len(key) <= _MOST_KEY_BYTES:
            raise BadRequest("A document key has 16 to {most} bytes.", most=_MOST_KEY_BYTES)
        return self._context.wrapping.wrap(self._role_context(context), key)

    def unwrap_key(self, context: str, wrapped: bytes) -> bytes:
        if len(wrapped) > _MOST_WRAPPED_BYTES:
            raise BadRequest("This is no wrapped document key.")
        return self._context.wrapping.unwrap(self._role_context(context), wrapped)

    def _role_context(self, context: str) -> str:
        if not 0 < len(context) <= 200:
            raise BadRequest("A context has 1 to 200 characters.")
        return f"{self._role.value}:{context}"
