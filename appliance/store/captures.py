"""Web captures and their schedules in the database. Every function runs in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime, time

from appliance.acting_client import ClientReach
from appliance.errors import NotFound
from appliance.model.accounts import AccountRole
from appliance.model.captures import (
    CaptureFile,
    CapturePlan,
    CaptureRecord,
    CaptureSchedule,
    CaptureState,
    CaptureWork,
    OrderedCapture,
    OrderKind,
    RecordedComparison,
)
from appliance.model.people import Person
from appliance.store import members, people
from appliance.store.database import Transaction
from hsm.errors import Sentence
from hsm.rows import Query, columns, fields_of

_BEHIND = "(?1 IS NULL OR (ordered, rowid) < (SELECT ordered, rowid FROM captures WHERE id = ?1))"
"""Behind the capture with the id ``?1`` in a list, the newest first; without one, all."""

_OF_CLIENT = (
    "client IS NOT NULL AND client = ?2 AND EXISTS (SELECT 1 FROM people AS p WHERE p.subject = owner"
    " AND p.organisation IN (SELECT value FROM json_each(?3)))"
)
"""What the API client ``?2`` ordered in the names of people who are of the organisations ``?3`` now."""

_READS = (
    "(owner = ?2 OR EXISTS (SELECT 1 FROM people AS o JOIN people AS p ON p.organisation = o.organisation"
    " WHERE o.subject = owner AND p.subject = ?2 AND p.guest = 0 AND"
    " (EXISTS (SELECT 1 FROM account_roles AS a WHERE a.subject = ?2 AND a.role = 'auditor')"
    " OR EXISTS (SELECT 1 FROM capture_readers AS r WHERE r.person = ?2 AND {shared}))))"
)
"""Who may see a capture or a plan, the one rule: whoever ordered it, and of the same organisation its auditors,
and the colleagues with whom the owner shares it. ``?2`` is who asks."""

_READS_CAPTURE = _READS.format(shared="(r.capture = captures.id OR r.schedule = captures.schedule)")
_READS_SCHEDULE = _READS.format(shared="r.schedule = capture_schedules.id")
_SHARED = " AND owner <> ?2 AND NOT EXISTS (SELECT 1 FROM account_roles WHERE subject = ?2 AND role = 'auditor')"

GONE = "—"
"""What stands where an address or a purpose was."""


def insert_capture(tx: Transaction, capture: OrderedCapture) -> None:
    """A new capture, which waits."""
    row = fields_of(capture, "id owner address purpose ordered state steps schedule client log_in")
    tx.insert("captures", row | {"retry_at": capture.work.retry_at})


def load_capture(tx: Transaction, capture_id: str, owner: str | None = None) -> OrderedCapture:
    """The capture, of *owner* where one is given. Raises :class:`NotFound`, also for somebody else's."""
    missing = NotFound("There is no web capture {capture}.", capture=capture_id)
    return _CAPTURES.one(tx, "WHERE id = ?1 AND (?2 IS NULL OR owner = ?2)", (capture_id, owner), missing=missing)


def readable_capture(tx: Transaction, capture_id: str, reader: str) -> OrderedCapture:
    """The capture, if *reader* may see it. Raises :class:`NotFound`, also for what is not theirs to see."""
    missing = NotFound("There is no web capture {capture}.", capture=capture_id)
    return _CAPTURES.one(tx, f"WHERE id = ?1 AND {_READS_CAPTURE}", (capture_id, reader), missing=missing)


def captures_shared_with(tx: Transaction, reader: str, after: str | None, limit: int) -> list[OrderedCapture]:
    """The newest that colleagues share with *reader*, alone or by their plans, behind the one with the id
    *after*."""
    of_them = (
        "id IN (SELECT capture FROM capture_readers WHERE person = ?2 AND capture IS NOT NULL UNION SELECT c.id"
        " FROM capture_readers AS s JOIN captures AS c ON c.schedule = s.schedule WHERE s.person = ?2)"
    )
    rest = f"WHERE {of_them} AND owner <> ?2 AND {_READS_CAPTURE} AND {_BEHIND} ORDER BY ordered DESC, rowid DESC"
    return _CAPTURES.all(tx, f"{rest} LIMIT ?3", (after, reader, limit))


def find_capture(tx: Transaction, capture_id: str) -> OrderedCapture | None:
    return _CAPTURES.first(tx, "WHERE id = ?", (capture_id,))


