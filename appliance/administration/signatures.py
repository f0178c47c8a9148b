"""Signatures of administrators under requests that take two persons, by passkeys that root confirmed (WebAuthn).

The console takes them, and whoever performs a request verifies them again: the process that shows a request, and
writes the database that it stands in, is not believed about who wanted it.

1. The challenge is the digest of exactly this request and of what the person does about it
   (:class:`appliance.administration.confirmed.RequestStatement`).
2. The answer is by a passkey that root has confirmed for this login, and for a kind of administrator that may.
3. It names the console's own origin, and the device has verified who holds it.
4. What was said on the machine itself, to a command that root ran, root has written down instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from webauthn.helpers import base64url_to_bytes

from appliance.accounts.passkeys import (
    ANSWER_ERRORS,
    LONGEST_ANSWER,
    RelyingParty,
    request_options,
    verified_count,
)
from appliance.administration.confirmed import REQUEST_LASTS, ConfirmedKey, RequestStatement, RootConfirmations
from appliance.errors import NotAllowed, PreconditionRefused, StateRefused
from appliance.model.administration import AdministratorRole
from appliance.store.administration import admin_requests as store
from appliance.store.administration import administrators as known
from appliance.store.database import Transaction
from hsm.intents import instant

GRACE = timedelta(minutes=10)
"""How long after its expiry a decided request may still be started; also how far a clock may be set back."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a page brings to ask for a request: its id and moment, under which its sentence was shown, and the
    device's *answer* (JSON)."""

    request_id: str
    asked: datetime
    answer: str

    @classmethod
    def from_page(cls, request_id: str, asked: str, answer: str) -> SignedRequest:
        """As a page brings it. Raises :class:`StateRefused` for one that is none of ours."""
        try:
            moment = datetime.fromisoformat(asked)
            if re.fullmatch("[0-9a-f]{12}", request_id) and instant(moment) == asked:
                return cls(request_id, moment, answer)
        except (ValueError, OverflowError):
            pass
        raise StateRefused("This page is too old or was used already; load it again and repeat the last step.")


class RequestSignatures:
    """Takes and verifies them. ``attests``: this process is root's own command, on the machine. Thread-safe."""

    def __init__(self, site: RelyingParty, confirmed: RootConfirmations, *, attests: bool) -> None:
        self._site = site
        self._confirmed = confirmed
        self._attests = attests

    def options(self, tx: Transaction, statement: RequestStatement) -> str | None:
        """What ``navigator.credentials.get`` wants for *statement* (JSON); None for somebody without a passkey
        that counts and is registered still."""
        registered = _counts(tx, statement.login)
        confirmed = [key.credential_id for key in self._confirmed.keys_of(statement.login)]
        found = [each for each in confirmed if each in registered]
        return request_options(statement.challenge(), found, self._site.rp_id) if found else None

    def accept_answer(
        self,
        tx: Transaction,
        statement: RequestStatement,
        answer: str | None,
        roles: Collection[AdministratorRole],
        *,
        now: datetime,
    ) -> None:
        """Stores the *answer* with its request, which exists, in the caller's transaction; without an answer,
        root's command records the statement instead.

        Raises :class:`PreconditionRefused` for an answer that is not this person's to exactly this request,
        :class:`StateRefused` for somebody without a passkey that counts.
        """
        if answer is None:
            if not self._attests:
                raise no_passkey(statement.login)
            self._confirmed.record_statement(statement, now=now)
            return
        # A passkey that its owner has removed cannot sign: its counter is no longer stored, so a copy would not be
        # noticed. The process that performs the admin request reads only root's folder, which has no counters.
        counts = _counts(tx, statement.login)
        keys = [key for key in self._keys(statement, roles) if key.credential_id in counts]
        key, count = self._verified(statement, answer, keys, count=counts)
        known.use_passkey(tx, key.credential_id, sign_count=count)
        store.insert_signature(tx, statement.act.id, statement.part, statement.login, answer)

    def require_signature(
        self, tx: Transaction, statement: RequestStatement, roles: Collection[AdministratorRole], *, now: datetime
    ) -> None:
        """Raises :class:`NotAllowed` unless that was said on the machine, or signed by a passkey that counts, for
        one of *roles*; :class:`StateRefused` when it is too old."""
        asked = statement.act.asked
        if not asked - GRACE <= now < asked + REQUEST_LASTS + GRACE:
            raise StateRefused("{id} was asked for too long ago; ask anew.", id=statement.act.id)
        if self._confirmed.has_statement(statement):
            return
        answer = store.signature_answer(tx, statement.act.id, statement.part)
        try:
            if answer is None:
                raise _unsigned()
            self._verified(statement, answer, self._keys(statement, roles), count={})
        except (PreconditionRefused, StateRefused) as error:
            raise NotAllowed("{who} has not signed this act; it was not done.", who=statement.login) from error

    def _keys(self, statement: RequestStatement, roles: Collection[AdministratorRole]) -> list[ConfirmedKey]:
        return [key for key in self._confirmed.keys_of(statement.login) if key.role in roles]

    def _verified(
        self, statement: RequestStatement, answer: str, keys: list[ConfirmedKey], *, count: dict[bytes, int]
    ) -> tuple[ConfirmedKey, int]:
        """Which of the *keys* signed, and its counter now."""
        if not keys:
            raise no_passkey(statement.login)
        try:
            named = base64url_to_bytes(json.loads(answer[:LONGEST_ANSWER])["rawId"])
            key = next(each for each in keys if each.credential_id == named)
            challenge = statement.challenge()
            new = verified_count(self._site, challenge, answer, key.public_key, count=count.get(named, 0))
        except (*ANSWER_ERRORS, StopIteration) as error:
            raise _unsigned() from error
        return key, new


def no_passkey(login: str) -> StateRefused:
    """Of somebody who has none that counts, and is not on the machine either."""
    return StateRefused(
        "What takes two persons is signed with passkeys, and {login} has none that counts: register one under"
        " Settings and have it confirmed on the machine (`vermilion administrators confirm`), or do this there"
        " (`vermilion do`, `vermilion approve`).",
        login=login,
    )


def _unsigned() -> PreconditionRefused:
    return PreconditionRefused("Your passkey did not sign exactly this act; load the page again and repeat it.")


def _counts(tx: Transaction, login: str) -> dict[bytes, int]:
    """The passkeys that *login* has registered, and has not removed, with their counters."""
    return {each.credential_id: each.sign_count for each in known.passkeys_of(tx, login)}
