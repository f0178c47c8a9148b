"""The log's side: hands the newest checkpoint in at each witness of the policy, verifies the cosignatures and
keeps them.

Signing never waits for it. Whatever a witness answers is one of the states in :class:`WitnessProblem`, which the
health checks, the console and the metrics show.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from appliance.config import Settings
from appliance.egress import MOST_AT_ONCE, Egress, EgressFailed, ExchangeLimits, Reply
from appliance.errors import ApplianceError, StateRefused
from appliance.ledger import LogProofs
from appliance.model.witnesses import WitnessesStatus, WitnessProblem
from appliance.store import ledger
from appliance.store import witnesses as store
from appliance.store.database import Database, Transaction
from appliance.store.ledger import StoredCheckpoint
from appliance.store.witnesses import WitnessState
from appliance.witnesses.messages import PATH, SIZE_KIND, Submission, latest_path, parse_size
from appliance.witnesses.policy import PolicyWitness, WitnessPolicy, is_answer_authentic, require_log
from appliance.witnesses.quorum import status_of
from hsm.errors import AuthorityError, Malformed
from hsm.note import (
    NoteKey,
    parse_checkpoint,
    parse_note,
    parse_signatures,
    verify_checkpoint,
    verify_cosignature,
    with_signatures,
)

log = logging.getLogger(__name__)

LIMITS: Final = ExchangeLimits(10.0, 64 * 1024, frozenset(range(200, 600)))
"""A witness answers with some lines."""

LONGEST_PAUSE: Final = timedelta(minutes=10)
"""Between tries at a witness that does not answer."""

REFUSED_PAUSE: Final = timedelta(hours=1)
"""Between tries at a witness that refuses: somebody has to act before the answer can be another one."""

FUTURE: Final = timedelta(minutes=10)
"""By how much a witness's clock may be ahead of ours. A cosignature says what was newest at its time, so one from
the future would count for what is not known yet."""

LONGEST_SAID: Final = 300


class SubmissionFailed(ApplianceError, code="submission-failed"):
    """A witness did not cosign; ``problem`` says which kind."""

    def __init__(self, problem: WitnessProblem, template: str, **values: object) -> None:
        super().__init__(template, **values)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A cosignature that verified: its signature ``line`` (with its newline) and the time in it."""

    line: str
    at: datetime


def cosignature_by(key: NoteKey, checkpoint: bytes, *, now: datetime) -> Cosigned:
    """The cosignature of the witness *key* among the signatures of *checkpoint*. Raises
    :class:`hsm.errors.AuthorityError` when it has none, or one that does not verify or is of the future."""
    at = verify_cosignature(checkpoint, key)
    if at > now + FUTURE:
        raise Malformed(
            "The cosignature of {name} is dated {at}, in the future.", name=key.name, at=at.isoformat()
        )
    return Cosigned(parse_note(checkpoint).by(key).line(), at)


def answering(policy: WitnessPolicy, states: Mapping[str, WitnessState]) -> frozenset[str]:
    """The names of the witnesses of *policy* with whom nothing was wrong the last time, but those of a machine
    without a network among them: theirs comes by hand, so nobody waits for it."""
    found = ((each.name, each.url, states.get(each.key.vkey())) for each in policy.witnesses)
    return frozenset(name for name, url, state in found if url and (state is None or state.problem is None))


