"""The words of the state machine: acts, standings, who acts, and a refusal with its sentence. No rules here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from appliance.errors import ApplianceError, PreconditionRefused, StateRefused


class Permission(StrEnum):
    """What somebody can do with a contract."""

    READ = "read"
    EDIT = "edit"
    DISCARD = "discard"
    SEND = "send"
    SIGN = "sign"
    DECLINE = "decline"
    HAND_OVER = "hand-over"
    RECALL = "recall"
    CORRECT = "correct"
    """Make a new draft like a contract that has ended unsigned."""
    EXTEND = "extend"
    VOID = "void"
    """Propose that all parties declare the completed contract void."""
    AGREE_TO_VOID = "agree-to-void"
    REFUSE_TO_VOID = "refuse-to-void"
    EXPORT = "export"


class Relation(StrEnum):
    """What somebody is to a contract; one person can be several, an initiator who signs for example."""

    INITIATOR = "initiator"
    ON_TURN = "signer-on-turn"
    WAITING = "signer-waiting"
    DONE = "signer-done"
    """Has answered: signed, or declined."""
    GUEST = "guest"
    """From outside, without an account; always a signer of this one contract too."""
    CUSTODIAN = "custodian"
    FORMER = "former"
    AUDITOR = "auditor"
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts: ``seals`` are those in whose custody, ``guest_of`` is (contract, party) of a guest."""

    subject: str
    auditor: bool = False
    seals: frozenset[str] = frozenset()
    guest_of: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not: a sentence (message id) and its values; ``late`` when the contract's state is the reason."""

    template: str
    values: dict[str, object]
    late: bool = False

    def error(self) -> ApplianceError:
        """The refusal as an error: :class:`StateRefused` when late, else :class:`PreconditionRefused`."""
        kind = StateRefused if self.late else PreconditionRefused
        return kind(self.template, **self.values)
