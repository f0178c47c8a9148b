"""An opened part, examined: the store is whole, the token opens with the PIN and holds every key."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hsm import config
from hsm.backup.contents import PINS, SETTINGS, SOFTHSM, STORE, TOKENS, point_softhsm
from hsm.backup.token_keys import require_keys
from hsm.config import AuthorityHome, AuthoritySettings
from hsm.errors import BackupRefused
from hsm.settings import tables_of
from hsm.store.copying import StoreFacts, examine_store


def examine(part: Path, scratch: Path, pin: str | None) -> StoreFacts:
    """The facts of the store in the opened *part*, which stays as it is; works in the empty *scratch*.

    A token that the part brings is opened, with the part's own PIN or with *pin*; where there is neither (PINs
    that people hold) it is not. The process loads PKCS#11, for one token only.
    Raises :class:`hsm.errors.BackupRefused`.
    """
    facts = examine_store(part / STORE)
    pin = _pin_in(part) or pin
    if has_token(part) and pin is not None:
        # A copy: SoftHSM writes into the token's files at each login.
        shutil.copytree(part / TOKENS, scratch / TOKENS)
        shutil.copyfile(part / SOFTHSM, scratch / SOFTHSM)
        point_softhsm(scratch / SOFTHSM, scratch / TOKENS)
        os.environ["SOFTHSM2_CONF"] = str(scratch / SOFTHSM)
        require_keys(settings_of(part).token, _store_in(part, scratch), facts, pin, is_brought=True)
    return facts


def examine_here(part: Path, scratch: Path, here: AuthoritySettings | None, pin: str | None) -> StoreFacts:
    """The same before a restore: the keys must be there; without a token in the part, in this machine's HSM.

    *here* are the settings of this machine's authority, *pin* is its PIN, which is tried once.
    """
    facts = examine_store(part / STORE)
    pin = _pin_in(part) or pin
    if pin is None:
        raise BackupRefused(
            "The backup brings no PIN along, and this machine has none: put it into secrets/user.pin, mode 0600."
        )
    if has_token(part):
        return examine(part, scratch, pin)
    if here is None:
        raise BackupRefused(
            "The backup brings no token along; put a config/authority.toml here that names the HSM with its keys."
        )
    require_keys(here.token, _store_in(part, scratch), facts, pin, is_brought=False)
    return facts


def has_token(part: Path) -> bool:
    """Whether the opened *part* brings SoftHSM's token along."""
    return (part / SOFTHSM).exists()


def settings_of(part: Path) -> AuthoritySettings:
    """The authority's settings in the opened *part*."""
    return config.parse(tables_of(part / SETTINGS, maker="vermilion-authority init"), AuthorityHome(part))


def _store_in(part: Path, scratch: Path) -> Path:
    """A copy of the store, which may be written into."""
    return Path(shutil.copyfile(part / STORE, scratch / STORE))


def _pin_in(part: Path) -> str | None:
    path = part / PINS / "user.pin"
    return path.read_text(encoding="utf-8").strip() if path.exists() else None
