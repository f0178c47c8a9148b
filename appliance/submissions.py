"""What makes something is done once: whoever sends the same form, or the same request of the API, again gets what
the first made.

Forms:

1. The form carries a random value, ``once``. Who sends it first claims it; the claim is on disk before anything is
   made.
2. When the thing is made, its address is remembered with the claim. When making it was refused, the claim is
   released, and the corrected form may be sent with the same value.
3. A second one with the same value, of the same subject, waits for the first and gets its address.
4. A claim whose process died counts as abandoned after :data:`ABANDONED`.

Requests of the API carry a key that the client has chosen (``Idempotency-Key``):

1. Who sends it first claims it for one method, path and body. An id is chosen for what it makes, and is on disk
   before anything is made.
2. An answer of success is kept, and given again to the same request. A request that was refused has made nothing,
   and its claim is forgotten.
3. Of one that failed, or whose process died, nobody knows what it has made. Who repeats it takes it over with the
   id that was chosen, under which it finds what is there: after :data:`ABANDONED`, and at once when the portal has
   started anew.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from appliance.errors import KeyReused, PreconditionRefused, RequestUnderWay, StateRefused
from appliance.store import submissions
from appliance.store.database import Database, Transaction, commits
from appliance.store.submissions import KeptAnswer, KeptRequest
from hsm.errors import RefusalError

__all__ = ["ClaimedRequest", "KeptAnswer", "KeyedRequests", "Submissions"]

T = TypeVar("T")

ABANDONED = timedelta(minutes=5)
"""A claim older than this without a result is nobody's: making something takes a minute at most."""

KEPT = timedelta(days=7)
"""How long it is remembered what a form or a request made; nobody has a page open for longer."""

PATIENCE = 20.0
"""Seconds that a second one waits for the first."""

MOST_WAITING = 2
"""Repeated requests that wait in one process, each on a thread that pages need, too; others are told at once."""

LENGTHS = range(16, 65)
"""How long a form's value may be, in characters."""

TICK = 0.05
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class _Turns:
    """How a second one waits: *patience* seconds at most, with *wait* between two looks."""

    patience: float
    wait: Callable[[float], None]

    def await_result(
        self, claim: Callable[[], bool], look: Callable[[], tuple[bool, T | None]], late: RefusalError
    ) -> T | None:
        """None once *claim* succeeds; else what *look* finds. *look* tells whether the claim stands, and what the
        first has made, None while that is under way. Raises *late* when the first takes too long."""
        until = time.monotonic() + self.patience
        while not claim():
            while True:
                known, made = look()
                if made is not None:
                    return made
                if not known:
                    break
                if time.monotonic() >= until:
                    raise late
                self.wait(TICK)
        return None


