"""One activation for several intents for which the same person's approval counts: each is checked as if it came
alone, and all of them are approved or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hsm.activation.authoriser import IntentAuthoriser
from hsm.batches import FEWEST_MEMBERS, MEMBER, SigningBatch
from hsm.errors import ActivationRefused, AuthorityError
from hsm.intents import Activation, SigningIntent, WebAuthnActivation


class BatchAuthoriser(IntentAuthoriser):
    """The authoriser, with batches."""

    def batch_limit(self) -> int:
        """How many intents may be activated at once; 0 where each needs an activation of its own."""
        limit = self._settings.batch_limit
        return limit if limit >= FEWEST_MEMBERS else 0

    def approve_batch(self, intents: Sequence[SigningIntent], activation: Activation) -> None:
        """Verifies one *activation* of all *intents*, and stores an approval of each, or of none.

        1. there are no more than the settings allow, none twice, and the activation is a passkey's: a PIN and a
           code are bound to no document, so they would stand for any number;
        2. each is within its time and unused, and this person may join those who have approved it: the rules of
           :meth:`approve`, for each. Of a person's own signature nobody else may; the use of a company seal takes
           as many people as it takes alone, each of whom approves it for themselves;
        3. the assertion verifies once, for the hash of the batch, whose root is computed here;
        4. all of that still holds in the durable transaction that stores the approvals with their audit paths.

        Raises what :meth:`approve` raises; a refusal about one member names its place among the values, as
        :data:`MEMBER`. Raises :class:`BadRequest` for what is no batch.
        """
        self._require_allowed(intents, activation)
        batch, now = SigningBatch(tuple(intents)), self._now()
        for number, intent in enumerate(batch.members, 1):
            with _about(number):
                self._require_in_time(intent, now)
                self._require_open(intent, activation)
        verified = self._verify(batch, activation, now)
        with self._store.transaction():
            for number, intent in enumerate(batch.members, 1):
                with _about(number):
                    self._require_open(intent, activation)
            self._advance([verified])
            for intent, membership in zip(batch.members, batch.memberships(), strict=True):
                self._add_approval(intent, verified, now)
                self._store.approvals.add_membership(intent.nonce, activation.subject, membership)

    def _require_allowed(self, intents: Sequence[SigningIntent], activation: Activation) -> None:
        limit = self.batch_limit()
        if not limit:
            raise ActivationRefused("Each document is confirmed on its own here.")
        if len(intents) > limit:
            raise ActivationRefused("At most {limit} documents can be confirmed at once.", limit=limit)
        if not isinstance(activation, WebAuthnActivation):
            raise ActivationRefused(
                "Several documents at once are confirmed with a passkey; PIN and code are bound to none of them."
            )


@contextmanager
def _about(number: int) -> Iterator[None]:
    """A refusal says which member it is about."""
    try:
        yield
    except AuthorityError as refusal:
        raise type(refusal)(refusal.template, **{**refusal.values, MEMBER: number}) from refusal
