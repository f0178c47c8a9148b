"""The tamper-evident log for programs. The same is public in the forms of other tools, below ``/log/``."""

from __future__ import annotations

import re
from typing import Annotated, Final

from msgspec import Meta, Struct

from appliance.errors import NotFound
from appliance.ledger import ParameterRefused
from appliance.model.api_clients import Scope
from hsm.merkle import leaf_hash
from webui.api.operations import Answer, Call, Declared, Leads, operation
from webui.shared.served import appliance

ENTRY: Final = "/log/entries/{number}"
NOT_FOUND: Final = Declared(problems=("not-found",))
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)

Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="SHA-256, lower-case hex.")]
Note = Annotated[str, Meta(description="The signed checkpoint (C2SP tlog-checkpoint), with its line ends.")]


class ApiLogEntry(Struct):
    """An entry of the log. What is personal stands in it as a salted commitment alone."""

    number: Annotated[int, Meta(ge=0, description="Counted from 0.")]
    leaf: Annotated[str, Meta(description="The entry, canonical JSON; its bytes in UTF-8 are in the tree.")]
    leaf_hash: Annotated[Hash, Meta(description="SHA-256 of a zero byte and the leaf (RFC 6962, 2.1).")]


class ApiLogProof(Struct):
    """That an entry is in the log of a checkpoint (RFC 6962, 2.1.1)."""

    number: Annotated[int, Meta(ge=0)]
    leaf_hash: Hash
    path: Annotated[list[Hash], Meta(description="The audit path, from the leaf up.")]
    size: Annotated[int, Meta(ge=1, description="How many entries the checkpoint has.")]
    root: Hash
    checkpoint: Note


class ApiCheckpoint(Struct):
    """The newest signed state of the log."""

    size: Annotated[int, Meta(ge=1)]
    root: Hash
    checkpoint: Note
    timestamp: Annotated[bytes, Meta(description="The timestamp token over the note (RFC 3161, DER) in Base64.")]


@operation(
    "GET", ENTRY, Scope.LOG_READ, {200: ApiLogEntry}, NOT_FOUND, Leads("entry", {"number": "$request.path.number"})
)
def get_log_entry(call: Call, number: str) -> Answer:
    """Read an entry of the log.

    An entry can be read once a checkpoint covers it, within seconds after it was made.
    """
    leaf, index = _published(number)
    return Answer(ApiLogEntry(index, leaf.decode(), leaf_hash(leaf).hex()))


@operation("GET", f"{ENTRY}/proof", Scope.LOG_READ, {200: ApiLogProof}, NOT_FOUND)
def get_log_proof(call: Call, number: str) -> Answer:
    """Read the proof that an entry is in the log.

    It leads to the newest checkpoint, which is part of the answer.
    """
    leaf, index = _published(number)
    newest = appliance.proofs.checkpoint()
    path = [each.hex() for each in appliance.proofs.inclusion(index, newest.size)]
    proof = ApiLogProof(
        number=index,
        leaf_hash=leaf_hash(leaf).hex(),
        path=path,
        size=newest.size,
        root=newest.root.hex(),
        checkpoint=newest.cosigned_note.decode(),
    )
    return Answer(proof)


@operation("GET", "/log/checkpoint", Scope.LOG_READ, {200: ApiCheckpoint}, NOT_FOUND)
def get_log_checkpoint(call: Call) -> Answer:
    """Read the newest checkpoint of the log."""
    newest = appliance.proofs.checkpoint()
    return Answer(ApiCheckpoint(newest.size, newest.root.hex(), newest.cosigned_note.decode(), newest.token))


def _published(number: str) -> tuple[bytes, int]:
    """The leaf with this *number*, and the number. Raises :class:`NotFound` for text that is none, and for an
    entry that no checkpoint covers."""
    if not _NUMBER.fullmatch(number):
        raise NotFound("The log has no entry {number}.", number=number[:20])
    try:
        return appliance.proofs.entry(int(number)), int(number)
    except ParameterRefused as refusal:
        raise NotFound(refusal.template, **refusal.values) from refusal
