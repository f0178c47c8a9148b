"""Logins and subjects of people who come from a directory: like the login there, and nobody else's here."""

from __future__ import annotations

import re
import secrets
from typing import Final

from appliance.accounts.accounts import subject_for
from appliance.store import directories, people
from appliance.store.database import Transaction

_LONGEST: Final = 40
"""Characters of a login that is derived, with room for a number."""

_TRIES: Final = 100
"""Numbers that are tried; of more people with one login the next have random ones."""


def new_login(tx: Transaction, login: str) -> str:
    """A free login like *login*, which may be ``DOMAIN\\name`` or ``name@domain``; a random one where that has
    letters that a login here cannot have."""
    name = login.rpartition("\\")[2].partition("@")[0].strip().lower()
    slug = re.sub(r"[^a-z0-9._-]+", "-", name).strip("._-")[:_LONGEST] if name.isascii() else ""
    if len(slug) < 2:
        return f"u{secrets.token_hex(6)}"
    for number in range(1, _TRIES):
        tried = slug if number == 1 else f"{slug}-{number}"
        if not directories.is_login_taken(tx, tried):
            return tried
    return f"{slug}-{secrets.token_hex(6)}"


def new_subject(tx: Transaction, kind: str, login: str) -> str:
    """A subject of this *kind* (``person``) like *login*, that nobody has or had."""
    subject = subject_for(kind, login)
    return f"{kind}-{secrets.token_hex(6)}" if people.is_known(tx, subject) else subject
