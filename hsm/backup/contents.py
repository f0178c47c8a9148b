"""What the authority's part consists of, as files below one directory, and where each belongs in a home."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from hsm.config import AuthoritySettings, TokenBackup
from hsm.files import file_lock
from hsm.store.copying import copy_store
from hsm.worker_messages import login_turn

STORE, SETTINGS, SOFTHSM, TOKENS = "authority.db", "authority.toml", "softhsm2.conf", "tokens"
PINS, CEREMONIES = "pins", "ceremonies"
_TOKENDIR = re.compile(r"^(\s*directories\.tokendir\s*=).*$", re.MULTILINE)


def token_of(settings: AuthoritySettings) -> TokenBackup:
    """What goes along: of a module that is not SoftHSM nothing, and PINs only where they are files of the home."""
    if not (settings.home.root / settings.token.softhsm_configuration).exists():
        return TokenBackup.OWN
    if settings.backup.token is TokenBackup.WITH_PINS and not pin_files(settings.home.root):
        return TokenBackup.ALONE
    return settings.backup.token


def gather(settings: AuthoritySettings, into: Path) -> None:
    """Copies store, settings and, where they go along, token and PINs into the empty directory *into*.

    SoftHSM writes its files only when somebody logs in and when keys are made or destroyed: both wait meanwhile.
    """
    home, token = settings.home, token_of(settings)
    with file_lock(home.token_writes), login_turn(home.login_turns):
        copy_store(home.store, into / STORE)
        if token is not TokenBackup.OWN:
            configuration = home.root / settings.token.softhsm_configuration
            shutil.copyfile(configuration, into / SOFTHSM)
            shutil.copytree(_tokens(configuration), into / TOKENS)
    shutil.copyfile(home.settings, into / SETTINGS)
    ceremonies = home.store.with_name(CEREMONIES)
    if ceremonies.is_dir():
        shutil.copytree(ceremonies, into / CEREMONIES)
    if token is TokenBackup.WITH_PINS:
        (into / PINS).mkdir(mode=0o700)
        for path in pin_files(home.root):
            shutil.copyfile(path, into / PINS / path.name)


def pin_files(root: Path) -> list[Path]:
    """The PINs in ``secrets/``. A credential is never taken: people may have typed it (attended mode)."""
    return [path for path in sorted((root / "secrets").glob("*.pin*")) if os.access(path, os.R_OK)]


def put_in_place(part: Path, home: Path, configuration: str) -> None:
    """Moves an opened part's files to their places below *home*, which has none of them yet.

    *configuration* is where its settings say that SoftHSM's is, from the home.
    """
    for directory in ("authority", "config", "hsm", "secrets"):
        (home / directory).mkdir(mode=0o700, parents=True, exist_ok=True)
    (part / STORE).rename(home / "authority/authority.db")
    (part / SETTINGS).rename(home / "config/authority.toml")
    if (part / CEREMONIES).exists():
        (part / CEREMONIES).rename(home / "authority/ceremonies")
    if (part / SOFTHSM).exists():
        (part / TOKENS).rename(home / "hsm/tokens")
        (home / configuration).parent.mkdir(mode=0o700, exist_ok=True)
        shutil.copyfile(part / SOFTHSM, home / configuration)
    if (part / PINS).exists():
        for path in (part / PINS).iterdir():
            path.rename(home / "secrets" / path.name)


def point_softhsm(configuration: Path, tokens: Path) -> None:
    """Lets SoftHSM's *configuration* name the directory *tokens*, whatever it named before."""
    text = configuration.read_text(encoding="utf-8")
    configuration.write_text(_TOKENDIR.sub(lambda found: f"{found[1]} {tokens}", text), encoding="utf-8")


def _tokens(configuration: Path) -> Path:
    found = _TOKENDIR.search(configuration.read_text(encoding="utf-8"))
    line = found[0] if found else ""
    return Path(line.partition("=")[2].strip())
