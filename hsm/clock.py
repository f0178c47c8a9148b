"""Where time comes from, and what vouches for it."""

from __future__ import annotations

import ctypes
import os
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from hsm.errors import Sentence, TimeNotAvailable

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
    """A source of time. Reading is cheap (no network) and thread-safe."""

    @property
    def source(self) -> str:
        """``kernel`` or ``declared``."""
        ...

    @property
    def steps_forward(self) -> bool:
        """Whether a forward step is believed, because whoever made it proves the new time."""
        ...

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