class Submitting:
    """Hands checkpoints in; there is one, the scheduler's. *log_key* gives the log's own key."""

    def __init__(
        self,
        database: Database,
        policy: WitnessPolicy,
        log_key: Callable[[], NoteKey],
        settings: Settings,
        now: Callable[[], datetime],
    ) -> None:
        self._database, self._policy, self._log_key, self._now = database, policy, log_key, now
        self._proofs = LogProofs(database)
        self._asked: set[PolicyWitness] = set()
        self._pause = timedelta(seconds=settings.witnesses.seconds)
        tls = settings.witnesses.tls
        self._egress = Egress(LIMITS, trust=str(settings.beside(tls)) if tls else None)

    def run_round(self) -> None:
        """Hands the newest checkpoint in where it is due, at all these witnesses at once. Raises
        :class:`ConfigurationError` for a policy of another log, and :class:`StorageError`."""
        require_log(self._policy, self._log_key())
        with self._database.reading() as tx:
            checkpoint, states = ledger.last_checkpoint(tx), store.states(tx)
        if checkpoint is None:
            return
        now = self._now()
        due = [
            each
            for each in self._policy.witnesses
            if each.url and self._is_due(each, states.get(each.key.vkey()), checkpoint, now)
        ]
        self._asked.update(due)
        if due:
            with ThreadPoolExecutor(min(len(due), MOST_AT_ONCE)) as pool:
                list(pool.map(lambda each: self._hand_in(each, states.get(each.key.vkey()), checkpoint), due))

    def status(self) -> WitnessesStatus:
        """How the witnesses and the quorum stand."""
        return self._database.query(status_of, self._policy)

    def take(self, checkpoint: bytes) -> list[str]:
        """Keeps the cosignatures on a *checkpoint* of this log that came another way, such as on a USB stick; the
        names of the witnesses. Raises :class:`StateRefused` for another log's, and one with no cosignature that
        counts."""
        try:
            size, text = _size_of(checkpoint), parse_note(checkpoint).text
        except AuthorityError as error:
            raise StateRefused("This is no checkpoint: {why}", why=error) from error
        stored = self._database.query(ledger.checkpoint_of_size, size)
        if stored is None or parse_note(stored.note).text != text:
            raise StateRefused("This log has not published the checkpoint of size {size} in the file.", size=size)
        names = []
        for each in self._policy.witnesses:
            try:
                made = cosignature_by(each.key, checkpoint, now=self._now())
            except AuthorityError:
                continue
            self._keep(each, stored, made)
            names.append(each.name)
        if not names:
            raise StateRefused("The file has no good cosignature by a witness of the policy.")
        return names

    def _is_due(
        self, witness: PolicyWitness, state: WitnessState | None, checkpoint: StoredCheckpoint, now: datetime
    ) -> bool:
        """At the start everybody is, also about what they have cosigned: who was restored from an older backup
        learns so that the log was longer, before another entry is made."""
        if state is None:
            return True
        if state.problem is None and (state.size or 0) >= checkpoint.size:
            return witness not in self._asked
        # A clock that was set back makes nobody wait until the hour that it had.
        return now < state.asked or now >= (state.retry_at or state.asked + self._pause)

    def _hand_in(self, witness: PolicyWitness, state: WitnessState | None, checkpoint: StoredCheckpoint) -> None:
        """Asks once, and again where the witness names another size; notes what came of it."""
        try:
            made = self._ask(witness, checkpoint, (state.size if state else None) or 0)
        except SubmissionFailed as failure:
            self._database.commit(self._note_failure, witness, self._believed(witness, failure))
        else:
            self._keep(witness, checkpoint, made)

    def _ask(self, witness: PolicyWitness, checkpoint: StoredCheckpoint, cosigned: int) -> Cosigned:
        """*cosigned* is the last size that it is known to have cosigned."""
        old = min(cosigned, checkpoint.size)
        for _ in range(2):
            reply = self._post(witness, checkpoint, old)
            if reply.status == HTTPStatus.OK:
                return cosignature_in(witness, checkpoint.note, reply, now=self._now())
            if reply.status != HTTPStatus.CONFLICT:
                raise refused(reply, old)
            if reply.kind != SIZE_KIND:
                raise conflict(reply, old, checkpoint.size)
            last = named_size(reply)
            if last > checkpoint.size or last == old == checkpoint.size:
                template = "This log does not have what it cosigned under the size {last}; its own size is {size}."
                raise SubmissionFailed(WitnessProblem.FORKED, template, last=last, size=checkpoint.size)
            if last < cosigned:
                template = "It cosigned the size {cosigned}, and remembers {last}: it was set back."
                raise SubmissionFailed(WitnessProblem.BAD_ANSWER, template, cosigned=cosigned, last=last)
            if last == old:
                raise SubmissionFailed(WitnessProblem.BAD_ANSWER, "It refuses the size that it names.")
            old = last
        raise SubmissionFailed(WitnessProblem.BAD_ANSWER, "It named one size, and then another.")

    def _believed(self, witness: PolicyWitness, failure: SubmissionFailed) -> SubmissionFailed:
        """What counts of *failure*. Over plain HTTP anybody on the way can answer, so a fork that is told there
        counts when the last checkpoint that the witness cosigned shows it: its own and this log's signature are on
        that, and this log does not continue it. An older one that somebody repeats is a part of this log."""
        if failure.problem is not WitnessProblem.FORKED or is_answer_authentic(witness.url):
            return failure
        log_key = self._log_key()
        try:
            note = self._egress.get(witness.url.rstrip("/") + latest_path(log_key.name), {}).body
            verify_cosignature(note, witness.key)
            shown = verify_checkpoint(note, log_key)
        except (EgressFailed, AuthorityError) as error:
            return _unproven(failure, error)
        if self._proofs.continues(shown):
            return _unproven(failure, "the last checkpoint that it shows is one of this log")
        log.warning("witness %s shows another log under this log's key: %r", witness.name, note)
        return failure

    def _post(self, witness: PolicyWitness, checkpoint: StoredCheckpoint, old: int) -> Reply:
        proof = tuple(self._proofs.consistency(old, checkpoint.size))
        return submit(self._egress, witness, Submission(old, proof, checkpoint.note))

    def _keep(self, witness: PolicyWitness, checkpoint: StoredCheckpoint, made: Cosigned) -> None:
        with self._database.transaction() as tx:
            vkey, now = witness.key.vkey(), self._now()
            store.add_cosignature(tx, checkpoint.size, vkey, made.line, made.at)
            before = store.states(tx).get(vkey)
            if before is not None and _is_older(made, before):
                store.save_state(tx, replace(before, asked=now, retry_at=now + REFUSED_PAUSE))
            elif before is None or (before.size or 0) <= checkpoint.size:
                refusals = before.refusals if before else 0
                store.save_state(tx, WitnessState(vkey, checkpoint.size, made.at, now, refusals=refusals))
            cosigners = store.cosigned_at(tx, checkpoint.size)
            names = frozenset(each.name for each in self._policy.witnesses if each.key.vkey() in cosigners)
            if self._policy.demands_witnesses and self._policy.is_met(names):
                store.add_witnessed(tx, checkpoint.size, now)

    def _note_failure(self, tx: Transaction, witness: PolicyWitness, failure: SubmissionFailed) -> None:
        now, vkey = self._now(), witness.key.vkey()
        before = store.states(tx).get(vkey) or WitnessState(vkey, None, None, now)
        unreachable = failure.problem is WitnessProblem.UNREACHABLE
        failures = before.failures + 1
        pause = min(self._pause * 2 ** min(failures, 10), LONGEST_PAUSE) if unreachable else REFUSED_PAUSE
        problem, said = failure.problem, str(failure)[:LONGEST_SAID]
        if before.problem is WitnessProblem.FORKED and problem is not WitnessProblem.FORKED:
            problem, said = before.problem, before.said  # nothing but a cosignature takes that back
        if before.problem is not problem:
            log.warning("witness %s: %s: %s", witness.name, problem, failure)
        store.save_state(
            tx,
            replace(
                before,
                asked=now,
                problem=problem,
                said=said,
                since=before.since if before.problem is problem else now,
                failures=failures,
                refusals=before.refusals + (not unreachable),
                retry_at=now + pause,
            ),
        )