def captures_of(tx: Transaction, owner: str, after: str | None, limit: int) -> list[OrderedCapture]:
    """The newest of *owner*, behind the one with the id *after*."""
    rest = f"WHERE owner = ?2 AND {_BEHIND} ORDER BY ordered DESC, rowid DESC LIMIT ?3"
    return _CAPTURES.all(tx, rest, (after, owner, limit))


def capture_within(tx: Transaction, capture_id: str, reach: ClientReach) -> OrderedCapture:
    """The capture, if the client with this *reach* ordered it. Raises :class:`NotFound`, also for others'."""
    missing = NotFound("There is no web capture {capture}.", capture=capture_id)
    return _CAPTURES.one(tx, f"WHERE id = ?1 AND {_OF_CLIENT}", (capture_id, *_who(reach)), missing=missing)


def captures_within(tx: Transaction, reach: ClientReach, after: str | None, limit: int) -> list[OrderedCapture]:
    """The newest that the client with this *reach* ordered, behind the one with the id *after*."""
    rest = f"WHERE {_OF_CLIENT} AND {_BEHIND} ORDER BY ordered DESC, rowid DESC LIMIT ?4"
    return _CAPTURES.all(tx, rest, (after, *_who(reach), limit))


def _who(reach: ClientReach) -> tuple[str, str]:
    return reach.client, json.dumps(sorted(reach.organisations))


def captures_of_organisation(
    tx: Transaction, organisation: str, after: str | None, limit: int
) -> list[OrderedCapture]:
    """Those of all people of an organisation, the newest first, behind the one with the id *after*."""
    of_it = "EXISTS (SELECT 1 FROM people AS p WHERE p.subject = captures.owner AND p.organisation = ?2)"
    rest = f"WHERE {_BEHIND} AND {of_it} ORDER BY ordered DESC, rowid DESC LIMIT ?3"
    return _CAPTURES.all(tx, rest, (after, organisation, limit))


def captures_by_plan(
    tx: Transaction, schedule: str, limit: int, *, after: str | None = None
) -> list[OrderedCapture]:
    """The newest of a schedule, behind the one with the id *after*."""
    of_it = "schedule IS NOT NULL AND schedule = ?2"
    rest = f"WHERE {of_it} AND {_BEHIND} ORDER BY ordered DESC, rowid DESC LIMIT ?3"
    return _CAPTURES.all(tx, rest, (after, schedule, limit))


def count_ordered(tx: Transaction, owner: str, since: datetime) -> int:
    """How many *owner* has ordered since then, without those by plan, those that they took over, and those that
    were cancelled before they were begun: what was begun has visited the address."""
    query = (
        "SELECT count(*) FROM captures WHERE owner = ? AND ordered > ? AND (state <> 'cancelled' OR attempts > 0)"
        " AND orderer IS NULL"
        " AND (schedule IS NULL OR ordered = (SELECT made FROM capture_schedules WHERE id = schedule))"
    )
    return tx.count(query, (owner, since))


_MAY_CAPTURE = (
    "EXISTS (SELECT 1 FROM accounts AS a JOIN account_roles AS r ON r.subject = a.subject"
    " WHERE a.subject = {owner} AND a.state = 'active' AND r.role = 'investigator')"
)


def may_capture(tx: Transaction, subject: str) -> bool:
    """Whether *subject* has an open account with the role."""
    return tx.exists(f"SELECT 1 WHERE {_MAY_CAPTURE.format(owner='?1')}", (subject,))


def investigators(tx: Transaction, person: Person, words: str, *, limit: int) -> list[Person]:
    """Colleagues of *person* who may capture and have *words* in their name, department or mail address, by
    name."""
    found = members.with_role(tx, person.organisation, AccountRole.INVESTIGATOR, words, limit=limit + 1)
    return [people.person(tx, each) for each in found if each != person.subject][:limit]


_MADE = "(SELECT count(*) FROM captures AS r WHERE r.state = 'running' AND r.owner = w.owner)"
_QUEUE = (  # put together of constants, as are the two questions below
    "WITH queue AS (SELECT id, log_in, later,"  # noqa: S608
    " row_number() OVER (PARTITION BY log_in ORDER BY later, turn, retry_at, place) - 1 AS ahead FROM"
    " (SELECT w.id, w.log_in, w.retry_at, w.rowid AS place, w.retry_at > ?1 AS later,"
    f" row_number() OVER (PARTITION BY w.log_in, w.owner ORDER BY w.retry_at, w.rowid) + {_MADE} AS turn"
    f" FROM captures AS w WHERE w.state = 'waiting' AND {_MAY_CAPTURE.format(owner='w.owner')}))"
)
"""The order of the queue at the time ``?1``; captures with a log-in by hand have one of their own. Of those whose
time has come (not ``later``), first that of whoever has the fewest that are made or come before, so that nobody
waits for another's fifty; then the one that waits longest. Those of somebody whose account is suspended or who
lost the role rest, and are not in it."""


