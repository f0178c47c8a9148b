"""Which user of the operating system acts as root, for the journal: root itself is nobody in particular.

It says who it was, not who it was not: whoever is root can have left another name, or none.
"""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Mapping
from pathlib import Path

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\$?")
_UNSET = 2**32 - 1
"""What the kernel says of a process that no login led to (``pam_loginuid``)."""


def user_behind(environment: Mapping[str, str], *, loginuid: Path = Path("/proc/self/loginuid")) -> str:
    """The user who ran ``sudo`` or ``doas``, else the one who logged in; empty when neither is known."""
    for name in (environment.get("SUDO_USER", ""), environment.get("DOAS_USER", "")):
        if name != "root" and _NAME.fullmatch(name):
            return name
    return _logged_in(loginuid)


def _logged_in(loginuid: Path) -> str:
    try:
        number = int(loginuid.read_text(encoding="ascii"))
        name = pwd.getpwuid(number).pw_name if 0 < number < _UNSET else ""
    except (OSError, ValueError, KeyError):
        return ""
    return name if number != os.getuid() and _NAME.fullmatch(name) else ""
