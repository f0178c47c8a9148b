"""Captures by plan: when each is due, and what the scheduler orders when their time has come."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime

from appliance.config.captures import CaptureSettings
from appliance.language import instants
from appliance.model.captures import (
    CapturePlan,
    CaptureSchedule,
    CaptureState,
    CaptureWork,
    OrderedCapture,
)
from appliance.store import captures
from appliance.store.database import Database, Transaction


def due_of(plan: CapturePlan, turn: int) -> datetime | None:
    """When the capture with the number *turn*, from 0, is due; None for one that the plan does not have."""
    return instants.on(plan.day(turn), plan.at, plan.zone) if turn < plan.times else None


def advanced(schedule: CaptureSchedule, now: datetime, *, free: bool) -> CaptureSchedule:
    """*schedule* once everything has been ordered whose time has come: one capture, however many times passed
    while nobody looked; none unless it is *free*."""
    passed, due = 0, schedule.due
    while due is not None and due <= now:
        passed += 1
        due = due_of(schedule.plan, schedule.turn + passed)
    return schedule.after(passed=passed, due=due, captured=free)


class CaptureSchedules:
    """What is due stands in the database, so nothing is lost while no scheduler runs, and what was missed is made
    once. Thread-safe."""

    def __init__(self, database: Database, settings: CaptureSettings, now: Callable[[], datetime]) -> None:
        self._database = database
        self._enabled = settings.enabled
        self._now = now

    def enqueue_due(self) -> int:
        """Orders the captures whose time has come; how many. None is ordered while one of the same plan is under
        way, for somebody who may not capture now, or while captures are switched off: it counts as missed."""
        now = self._now()
        if not self._database.query(captures.due_schedules, now):
            return 0
        with self._database.transaction() as tx:
            return sum(self._enqueue(tx, schedule, now) for schedule in captures.due_schedules(tx, now))

    def _enqueue(self, tx: Transaction, schedule: CaptureSchedule, now: datetime) -> bool:
        allowed = self._enabled and captures.may_capture(tx, schedule.owner)
        free = allowed and not captures.has_one_under_way(tx, schedule.id)
        captures.advance(tx, advanced(schedule, now, free=free))
        if free:
            ordered = OrderedCapture(
                id=secrets.token_hex(12),
                owner=schedule.owner,
                address=schedule.address,
                purpose=schedule.purpose,
                ordered=now,
                state=CaptureState.WAITING,
                work=CaptureWork(now),
                steps=schedule.steps,
                schedule=schedule.id,
                client=schedule.client,
            )
            captures.insert_capture(tx, ordered)
        return free