def next_waiting(tx: Transaction, now: datetime, *, log_in: bool = False) -> OrderedCapture | None:
    """The first of the queue, with a *log_in* by hand or without, if its time has come."""
    first = f"({_QUEUE} SELECT id FROM queue WHERE log_in = ?2 AND ahead = 0 AND NOT later)"  # noqa: S608
    return _CAPTURES.first(tx, f"WHERE id = {first}", (now, log_in))


def count_ahead(tx: Transaction, capture_id: str, now: datetime) -> int:
    """How many come before this one, if it waits and no other one comes or ends meanwhile."""
    query = f"{_QUEUE} SELECT ifnull(max(ahead), 0) FROM queue WHERE id = ?2"  # noqa: S608
    return tx.count(query, (now, capture_id))


def begin(tx: Transaction, capture_id: str, claimant: str, now: datetime) -> None:
    """waiting → running."""
    tx.execute(
        "UPDATE captures SET state = 'running', claimant = ?, began = ?, attempts = attempts + 1, stage = '',"
        " requests = 0, received = 0, refusal = NULL WHERE id = ? AND state = 'waiting'",
        (claimant, now, capture_id),
    )


def note_progress(
    tx: Transaction, capture_id: str, claimant: str, stage: str, *, requests: int, received: int
) -> bool:
    """How far it is. False when the claimant does not work on it any more: its owner has cancelled it."""
    row = {"stage": stage, "requests": requests, "received": received}
    return tx.update("captures", row, id=capture_id, state="running", claimant=claimant) > 0


def under_way(tx: Transaction) -> list[tuple[OrderedCapture, str]]:
    """Those that are being worked on, each with who does."""
    names = dict(tx.execute("SELECT id, claimant FROM captures WHERE state = 'running'"))
    return [(each, names[each.id]) for each in _CAPTURES.all(tx, "WHERE state = 'running' ORDER BY began")]


def wait_again(
    tx: Transaction, capture_id: str, claimant: str, retry_at: datetime, why: Sentence, *, counts: bool
) -> bool:
    """running → waiting; with *counts* the attempt was one. False when it is not this claimant's any more."""
    return tx.changed(
        "UPDATE captures SET state = 'waiting', claimant = NULL, retry_at = ?1, refusal = ?2,"
        " attempts = attempts - ?3 WHERE id = ?4 AND state = 'running' AND claimant = ?5",
        (retry_at, _written(why), 0 if counts else 1, capture_id, claimant),
    )


def fail(tx: Transaction, capture_id: str, claimant: str, at: datetime, why: Sentence) -> bool:
    """running → failed. False when it is not this claimant's any more."""
    return tx.changed(
        "UPDATE captures SET state = 'failed', claimant = NULL, ended = ?, refusal = ?"
        " WHERE id = ? AND state = 'running' AND claimant = ?",
        (at, _written(why), capture_id, claimant),
    )


def finish(
    tx: Transaction, capture_id: str, claimant: str, record: CaptureRecord, files: Iterable[CaptureFile]
) -> bool:
    """running → done; its package and more are still to be made. False when it is not this claimant's any more."""
    done = {"state": CaptureState.DONE, "claimant": None, "ended": record.recorded, "refusal": None}
    row = fields_of(record, "title visited entry recorded audience") | done
    if not tx.update("captures", row, id=capture_id, state="running", claimant=claimant):
        return False
    for each in files:
        add_file(tx, capture_id, each)
    for table in ("captures_to_finish", "capture_packages"):
        tx.insert(table, {"capture": capture_id, "since": record.recorded})
    note_event(tx, capture_id, record.entry)
    return True


def note_event(tx: Transaction, capture_id: str, entry: int) -> None:
    """The log's *entry* is told to the API client that ordered the capture, if one did."""
    tx.execute(
        "INSERT INTO capture_events (client, entry, capture)"
        " SELECT client, ?, id FROM captures WHERE id = ? AND client IS NOT NULL",
        (entry, capture_id),
    )


