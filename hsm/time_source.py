"""Clocks, and the only source of times to sign: proven, without backward step, never below the last one given.

The last time given is shared by all workers through a small mapped file. It survives a crash by a *lease*: no time
is given beyond the lease's end, which is on disk, and after a start none below it.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from hsm.errors import Sentence, TimeNotAvailable
from hsm.operation_types import ClockReport, ClockState
from hsm.store.log import TimeLease

_STA_UNSYNC = 0x0040
_STA_NANO = 0x2000
_TIME_ERROR = 5


@dataclass(frozen=True, slots=True)
class ClockReading:
    """One look at the clock, all in microseconds.

    ``wall`` counts from 1970 (UTC); ``boot`` from the machine's start, sleep included, and no setting of the clock
    moves it. ``proven`` says whether anything vouches for ``wall``, ``sentence`` what or why not. ``offset`` is
    the measured one and ``error`` the most that it may be from UTC, where something measures them.
    """

    wall: int
    boot: int
    proven: bool
    sentence: Sentence
    offset: int | None = None
    error: int | None = None


class Clock(Protocol):
    """A source of time, ``kernel`` or ``declared``. Reading is cheap (no network) and thread-safe.

    ``steps_forward``: whether a forward step is believed, because whoever made it proves the new time.
    """

    source: str
    steps_forward: bool

    def read_clock(self) -> ClockReading: ...


class _Timex(ctypes.Structure):
    """``struct timex`` of adjtimex(2) on 64-bit Linux; what follows ``status`` is not used."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


class KernelClock:
    """The system clock while the kernel says that NTP holds it within *accuracy* of UTC (adjtimex(2))."""

    source = "kernel"
    steps_forward = True

    def __init__(self, accuracy: timedelta) -> None:
        self._most = accuracy // timedelta(microseconds=1)
        self._adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex

    def read_clock(self) -> ClockReading:
        """Raises :class:`TimeNotAvailable` when the kernel does not answer."""
        state = _Timex()
        result = self._adjtimex(ctypes.byref(state))
        wall, boot = _now()
        if result < 0:
            reason = os.strerror(ctypes.get_errno())
            raise TimeNotAvailable("The kernel does not tell its clock's state: {why}.", why=reason)
        if result == _TIME_ERROR or state.status & _STA_UNSYNC:
            return ClockReading(
                wall, boot, False, Sentence("The clock is not synchronised; check the NTP service.")
            )
        error = {"seconds": f"{state.maxerror / 1e6:.3f}"}
        offset = state.offset / (1e6 if state.status & _STA_NANO else 1e3)
        measured = (round(offset * 1000), int(state.maxerror))
        if state.maxerror > self._most:
            why = Sentence("The clock may be up to {seconds} s from UTC, more than the accuracy allows.", error)
            return ClockReading(wall, boot, False, why, *measured)
        said = Sentence(
            "Synchronised by NTP; measured offset {offset} ms, at most {seconds} s from UTC.",
            {**error, "offset": f"{offset:+.3f}"},
        )
        return ClockReading(wall, boot, True, said, *measured)


class DeclaredClock:
    """The system clock, believed because an operator declared it; for development, and says so."""

    source = "declared"
    steps_forward = False

    def read_clock(self) -> ClockReading:
        """Always proven, in so far as a declaration proves."""
        wall, boot = _now()
        return ClockReading(wall, boot, True, Sentence("Clock set manually; not verified."))


def _now() -> tuple[int, int]:
    return time.time_ns() // 1000, time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


LEASE = 1_000_000
"""Microseconds for which one commit covers the times that are given."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SharedTimes:
    """Shared by the workers, in microseconds: last time given, end of the lease, wall clock minus boot clock.

    As a context manager it locks the file against other processes; the lock ends with its process. The lock is a
    plain one because every timestamp takes it.
    """

    _LAYOUT = struct.Struct("=qqq")

    def __init__(self, path: Path) -> None:
        """Maps *path*, made by :meth:`create`."""
        self._file = path.open("r+b")
        self._descriptor = self._file.fileno()
        self._map = mmap.mmap(self._descriptor, self._LAYOUT.size)

    @classmethod
    def create(cls, path: Path) -> None:
        """Makes the file anew, empty; for the parent, before the workers start."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            os.write(descriptor, bytes(cls._LAYOUT.size))
        finally:
            os.close(descriptor)

    def __enter__(self) -> None:
        fcntl.lockf(self._descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN)

    def read_times(self) -> tuple[int, int, int]:
        """Last time, lease, offset; all 0 at first."""
        last, lease, offset = self._LAYOUT.unpack_from(self._map)
        return last, lease, offset

    def write_times(self, last: int, lease: int, offset: int) -> None:
        """Replaces all three."""
        self._LAYOUT.pack_into(self._map, 0, last, lease, offset)

    def close(self) -> None:
        self._map.close()
        self._file.close()