class Submissions:
    """Thread-safe, and safe between processes. *wait* sleeps between two looks."""

    def __init__(
        self,
        database: Database,
        now: Callable[[], datetime],
        *,
        patience: float = PATIENCE,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database = database
        self._now = now
        self._turns = _Turns(patience, wait)

    def claim(self, subject: str, once: str) -> str | None:
        """None: the caller is the first, makes the thing, and calls :meth:`finish` or :meth:`release`.

        Otherwise the address of what the first made; while it is under way, this waits. Raises
        :class:`StateRefused` when the first takes too long, :class:`PreconditionRefused` for no value of ours.
        """
        if len(once) not in LENGTHS or not once.isascii():
            raise PreconditionRefused("The form is incomplete; load its page again and repeat it.")
        late = StateRefused("The same form is being worked on already; look for its result in a moment.")
        return self._turns.await_result(
            lambda: self._claimed(subject, once),
            lambda: self._database.query(submissions.made, subject, once),
            late,
        )

    finish = commits(submissions.finish)
    release = commits(submissions.release)

    def _claimed(self, subject: str, once: str) -> bool:
        now = self._now()
        with self._database.transaction() as tx:
            submissions.forget(tx, now - KEPT)
            return submissions.claim(tx, subject, once, now=now, abandoned=now - ABANDONED)


@dataclass(frozen=True, slots=True)
class ClaimedRequest:
    """A request that the caller works on alone. ``chosen`` (24 hex digits) is the id for what it makes; ``again``
    when an earlier attempt may have made that."""

    client: str
    key: str
    chosen: str
    again: bool = False


class KeyedRequests:
    """Requests of API clients, each with a key of the client's own. Thread-safe and safe between processes. *wait*
    sleeps between two looks."""

    def __init__(
        self,
        database: Database,
        now: Callable[[], datetime],
        *,
        patience: float = PATIENCE,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database = database
        self._now = now
        self._turns = _Turns(patience, wait)
        self._places = threading.BoundedSemaphore(MOST_WAITING)

    def claim(self, client: str, key: str, request: tuple[str, str, str]) -> ClaimedRequest | KeptAnswer:
        """The claim of *request* (method, path, SHA-256 of the body in hex), which ends with :meth:`finish`,
        :meth:`fail` or :meth:`release`; or the answer that the same request got before.

        Waits while another one works on it. Raises :class:`RequestUnderWay` when that takes too long, or when
        :data:`MOST_WAITING` wait already, and :class:`KeyReused` for the key of another request.
        """
        held: list[ClaimedRequest] = []

        def take() -> bool:
            claimed = self._database.commit(self._take, client, key, request)
            held.extend([] if claimed is None else [claimed])
            return claimed is not None

        late = RequestUnderWay("The same request is being worked on; repeat it in a moment.")
        if take():
            return held[0]
        _, answer = self._look(client, key)
        if answer is not None:
            return answer
        if not self._places.acquire(blocking=False):
            raise late
        try:
            answer = self._turns.await_result(take, lambda: self._look(client, key), late)
        finally:
            self._places.release()
        return held[0] if answer is None else answer

    def finish(self, claimed: ClaimedRequest, answer: KeptAnswer) -> None:
        """The *answer*, one of success, is given to everybody who repeats the request."""
        self._database.commit(submissions.finish_request, claimed.client, claimed.key, answer)

    def fail(self, claimed: ClaimedRequest) -> None:
        """Something failed on our side; whoever repeats it goes on."""
        self._database.commit(submissions.fail_request, claimed.client, claimed.key)

    def release(self, claimed: ClaimedRequest) -> None:
        """It was refused: the key is free, unless an earlier attempt may have made something under it."""
        if claimed.again:
            self.fail(claimed)
        else:
            self._database.commit(submissions.release_request, claimed.client, claimed.key)

    def fail_all(self) -> None:
        """Whoever worked on a request is gone: to be called where that is sure, before the first process starts
        that takes requests, as after a failover. Whoever repeats one goes on at once, instead of after
        :data:`ABANDONED`."""
        self._database.commit(submissions.fail_open_requests)

    def forget_old(self) -> None:
        """Forgets some of what is kept for longer than :data:`KEPT`, also where no request comes any more."""
        self._database.commit(submissions.forget_requests, self._now() - KEPT)

    def _take(
        self, tx: Transaction, client: str, key: str, request: tuple[str, str, str]
    ) -> ClaimedRequest | None:
        now = self._now()
        submissions.forget_requests(tx, now - KEPT)
        fresh = ClaimedRequest(client, key, secrets.token_hex(12))
        if submissions.insert_request(tx, client, key, KeptRequest(request, fresh.chosen), now):
            return fresh
        known = submissions.kept_request(tx, client, key)
        if known is None or known.request != request:
            raise KeyReused("This Idempotency-Key was used for another request; choose a new one.")
        if submissions.take_over_request(tx, client, key, now=now, abandoned=now - ABANDONED):
            return replace(fresh, chosen=known.chosen, again=True)
        return None

    def _look(self, client: str, key: str) -> tuple[bool, KeptAnswer | None]:
        """As :meth:`_Turns.await_result` asks; one that failed counts as not claimed."""
        known = self._database.query(submissions.kept_request, client, key)
        return (False, None) if known is None or not known.claimed else (True, known.answer)
