"""Sizes of files as people read them; the same words in both languages."""

from __future__ import annotations

KILOBYTE = 1024
MEGABYTE = 1024 * KILOBYTE


class ByteSize(int):
    """A number of bytes that is written as whole KB, or from a megabyte on as MB with one place.

    Always rounded up: what is over a limit never looks as if it were the limit.
    """

    def __str__(self) -> str:
        if self < MEGABYTE:
            return f"{-(-self // KILOBYTE)} KB"
        tenths = -(-self * 10 // MEGABYTE)
        return f"{tenths // 10}.{tenths % 10} MB"

    def __format__(self, specification: str) -> str:
        return format(str(self), specification)