class TimeSource:
    """One for each worker, over the same :class:`SharedTimes`."""

    def __init__(
        self,
        clock: Clock,
        shared: SharedTimes,
        leases: TimeLease,
        *,
        tolerance: timedelta,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """*tolerance* is how far the clock may jump unnoticed: the declared accuracy."""
        self._clock = clock
        self._shared = shared
        self._leases = leases
        self._tolerance = tolerance // timedelta(microseconds=1)
        self._sleep = sleep
        self._given = False

    def now(self) -> datetime:
        """The time (UTC, microseconds) to put under a signature. Raises :class:`TimeNotAvailable`.

        1. something vouches for the clock;
        2. it did not step since it was first read, but for a forward step that is vouched for;
        3. it is not below the last time given, by any worker, before or after a crash;
        4. the lease covers it; else the lease is extended first, on disk.
        """
        with self._shared:
            last, lease, offset = self._state()
            reading = self._proven(offset)
            if reading.wall <= last and not self._given and last - reading.wall <= LEASE:
                # Just started again, within the lease of the run before: its end is near.
                self._sleep((last + 1 - reading.wall) / 1e6)
                reading = self._proven(offset)
            if reading.wall < last:
                raise TimeNotAvailable(
                    "The clock is {gap} s behind the last timestamp given; no earlier time will be.",
                    gap=round((last - reading.wall) / 1e6, 3),
                )
            if reading.wall > lease:
                lease = reading.wall + LEASE
                self._leases.extend_lease(lease)
            self._shared.write_times(reading.wall, lease, self._offset_of(reading, offset))
        self._given = True
        return _EPOCH + timedelta(microseconds=reading.wall)

    def status(self) -> ClockReport:
        """Whether times are given now; changes nothing."""
        with self._shared:
            last, _, offset = self._state()
        try:
            reading = self._clock.read_clock()
        except TimeNotAvailable as error:
            return self._report(ClockState.UNKNOWN, Sentence.from_error(error))
        if not reading.proven:
            return self._report(ClockState.OUT_OF_STEP, reading.sentence, reading)
        try:
            self._require_unmoved(reading, offset)
        except TimeNotAvailable as error:
            return self._report(ClockState.STEPPED, Sentence.from_error(error), reading)
        if reading.wall < last - LEASE:
            behind = Sentence("The clock is behind the last timestamp given.")
            return self._report(ClockState.STEPPED, behind, reading)
        soon = reading.error is not None and reading.error > self._tolerance / 2
        return self._report(ClockState.SOON_OUT if soon else ClockState.IN_STEP, reading.sentence, reading)

    def _report(self, state: ClockState, sentence: Sentence, reading: ClockReading | None = None) -> ClockReport:
        offset, error = (reading.offset, reading.error) if reading else (None, None)
        return ClockReport(self._clock.source, state.trusted, sentence, state, offset, error)

    def close(self) -> None:
        self._shared.close()

    def _state(self) -> tuple[int, int, int]:
        last, lease, offset = self._shared.read_times()
        if lease == 0:
            last = lease = self._leases.lease()
        return last, lease, offset

    def _proven(self, offset: int) -> ClockReading:
        reading = self._clock.read_clock()
        if not reading.proven:
            raise TimeNotAvailable(reading.sentence.template, **reading.sentence.values)
        self._require_unmoved(reading, offset)
        return reading

    def _require_unmoved(self, reading: ClockReading, offset: int) -> None:
        step = reading.wall - reading.boot - offset if offset else 0
        if step < -self._tolerance or (step > self._tolerance and not self._clock.steps_forward):
            raise TimeNotAvailable(
                "The clock was moved by {step} s; set it right, or restart the authority when it is.",
                step=round(step / 1e6, 3),
            )

    def _offset_of(self, reading: ClockReading, offset: int) -> int:
        """The offset to compare with from now on: the first one, until a forward step that was believed."""
        current = reading.wall - reading.boot
        return current if offset == 0 or current - offset > self._tolerance else offset
