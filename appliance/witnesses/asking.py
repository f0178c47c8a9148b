"""How much of the log a witness has cosigned, asked without the database: that may be gone, or somebody else's.

Any checkpoint that the log has signed will do: a witness that cosigned another size last answers with that size
(C2SP ``tlog-witness``, status 409). Without one, there is only what the witness shows to monitors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from appliance.egress import Egress, EgressFailed
from appliance.model.witnesses import WitnessProblem
from appliance.witnesses.messages import SIZE_KIND, Submission, latest_path
from appliance.witnesses.policy import PolicyWitness, is_answer_authentic
from appliance.witnesses.submitting import SubmissionFailed, conflict, cosignature_in, named_size, refused, submit
from hsm.errors import AuthorityError
from hsm.note import (
    NoteKey,
    signed_alone,
    verify_checkpoint,
    verify_cosignature,
)


@dataclass(frozen=True, slots=True)
class LogCheckpoint:
    """A ``note`` with the log's own signature, which was verified, over ``size`` entries."""

    note: bytes
    size: int

    @classmethod
    def verified(cls, note: bytes, log: NoteKey) -> LogCheckpoint:
        """*note* without the signatures of others, which could make it larger than a witness reads. Raises
        :class:`hsm.errors.AuthorityError` for one that the key *log* has not signed."""
        return cls(signed_alone(note, log), verify_checkpoint(note, log).size)


def cosigned_size(
    witness: PolicyWitness,
    log: NoteKey,
    checkpoint: LogCheckpoint | None,
    egress: Egress,
    now: Callable[[], datetime],
) -> int:
    """How many entries *witness* has cosigned of the log whose key is *log*; *checkpoint* is any of that log.

    Over plain HTTP, where anybody in the network can answer, only a size that a signature shows counts. Raises
    :class:`SubmissionFailed` where there is no answer that says a size.
    """
    if checkpoint is None:
        return _shown_size(witness, log, egress)
    old = checkpoint.size
    reply = submit(egress, witness, Submission(old, (), checkpoint.note))
    if reply.status == HTTPStatus.OK:
        cosignature_in(witness, checkpoint.note, reply, now=now())
        return old
    if reply.status != HTTPStatus.CONFLICT:
        raise refused(reply, old)
    if reply.kind != SIZE_KIND:
        raise conflict(reply, old, old)
    size = named_size(reply)
    if size == old:
        raise SubmissionFailed(WitnessProblem.BAD_ANSWER, "It refuses the size that it names.")
    if is_answer_authentic(witness.url):
        return size
    try:
        return _shown_size(witness, log, egress)
    except SubmissionFailed as error:
        template = (
            "Over plain HTTP, where anybody in the network can answer, it is said that it cosigned the size"
            " {size}; nothing signed shows that ({why})."
        )
        raise SubmissionFailed(WitnessProblem.BAD_ANSWER, template, size=size, why=error) from error


def _shown_size(witness: PolicyWitness, log: NoteKey, egress: Egress) -> int:
    """That of the last checkpoint that the witness shows, with its own signature and the log's."""
    try:
        reply = egress.get(witness.url.rstrip("/") + latest_path(log.name), {})
    except EgressFailed as error:
        raise SubmissionFailed(WitnessProblem.UNREACHABLE, error.template, **error.values) from error
    if reply.status != HTTPStatus.OK:
        template = "It shows no checkpoint of this log (status {status})."
        raise SubmissionFailed(WitnessProblem.UNKNOWN_LOG, template, status=reply.status)
    try:
        verify_cosignature(reply.body, witness.key)
        return verify_checkpoint(reply.body, log).size
    except AuthorityError as error:
        raise SubmissionFailed(WitnessProblem.BAD_ANSWER, error.template, **error.values) from error
