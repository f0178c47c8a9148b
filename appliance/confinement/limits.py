"""What one confined job may use at most."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ConfinementLimits:
    """Bounds of one job; the kernel or the parent ends what goes beyond.

    ``cpu`` seconds of processor time, ``memory`` bytes of address space, ``files`` open descriptors, ``answer``
    bytes of the encoded result.
    """

    cpu: int = 60
    memory: int = 2048 * MEBIBYTE
    files: int = 64
    answer: int = 256 * MEBIBYTE
