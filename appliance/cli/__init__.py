"""The command ``vermilion``: one file for each of its verbs."""

from appliance.cli.program import main

__all__ = ["main"]
