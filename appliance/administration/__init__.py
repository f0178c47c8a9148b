"""The operator's side: administrators of three kinds, what they may do, and the journal of what they did.

Nothing here signs, reads contracts, or changes what auditors see. Everything lies in a database of its own.
"""

from appliance.administration.composition import COMMAND, CONSOLE, Administration, Process, open_administration

__all__ = ["COMMAND", "CONSOLE", "Administration", "Process", "open_administration"]
