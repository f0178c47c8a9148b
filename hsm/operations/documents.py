"""Signatures on documents and on evidence manifests."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from hsm import canonical, cms
from hsm.acts import SigningIntent
from hsm.errors import BadRequest, CertificateRefused, ConsistencyRefused
from hsm.operations.bench import Bench
from hsm.signers import HsmSigner
from hsm.store import RememberedCheckpoint
from hsm.wire import activations_from_wire, field, intent_from_wire

MANIFEST_FORMAT = "vermilion-evidence-manifest/1"
_MANIFEST_FIELDS = frozenset({"format", "contract", "created", "checkpoint", "files"})


class Documents:
    """Signs what was activated, and manifests that rest on a log that the authority has witnessed."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._makers: dict[str, tuple[int, cms.MessageMaker]] = {}

    def sign_document(self, arguments: Mapping[str, Any]) -> bytes:
        """The CMS over an intent's digest.

        1. the signer has a certificate, valid and not revoked, and its key answers;
        2. the activations are right and the nonce is used up, on disk (:class:`hsm.activation.Judge`);
        3. sign; what comes out verifies, or is not given out.
        """
        intent = intent_from_wire(arguments.get("intent"))
        activations = activations_from_wire(arguments.get("activations"))
        signer = self._usable(intent.signer)
        self._bench.judge.authorise_signature(intent, activations)
        return self._signed(intent, signer)

    def sign_manifest(self, arguments: Mapping[str, Any]) -> bytes:
        """The CMS over a manifest, if the state of the log that it names is one that was signed here."""
        manifest = field(arguments, "manifest", bytes)
        self._require_witnessed(manifest)
        signer = self._usable("evidence")
        return cms.sign_detached(signer, content=manifest, signing_time=self._bench.now())

    def _usable(self, subject: str) -> HsmSigner:
        signer = self._bench.signers.signer(subject)
        self._bench.signers.require_unrevoked(signer)
        certificate, now = signer.certificate, self._bench.now()
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise CertificateRefused("The certificate of {subject} is not valid now; rotate it.", subject=subject)
        self._bench.room.use(lambda: self._bench.room.handle(signer.label))
        return signer

    def _signed(self, intent: SigningIntent, signer: HsmSigner) -> bytes:
        number, maker = self._makers.get(intent.signer, (0, None))
        if maker is None or number != signer.number:
            maker = cms.MessageMaker(signer, cms.DATA)
            self._makers[intent.signer] = (signer.number, maker)
        return maker.make(intent.digest)

    def _require_witnessed(self, manifest: bytes) -> None:
        value = canonical.decode(manifest)
        if not isinstance(value, dict) or set(value) != _MANIFEST_FIELDS or value["format"] != MANIFEST_FORMAT:
            raise BadRequest("This is no evidence manifest of the format {format}.", format=MANIFEST_FORMAT)
        if not isinstance(value["files"], list) or not value["files"]:
            raise BadRequest("An evidence manifest lists at least one file.")
        state = value["checkpoint"]
        if not isinstance(state, dict) or set(state) != {"origin", "size", "root"}:
            raise BadRequest("A manifest's checkpoint has origin, size and root.")
        if state["origin"] != self._bench.settings.log.origin or not self._bench.store.checkpoints.has(
            RememberedCheckpoint(field(state, "size", int), _root(field(state, "root", str)))
        ):
            raise ConsistencyRefused("The manifest rests on a state of the log that the authority never signed.")


def _root(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise BadRequest("The root of a manifest's checkpoint is not base64.") from error