def _is_older(made: Cosigned, before: WitnessState) -> bool:
    """Whether it was made before the witness told of a fork: anybody can repeat it."""
    return before.problem is WitnessProblem.FORKED and before.since is not None and made.at + FUTURE < before.since


def _unproven(failure: SubmissionFailed, why: object) -> SubmissionFailed:
    template = (
        "Over plain HTTP, where anybody in the network can answer, it is said that it cosigned another log under"
        " this log's key; nothing signed shows that ({why}). {said}"
    )
    return SubmissionFailed(WitnessProblem.BAD_ANSWER, template, why=why, said=failure)


def submit(egress: Egress, witness: PolicyWitness, submission: Submission) -> Reply:
    """What the witness answers to the *submission*. Raises :class:`SubmissionFailed` where it does not answer."""
    try:
        return egress.post(witness.url.rstrip("/") + PATH, submission.encode(), {"Content-Type": "text/plain"})
    except EgressFailed as error:
        raise SubmissionFailed(WitnessProblem.UNREACHABLE, error.template, **error.values) from error


def cosignature_in(witness: PolicyWitness, note: bytes, reply: Reply, *, now: datetime) -> Cosigned:
    """That of *witness* over the checkpoint *note* in its *reply* 200. Raises :class:`SubmissionFailed`."""
    try:
        return cosignature_by(witness.key, with_signatures(note, parse_signatures(reply.body)), now=now)
    except AuthorityError as error:
        raise SubmissionFailed(WitnessProblem.BAD_ANSWER, error.template, **error.values) from error


def refused(reply: Reply, old: int) -> SubmissionFailed:
    """What a status means (C2SP ``tlog-witness``); its text is a stranger's, and shown as such."""
    said = _line(reply.body)
    values = {"status": reply.status, "said": said, "old": old}
    problems = {
        HTTPStatus.NOT_FOUND: WitnessProblem.UNKNOWN_LOG,
        HTTPStatus.FORBIDDEN: WitnessProblem.NOT_SIGNED,
        HTTPStatus.UNPROCESSABLE_ENTITY: WitnessProblem.FORKED,
    }
    problem = problems.get(HTTPStatus(reply.status)) if reply.status in set(HTTPStatus) else None
    if problem is None:
        trouble = reply.status >= 500 or reply.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT)
        problem = WitnessProblem.UNREACHABLE if trouble else WitnessProblem.REFUSED
    return SubmissionFailed(problem, "It answered {status} to the old size {old}: {said}", **values)


def conflict(reply: Reply, old: int, size: int) -> SubmissionFailed:
    """A conflict about the root, where there is none about the size."""
    problem = WitnessProblem.FORKED if old == size else WitnessProblem.BAD_ANSWER
    return SubmissionFailed(
        problem, "It answered {status} to the old size {old}: {said}", status=409, old=old, said=_line(reply.body)
    )


def named_size(reply: Reply) -> int:
    """The size that an answer 409 names. Raises :class:`SubmissionFailed`."""
    try:
        return parse_size(reply.body)
    except Malformed as error:
        raise SubmissionFailed(WitnessProblem.BAD_ANSWER, error.template, **error.values) from error


def _line(body: bytes) -> str:
    """The beginning of *body* as one line."""
    text = body[:1000].decode("utf-8", "replace")
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:200]


def _size_of(checkpoint: bytes) -> int:
    return parse_checkpoint(parse_note(checkpoint).text).size