def cancel(tx: Transaction, capture_id: str, owner: str, at: datetime) -> bool:
    """waiting or running → cancelled. False when it is in another state."""
    return tx.changed(
        "UPDATE captures SET state = 'cancelled', claimant = NULL, ended = ?, refusal = NULL"
        " WHERE id = ? AND owner = ? AND state IN ('waiting', 'running')",
        (at, capture_id, owner),
    )


def add_file(tx: Transaction, capture_id: str, file: CaptureFile) -> bool:
    """One more file of a capture, unless there is one of this name; whether it was added."""
    return tx.insert_if_new("capture_files", {"capture": capture_id} | fields_of(file, "name digest size"))


def replace_file(tx: Transaction, capture_id: str, file: CaptureFile, *, of: str) -> bool:
    """*file* in the place of the one with its name whose digest is *of*; False when that is not there any more."""
    return (
        tx.update("capture_files", fields_of(file, "digest size"), capture=capture_id, name=file.name, digest=of)
        > 0
    )


def files_of(tx: Transaction, capture_id: str) -> list[CaptureFile]:
    return _FILES.all(tx, "WHERE capture = ? ORDER BY name", (capture_id,))


def to_finish(tx: Transaction, limit: int) -> list[str]:
    """Captures of which something is still to be made, the oldest first."""
    return tx.column(str, "SELECT capture FROM captures_to_finish ORDER BY since, capture LIMIT ?", (limit,))


def is_to_finish(tx: Transaction, capture_id: str) -> bool:
    """Whether something is still to be made of it."""
    return tx.exists("SELECT 1 FROM captures_to_finish WHERE capture = ?", (capture_id,))


def finish_later(tx: Transaction, capture_id: str, now: datetime) -> None:
    """The others come first."""
    tx.update("captures_to_finish", {"since": now}, capture=capture_id)


def finished(tx: Transaction, capture_id: str) -> None:
    """Nothing is to be made of it any more."""
    tx.execute("DELETE FROM captures_to_finish WHERE capture = ?", (capture_id,))


def one_before(tx: Transaction, capture: OrderedCapture) -> OrderedCapture | None:
    """The newest capture of the same schedule that was recorded before this one."""
    rest = (
        "WHERE schedule IS NOT NULL AND schedule = ?1 AND state = 'done'"
        " AND (ordered, rowid) < (SELECT ordered, rowid FROM captures WHERE id = ?2)"
        " ORDER BY ordered DESC, rowid DESC LIMIT 1"
    )
    return _CAPTURES.first(tx, rest, (capture.schedule, capture.id))


def note_comparison(tx: Transaction, capture_id: str, comparison: RecordedComparison) -> None:
    row = {"compared": comparison.earlier, "changed": int(comparison.changed)}
    tx.update("captures", row | {"differences": comparison.differences or None}, id=capture_id)


def hold(tx: Transaction, capture_id: str, reason: str | None) -> None:
    """It is kept beyond its term for *reason*; with None no longer."""
    tx.update("captures", {"held": reason}, id=capture_id)


_OVER = (
    "state = 'done' AND held IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM capture_holds AS h WHERE h.capture = captures.id AND h.lifted IS NULL)"
    " AND NOT EXISTS (SELECT 1 FROM capture_disposals AS d WHERE d.capture = captures.id AND d.state = 'proposed')"
)


def to_dispose(tx: Transaction, before: datetime, limit: int) -> list[OrderedCapture]:
    """Those that ended before then and are neither held nor proposed for disposal, the oldest first."""
    return _CAPTURES.all(tx, f"WHERE {_OVER} AND ended < ? ORDER BY ended LIMIT ?", (before, limit))


def came_due(tx: Transaction, since: str | None, before: str) -> bool:
    """Whether one of these ended before then, and not before *since*; both are instants."""
    query = f"SELECT 1 FROM captures WHERE {_OVER} AND ended < ?1 AND ended >= ?2"  # noqa: S608 -- literals
    return tx.exists(query, (before, since or ""))


def told_of_due(tx: Transaction, officer: str) -> tuple[datetime, str] | None:
    """When *officer* was last told of captures that came due, and of those that ended before which moment."""
    row = tx.execute("SELECT at, until FROM captures_told WHERE person = ?", (officer,)).fetchone()
    return None if row is None else (datetime.fromisoformat(row[0]), row[1])


def note_told(tx: Transaction, officer: str, at: datetime, until: str) -> None:
    """*officer* is told at that time of those that ended before *until*."""
    tx.save("captures_told", {"person": officer, "at": at, "until": until}, key="person")


