"""A log as the appliance has it, with its database on disk."""

from __future__ import annotations

from tests.ledger.conftest import database, grow, local, sequencer

__all__ = ["database", "grow", "local", "sequencer"]
