"""The register of web captures: ordering, cancelling and reading them.

A capture belongs to whoever ordered it; who else may see it, the store answers in one place
(:func:`appliance.store.captures.readable_capture`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from appliance.acting_client import ClientReach, acting_client
from appliance.captures.orders import CaptureDraft, PlanDraft, steps_to_text
from appliance.captures.planning import due_of
from appliance.config.captures import CaptureSettings
from appliance.contracts.rules import require_reason
from appliance.documents.blobs import BlobStore
from appliance.errors import NotAllowed, NotFound, PreconditionRefused, StateRefused
from appliance.evidence.captures import layout
from appliance.evidence.captures.facts import CaptureFacts, decode
from appliance.ledger.audit_trail import AuditEvent, EventKind, append_event
from appliance.model.captures import (
    CaptureFile,
    CaptureSchedule,
    CaptureState,
    CaptureWork,
    OrderedCapture,
)
from appliance.store import captures, people, retention
from appliance.store.database import Database, Transaction, reads

PAGE: Final = 50
"""Captures on one page of a list."""

MOST_SCHEDULES: Final = 50
"""Plans of one person with captures to come."""

SHOWN_SCHEDULES: Final = 100
DAY: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class CapturePage:
    """Captures of a list, the newest first; ``further`` is the id to go on after, None at the end."""

    captures: tuple[OrderedCapture, ...]
    further: str | None = None


class CaptureRegister:
    """What is changed is changed by the owner alone. Thread-safe."""

    def __init__(
        self, database: Database, blobs: BlobStore, settings: CaptureSettings, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._settings = settings
        self._now = self.now = now

    @property
    def enabled(self) -> bool:
        """Whether captures are made at all."""
        return self._settings.enabled

    @property
    def live_view(self) -> bool:
        """Whether people may log in by hand before a capture."""
        return self._settings.enabled and self._settings.live_view

    def order(
        self, draft: CaptureDraft, *, by: str, client: str | None = None, number: str | None = None
    ) -> OrderedCapture:
        """A capture that the scheduler makes as soon as it can; *number* (24 hex digits) is the id that was chosen
        for it, under which one that is there already is found.

        Raises :class:`CaptureFailed` for an address that cannot be captured; :class:`PreconditionRefused` for what
        else was entered, after too many on one day, while captures are switched off, or for a log-in by hand that
        is, or that a program asks for; :class:`NotAllowed`.
        """
        self._require_enabled()
        if draft.log_in and (client is not None or not self.live_view):
            raise PreconditionRefused(
                "Nobody can log in by hand before a capture on this machine; the operator can allow it."
            )
        accepted, now = draft.accepted(), self._now()
        with self._database.transaction() as tx:
            known = None if number is None else captures.find_capture(tx, number)
            if known is not None and known.owner == by:
                return known
            self._require_room(tx, by, now)
            made = _capture(accepted, by, now, number=number, client=client)
            captures.insert_capture(tx, made)
            return captures.load_capture(tx, made.id)

    def order_by_plan(
        self,
        draft: CaptureDraft,
        plan: PlanDraft,
        *,
        by: str,
        client: str | None = None,
        number: str | None = None,
    ) -> CaptureSchedule:
        """A schedule; its first capture is made as soon as possible. *number* as for :meth:`order`. Raises as
        that, and :class:`PreconditionRefused` for the plan."""
        self._require_enabled()
        if draft.log_in:
            raise PreconditionRefused(
                "A plan captures while nobody is there to log in; capture the address once instead."
            )
        accepted, now = draft.accepted(), self._now()
        with self._database.transaction() as tx:
            known = None if number is None else captures.find_schedule(tx, number)
            if known is not None and known.owner == by:
                return known
            self._require_room(tx, by, now)
            if captures.count_running_schedules(tx, by) >= MOST_SCHEDULES:
                raise PreconditionRefused(
                    "You have {most} plans with captures to come; stop one of them first.", most=MOST_SCHEDULES
                )
            whole = plan.accepted(people.person(tx, by).zone, now)
            schedule = CaptureSchedule(
                id=number or secrets.token_hex(12),
                owner=by,
                address=accepted.address,
                purpose=accepted.purpose,
                plan=whole,
                made=now,
                steps=steps_to_text(accepted.steps),
                due=due_of(whole, 1),
                client=client,
            )
            captures.insert_schedule(tx, schedule)
            captures.insert_capture(tx, _capture(accepted, by, now, schedule=schedule.id, client=client))
            return captures.load_schedule(tx, schedule.id)

    def get(self, capture_id: str, *, by: str) -> OrderedCapture:
        """The capture, for somebody who may see it. Raises :class:`NotFound`, also for what is not theirs."""
        return self._database.query(captures.readable_capture, capture_id, by)

    def own(self, capture_id: str, *, by: str) -> OrderedCapture:
        """The capture of *by*. Raises :class:`NotFound`, also for somebody else's."""
        return self._database.query(captures.load_capture, capture_id, by)

    def of_person(self, subject: str, *, after: str | None = None) -> CapturePage:
        """The person's newest captures, behind the one with the id *after*. Raises :class:`NotFound` for an
        *after* that is not theirs."""
        with self._database.reading() as tx:
            if after is not None:
                captures.load_capture(tx, after, subject)
            return page_of(captures.captures_of(tx, subject, after, PAGE + 1))

    def of_client(self, capture_id: str) -> OrderedCapture:
        """The capture, if the API client that acts ordered it, in the name of somebody who is of its
        organisations. Raises :class:`NotFound`."""
        return self._database.query(captures.capture_within, capture_id, _reach())

    def page_of_client(self, *, after: str, limit: int) -> Sequence[OrderedCapture]:
        """At most *limit* captures that :meth:`of_client` gives, the newest first, those behind the capture
        *after*. Raises :class:`NotFound` for an *after* that it does not give."""
        if after:
            self.of_client(after)
        return self._database.query(captures.captures_within, _reach(), after or None, limit)

    def of_organisation(self, organisation: str, *, after: str | None = None) -> CapturePage:
        """The newest captures of all people of one *organisation*, for its auditors, behind the one
        with the id *after*."""
        with self._database.reading() as tx:
            return page_of(captures.captures_of_organisation(tx, organisation, after, PAGE + 1))

    def count_ahead(self, capture: OrderedCapture) -> int:
        """How many come before *capture* in the queue; 0 for one that does not wait."""
        return self._database.query(captures.count_ahead, capture.id, self._now())

    is_to_finish = reads(captures.is_to_finish)

    def files(self, capture_id: str, *, by: str) -> Sequence[CaptureFile]:
        """The files that are there of a capture that *by* may see: none before it was recorded, and none any more
        after its disposal. Raises :class:`NotFound`."""
        with self._database.reading() as tx:
            return captures.files_of(tx, captures.readable_capture(tx, capture_id, by).id)

    def content(self, capture_id: str, name: str, *, by: str) -> bytes:
        """The file with this *name* of a capture that *by* may see. Raises :class:`NotFound`."""
        for each in self.files(capture_id, by=by):
            if each.name == name:
                return self._blobs.get(each.digest)
        raise NotFound("The web capture {capture} has no file {name}.", capture=capture_id, name=name)

    def facts(self, capture_id: str, *, by: str) -> CaptureFacts | None:
        """What the machine noted of a capture that *by* may see, as its package has it; None where there are no
        files. Raises :class:`NotFound`."""
        names = {each.name for each in self.files(capture_id, by=by)}
        return decode(self.content(capture_id, layout.FACTS, by=by)) if layout.FACTS in names else None

    def cancel(self, capture_id: str, *, by: str) -> None:
        """It is not made: one that waits at once, one that is being made within seconds. Raises
        :class:`NotFound`, or :class:`StateRefused` when it has ended."""
        now = self._now()
        with self._database.transaction() as tx:
            captures.load_capture(tx, capture_id, by)
            if not captures.cancel(tx, capture_id, by, now):
                raise StateRefused("This capture has ended already; nothing is left to cancel.")

    def hold(self, capture_id: str, *, reason: str, by: str) -> None:
        """It is kept beyond its term. Raises :class:`NotFound`, :class:`PreconditionRefused` without a reason, or
        :class:`StateRefused` for one that has no files, or is kept already."""
        words = require_reason(reason)
        self._held(capture_id, words, by)

    def release(self, capture_id: str, *, by: str) -> None:
        """It is kept for its term only. Raises :class:`NotFound`, or :class:`StateRefused` for one that is not
        kept longer."""
        self._held(capture_id, None, by)

    def _held(self, capture_id: str, reason: str | None, by: str) -> None:
        now = self._now()
        with self._database.transaction() as tx:
            capture = captures.load_capture(tx, capture_id, by)
            if capture.state is not CaptureState.DONE:
                raise StateRefused("There is nothing to keep of this capture.")
            if (capture.held is None) == (reason is None):
                raise StateRefused("Somebody has decided this already; look at the capture again.")
            captures.hold(tx, capture_id, reason)
            if reason is None:
                captures.tell_anew(tx, capture)
            kind = EventKind.CAPTURE_RELEASED if reason is None else EventKind.CAPTURE_HELD
            append_event(tx, AuditEvent(kind, now, by, None, {"capture": capture_id}, {"reason": reason}))

    def keeps_until(self, capture: OrderedCapture) -> datetime | None:
        """When the term of *capture* is over, so that its files may go; None for never, or without files."""
        days = self._settings.keep_days
        if capture.state is not CaptureState.DONE or capture.ended is None or capture.held is not None or not days:
            return None
        if self._database.query(retention.is_held, capture.id, of=retention.CAPTURES):
            return None
        return capture.ended + timedelta(days=days)

    def schedule(self, schedule_id: str, *, by: str) -> CaptureSchedule:
        """The schedule, for somebody who may see it. Raises :class:`NotFound`, also for what is not theirs."""
        return self._database.query(captures.readable_schedule, schedule_id, by)

    def schedules_of(self, subject: str) -> Sequence[CaptureSchedule]:
        """The person's newest schedules."""
        return self._database.query(captures.schedules_of, subject, SHOWN_SCHEDULES)

    def schedule_of_client(self, schedule_id: str) -> CaptureSchedule:
        """The same for schedules as :meth:`of_client`."""
        return self._database.query(captures.schedule_within, schedule_id, _reach())

    def schedules_of_client(self, *, after: str, limit: int) -> Sequence[CaptureSchedule]:
        """The same for schedules as :meth:`page_of_client`."""
        if after:
            self.schedule_of_client(after)
        return self._database.query(captures.schedules_within, _reach(), after or None, limit)

    def page_by_plan(self, schedule: CaptureSchedule, *, after: str, limit: int) -> Sequence[OrderedCapture]:
        """At most *limit* captures of *schedule*, the newest first, those behind the capture *after*. Raises
        :class:`NotFound` for an *after* that is none of them."""
        if after and self.get(after, by=schedule.owner).schedule != schedule.id:
            raise NotFound("There is no web capture {capture}.", capture=after)
        return self._database.query(captures.captures_by_plan, schedule.id, limit, after=after or None)

    def by_plan(self, schedule: CaptureSchedule) -> Sequence[OrderedCapture]:
        """The captures of *schedule*, the newest first."""
        return self._database.query(captures.captures_by_plan, schedule.id, schedule.plan.times)

    def stop(self, schedule_id: str, *, by: str) -> None:
        """No more captures by the schedule; those that were made stay. Raises :class:`NotFound`, or
        :class:`StateRefused` when none were to come."""
        now = self._now()
        with self._database.transaction() as tx:
            captures.load_schedule(tx, schedule_id, by)
            if not captures.stop_schedule(tx, schedule_id, now):
                raise StateRefused("No more captures were to come by this plan.")

    def _require_enabled(self) -> None:
        if not self.enabled:
            raise PreconditionRefused(
                "Web captures are switched off on this machine; the operator can switch them on."
            )

    def _require_room(self, tx: Transaction, by: str, now: datetime) -> None:
        if not captures.may_capture(tx, by):
            raise NotAllowed("Only investigators capture web pages; an officer can give the role.")
        most = self._settings.per_day
        if most and captures.count_ordered(tx, by, now - DAY) >= most:
            raise PreconditionRefused(
                "You have ordered {most} captures within 24 hours, which is the most; order more later.", most=most
            )


def _reach() -> ClientReach:
    """Of the client that acts; of nothing where none does."""
    return acting_client() or ClientReach("", frozenset())


def _capture(
    draft: CaptureDraft,
    by: str,
    now: datetime,
    *,
    schedule: str | None = None,
    number: str | None = None,
    client: str | None = None,
) -> OrderedCapture:
    return OrderedCapture(
        id=number or secrets.token_hex(12),
        owner=by,
        address=draft.address,
        purpose=draft.purpose,
        ordered=now,
        state=CaptureState.WAITING,
        work=CaptureWork(now),
        steps=steps_to_text(draft.steps),
        schedule=schedule,
        client=client,
        log_in=draft.log_in,
    )


def page_of(found: list[OrderedCapture]) -> CapturePage:
    """The page of a list of which one capture more was looked for."""
    shown = tuple(found[:PAGE])
    return CapturePage(shown, shown[-1].id if len(found) > PAGE else None)
