"""The operator's console: what is wrong, what to do about it, and every act that an administrator may do.

It reaches administrators' accounts and acts, what was observed, and the authority as ``console``: no contract, no
document, nothing that signs.
"""

from webui.console.application import create_app
from webui.console.parts import ConsoleParts

__all__ = ["ConsoleParts", "create_app"]