def tell_anew(tx: Transaction, capture: OrderedCapture) -> None:
    """Of *capture*, which nobody holds any more, officers count as not told. The messages that they got, or that
    are still on their way, stay as they are."""
    tx.execute("UPDATE captures_told SET until = ?1 WHERE until > ?1", (capture.ended,))


def dispose(tx: Transaction, capture_id: str) -> list[str]:
    """done → disposed: address, purpose, title and files go; the digests of the files."""
    digests = tx.column(str, "SELECT digest FROM capture_files WHERE capture = ?", (capture_id,))
    tx.execute(
        "UPDATE captures SET state = 'disposed', address = ?1, purpose = ?1, title = ?1, visited = ?1,"
        " steps = '[]', differences = NULL WHERE id = ?2 AND state = 'done'",
        (GONE, capture_id),
    )
    for table in ("capture_files", "captures_to_finish", "capture_packages", "capture_readers"):
        tx.delete(table, capture=capture_id)
    return digests


def insert_schedule(tx: Transaction, schedule: CaptureSchedule) -> None:
    row = fields_of(schedule, "id owner address purpose steps turn missed due made client")
    tx.insert("capture_schedules", row | fields_of(schedule.plan, "every zone times") | _times(schedule.plan))


def _times(plan: CapturePlan) -> dict[str, str]:
    return {"at": plan.at.isoformat("minutes"), "first": plan.first.isoformat()}


def load_schedule(tx: Transaction, schedule_id: str, owner: str | None = None) -> CaptureSchedule:
    """The schedule, of *owner* where one is given. Raises :class:`NotFound`, also for somebody else's."""
    missing = NotFound("There is no capture schedule {schedule}.", schedule=schedule_id)
    rest = "WHERE id = ?1 AND (?2 IS NULL OR owner = ?2)"
    return _SCHEDULES.one(tx, rest, (schedule_id, owner), missing=missing)


def readable_schedule(tx: Transaction, schedule_id: str, reader: str) -> CaptureSchedule:
    """The schedule, if *reader* may see it. Raises :class:`NotFound`, also for what is not theirs to see."""
    missing = NotFound("There is no capture schedule {schedule}.", schedule=schedule_id)
    return _SCHEDULES.one(tx, f"WHERE id = ?1 AND {_READS_SCHEDULE}", (schedule_id, reader), missing=missing)


def schedules_shared_with(tx: Transaction, reader: str, limit: int) -> list[CaptureSchedule]:
    """The newest that colleagues share with *reader*."""
    of_them = "id IN (SELECT schedule FROM capture_readers WHERE person = ?2)"
    rest = f"WHERE ?1 AND {of_them} AND owner <> ?2 AND {_READS_SCHEDULE} ORDER BY made DESC LIMIT ?3"
    return _SCHEDULES.all(tx, rest, (True, reader, limit))


def share(tx: Transaction, kind: OrderKind, order: str, person: str, at: datetime) -> bool:
    """*person* may read the capture, or the plan with its captures; False when that was so already."""
    return tx.insert_if_new("capture_readers", {kind.value: order, "person": person, "at": at})


def unshare(tx: Transaction, kind: OrderKind, order: str, person: str) -> bool:
    """*person* may no longer; False when that was so already."""
    return tx.delete("capture_readers", **{kind.value: order}, person=person)


def readers_of(tx: Transaction, kind: OrderKind, order: str) -> tuple[str, ...]:
    """With whom the capture, or the plan, is shared, in the order in which it was."""
    query = f"SELECT person FROM capture_readers WHERE {kind.value} = ? ORDER BY at, person"  # noqa: S608 -- a word
    return tuple(tx.column(str, query, (order,)))


def is_shared_with(tx: Transaction, order: str, person: str) -> bool:
    """Whether *person* reads the capture or the plan with this id since a colleague shares it."""
    values = (order, person)
    return bool(
        _CAPTURES.first(tx, f"WHERE id = ?1 AND {_READS_CAPTURE}{_SHARED}", values)
        or _SCHEDULES.first(tx, f"WHERE id = ?1 AND {_READS_SCHEDULE}{_SHARED}", values)
    )


def find_schedule(tx: Transaction, schedule_id: str) -> CaptureSchedule | None:
    return _SCHEDULES.first(tx, "WHERE id = ?", (schedule_id,))


def schedule_within(tx: Transaction, schedule_id: str, reach: ClientReach) -> CaptureSchedule:
    """The schedule, if the client with this *reach* ordered it. Raises :class:`NotFound`, also for others'."""
    missing = NotFound("There is no capture schedule {schedule}.", schedule=schedule_id)
    return _SCHEDULES.one(tx, f"WHERE id = ?1 AND {_OF_CLIENT}", (schedule_id, *_who(reach)), missing=missing)


