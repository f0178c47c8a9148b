"""Sign: take an activated intent to the authority, once, and put what comes back on disk, then date it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from appliance.contracts import rules
from appliance.contracts.failpoints import Failpoint
from appliance.contracts.preconditions import Signing, require_preconditions
from appliance.contracts.second_stamp import SecondTimestamp
from appliance.contracts.services import SigningRoom
from appliance.errors import StateRefused
from appliance.model.intent import IntentRecord, IntentState
from appliance.store import contracts, intents
from hsm.cms import add_signature_timestamp, signature_value
from hsm.errors import ActivationRefused, ActivationUsed, AuthorityLocked, ModuleUnavailable, StoreUnavailable
from hsm.intents import Activation
from hsm.timestamp import parse_token

LOST = "the activation was used up, and the authority's answer was lost; a signature, if made, was never released"


class Signature:
    """The second step for one signer, and the only one that asks for a signature.

    1. still open, not stale, preconditions hold;
    2. claimed on disk: from now on nobody else may ask for this intent, now or after a crash;
    3. the authority verifies the activation, uses up the nonce and signs;
    4. the CMS is on disk;
    5. the timestamp over the signature value is in the CMS, on disk; a second one of an authority outside beside
       it, where one is configured and answers.
    """

    def __init__(self, room: SigningRoom) -> None:
        self._room = room
        self._second = SecondTimestamp(room)

    def sign(self, intent_id: str, activations: Sequence[Activation]) -> IntentRecord:
        """The intent with a timestamped signature.

        Raises :class:`ActivationRefused` when the authority says no to the activation; :class:`ModuleUnavailable`,
        :class:`AuthorityLocked` or :class:`StoreUnavailable` when its HSM or its store does not work now: the
        intent stays prepared and can be activated again. After any other failure at the authority,
        :class:`ActivationUsed` among them, it is abandoned, since a signature may exist that nobody has received;
        the signer prepares again. A failure after step 4 is made good by :meth:`stamp`, from ``complete`` or from
        the recovery.
        """
        record = self._claimed(intent_id)
        self._room.reach(Failpoint.INTENT_CLAIMED)
        cms = self._ask(record, activations)
        self._room.reach(Failpoint.CMS_RECEIVED)
        with self._room.database.transaction() as tx:
            intents.keep_cms(tx, intent_id, cms)
        self._room.reach(Failpoint.CMS_PERSISTED)
        return self._stamp(intent_id, cms)

    def stamp(self, record: IntentRecord) -> IntentRecord:
        """*record* with its timestamp, old or new. Raises :class:`StateRefused` when it has no signature."""
        if record.state is IntentState.SIGNED and record.cms is not None:
            return self._stamp(record.id, record.cms)
        if record.state is IntentState.STAMPED:
            return record
        raise StateRefused(
            "The signature {intent} is {state}, so there is nothing to complete.",
            intent=record.id,
            state=record.state,
        )

    def _claimed(self, intent_id: str) -> IntentRecord:
        room, now = self._room, self._room.now()
        with room.database.transaction() as tx:
            record = intents.load(tx, intent_id)
            contract = contracts.load(tx, record.intent.contract)
            if contract.current.number != record.base:
                raise StateRefused(
                    "Another party signed “{title}” in the meantime; prepare again.", title=contract.title
                )
            _require_time(record, now)
            party = rules.signing_party(contract, record.intent)
            require_preconditions(room.preconditions, tx, Signing(contract, party, now))
            intents.claim(tx, intent_id, lease_owner=room.leases.own_lease(), now=now)
        return record

    def _ask(self, record: IntentRecord, activations: Sequence[Activation]) -> bytes:
        try:
            return self._room.authority.sign_document(record.intent, activations)
        except ActivationUsed:
            # An answer was lost: a signature may exist, but nobody received it, and this act is never done again.
            with self._room.database.transaction() as tx:
                intents.abandon(tx, record.id, LOST)
            raise
        except (ActivationRefused, AuthorityLocked, ModuleUnavailable, StoreUnavailable):
            # Nothing was signed: the signer may activate the same intent again. Should the nonce have been used up
            # all the same (a commit that failed half-way), the authority says so then.
            with self._room.database.transaction() as tx:
                intents.unclaim(tx, record.id)
            raise
        except Exception as error:
            with self._room.database.transaction() as tx:
                intents.abandon(tx, record.id, f"the authority did not sign: {error}")
            raise

    def _stamp(self, intent_id: str, cms: bytes) -> IntentRecord:
        room, value = self._room, signature_value(cms)
        with room.database.reading() as tx:
            record = intents.load(tx, intent_id)
            contract = contracts.load(tx, record.intent.contract)
        second = self._second.begin(value)
        token = room.timestamps.issue_token(hashlib.sha256(value).digest())
        stamped, outside = self._second.added(record, contract, add_signature_timestamp(cms, token), second)
        room.reach(Failpoint.TIMESTAMP_RECEIVED)
        with room.database.transaction() as tx:
            intents.keep_stamped(tx, intent_id, cms=stamped, at=parse_token(token).gen_time, outside=outside)
            record = intents.load(tx, intent_id)
        room.reach(Failpoint.TIMESTAMP_PERSISTED)
        return record


def _require_time(record: IntentRecord, now: datetime) -> None:
    if now >= record.intent.expires:
        raise StateRefused("The time to activate this signature is over; prepare it again.")
