"""What subjects are called: ``person-…``, ``seal-…``, ``officer-…``; ``keeper-`` with an administrator's login.

How long a name may be is said here alone; the administration asks here, too, what a login is.
"""

from __future__ import annotations

import re
from typing import Final

LONGEST_NAME: Final = 48
"""Characters after the kind of a person, a seal or an officer."""

LONGEST_LOGIN: Final = 64
"""Characters of an administrator's login, and so after ``keeper-``."""

OUTSIDE: Final = "person-guest-"
"""How the name of an outside signer begins: it is part of what officers activate, and of the certificate."""

_NAME = re.compile(rf"[a-z0-9][a-z0-9-]{{0,{LONGEST_NAME - 1}}}")
_LOGIN = re.compile(rf"[a-z][a-z0-9._-]{{1,{LONGEST_LOGIN - 1}}}")
_KEEPER = "keeper-"


def is_name(subject: str, kind: str) -> bool:
    """Whether *subject* has the form for its *kind* (``person``, ``seal``, ``officer`` or ``keeper``)."""
    before, _, name = subject.partition("-")
    return before == kind and (is_login(name) if kind == "keeper" else _NAME.fullmatch(name) is not None)


def is_outside(subject: str) -> bool:
    """Whether *subject* is an outside signer, who may be of any organisation but those of this house."""
    return subject.startswith(OUTSIDE)


def is_login(text: str) -> bool:
    """Whether *text* has the form of an administrator's login."""
    return _LOGIN.fullmatch(text) is not None


def pin_custodian_subject(login: str) -> str:
    """What the authority calls the PIN custodian who signs in to the console as *login*."""
    return f"{_KEEPER}{login}"


def is_pin_custodian(subject: str) -> bool:
    """Whether *subject* is the name of a PIN custodian."""
    return subject.startswith(_KEEPER)