def schedules_within(tx: Transaction, reach: ClientReach, after: str | None, limit: int) -> list[CaptureSchedule]:
    """The newest that the client with this *reach* ordered, behind the one with the id *after*."""
    behind = "(?1 IS NULL OR (made, rowid) < (SELECT made, rowid FROM capture_schedules WHERE id = ?1))"
    rest = f"WHERE {_OF_CLIENT} AND {behind} ORDER BY made DESC, rowid DESC LIMIT ?4"
    return _SCHEDULES.all(tx, rest, (after, *_who(reach), limit))


def schedules_of(tx: Transaction, owner: str, limit: int) -> list[CaptureSchedule]:
    """The newest of *owner*."""
    return _SCHEDULES.all(tx, "WHERE owner = ? ORDER BY made DESC LIMIT ?", (owner, limit))


def count_running_schedules(tx: Transaction, owner: str) -> int:
    """How many of *owner* still have captures to come."""
    return tx.count("SELECT count(*) FROM capture_schedules WHERE owner = ? AND due IS NOT NULL", (owner,))


def due_schedules(tx: Transaction, now: datetime) -> list[CaptureSchedule]:
    """Those with a capture whose time has come, the longest due first."""
    return _SCHEDULES.all(tx, "WHERE due IS NOT NULL AND due <= ? ORDER BY due LIMIT 100", (now,))


def has_one_under_way(tx: Transaction, schedule_id: str) -> bool:
    """Whether a capture of the schedule waits or is made."""
    query = (
        "SELECT 1 FROM captures WHERE schedule IS NOT NULL AND schedule = ? AND state IN ('waiting', 'running')"
    )
    return tx.exists(query, (schedule_id,))


def advance(tx: Transaction, schedule: CaptureSchedule) -> None:
    """Where the schedule stands now."""
    tx.update("capture_schedules", fields_of(schedule, "turn missed due"), id=schedule.id)


def stop_schedule(tx: Transaction, schedule_id: str, at: datetime) -> bool:
    """No more captures by it. False when none were to come."""
    query = "UPDATE capture_schedules SET due = NULL, stopped = ? WHERE id = ? AND due IS NOT NULL"
    return tx.changed(query, (at, schedule_id))


def _written(sentence: Sentence) -> str:
    return json.dumps(sentence.to_wire(), ensure_ascii=False)


def _work(
    retry_at: str, attempts: int, began: str | None, stage: str, requests: int, received: int, refusal: str | None
) -> CaptureWork:
    return CaptureWork(
        datetime.fromisoformat(retry_at),
        attempts,
        None if began is None else datetime.fromisoformat(began),
        stage,
        requests,
        received,
        None if refusal is None else Sentence(*json.loads(refusal)),
    )


def _record(
    title: str, visited: str, entry: int | None, recorded: str | None, audience: str
) -> CaptureRecord | None:
    if entry is None or recorded is None:
        return None
    return CaptureRecord(title, visited, entry, datetime.fromisoformat(recorded), audience)


def _comparison(compared: str | None, changed: int | None, differences: str | None) -> RecordedComparison | None:
    return None if compared is None else RecordedComparison(compared, bool(changed), differences or "")


def _plan(every: int, at: str, zone: str, first: str, times: int) -> CapturePlan:
    return CapturePlan(every, time.fromisoformat(at), zone, date.fromisoformat(first), times)


_CAPTURES = Query(
    OrderedCapture,
    "SELECT id, owner, address, purpose, ordered, state, steps, schedule, client, ended, held, log_in, orderer,"
    " retry_at, attempts, began, stage, requests, received, refusal, title, visited, entry, recorded, audience,"
    " compared, changed, differences FROM captures",
    work=columns(_work, "retry_at", "attempts", "began", "stage", "requests", "received", "refusal"),
    record=columns(_record, "title", "visited", "entry", "recorded", "audience"),
    comparison=columns(_comparison, "compared", "changed", "differences"),
)
_FILES = Query(CaptureFile, "SELECT name, digest, size FROM capture_files")
_SCHEDULES = Query(
    CaptureSchedule,
    "SELECT id, owner, address, purpose, steps, every, at, zone, first, times, turn, missed, due, made, stopped,"
    " client, orderer FROM capture_schedules",
    plan=columns(_plan, "every", "at", "zone", "first", "times"),
)
