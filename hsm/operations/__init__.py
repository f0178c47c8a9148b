"""The typed operations; each checks for itself what makes it legitimate."""

from hsm.operations.bench import Bench, open_bench
from hsm.operations.registry import PERMITTED, Operations

__all__ = ["PERMITTED", "Bench", "Operations", "open_bench"]
