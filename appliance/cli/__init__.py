"""The command ``vermilion``: the table of its commands, and a module for each area."""

from appliance.cli.program import main

__all__ = ["main"]
