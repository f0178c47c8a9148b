"""Guests come in by a link from the mail and a code from another channel, to exactly one party of one contract."""

from __future__ import annotations

from appliance.model.guest import Admission, Invitation


class Guests:
    """Thread-safe. Nothing secret is stored: link and code are made from the key and the invitation's id."""

    def invitation(self, token: str) -> Invitation:
        """The invitation behind a link. Raises :class:`NotFound` for one that is not ours, replaced or over."""
        raise NotImplementedError

    def admit(self, token: str, code: str) -> Admission:
        """Whom link and *code* let in. Five wrong codes end the code: the initiator makes a new one.

        Raises :class:`NotFound`, or :class:`PreconditionRefused` for a wrong code.
        """
        raise NotImplementedError

    def code(self, contract_id: str, party_id: str, *, by: str) -> str:
        """The eight digits that the initiator (*by*) tells the guest by telephone. Raises for anybody else."""
        raise NotImplementedError

    def new_code(self, contract_id: str, party_id: str, *, by: str) -> str:
        """A new code in place of the old one, with five tries."""
        raise NotImplementedError

    def invite_again(self, contract_id: str, party_id: str, *, by: str) -> Invitation:
        """A new link goes out by mail, the old one is dead. Raises for anybody but the initiator."""
        raise NotImplementedError

    def of_person(self, subject: str) -> Invitation:
        """The current invitation of a guest: for which contract, and who vouches. Raises :class:`NotFound`."""
        raise NotImplementedError
