"""A home: making the first one, the PIN and environment that come from it, and the lock that outlasts restarts."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from hsm.config import AuthoritySettings
from hsm.errors import ConfigurationRefused
from hsm.files import file_lock, sync_directory, write_durably, write_private

_SETTINGS = """\
# Settings of the authority. docs/reference.md lists them all; what is absent has its default.

[time]
# "kernel": timestamps only while NTP is proven to hold the clock; "declared": the clock is believed (development).
source = "declared"
"""

_SOFTHSM = """\
directories.tokendir = {tokens}
objectstore.backend = file
log.level = ERROR
slots.removable = false
# Forks that would break on hardware then break here too.
library.reset_on_fork = true
"""

PINS = ("so.pin", "user.pin", "root.pin")
"""Security officer, the daemon's user, the root's token; in development they lie in ``secrets/``."""


def make_home(root: Path) -> list[Path]:
    """Makes what is missing below *root*; the files that were made. Nothing is ever overwritten."""
    tokens = root / "hsm/tokens"
    for directory in (root / "config", root / "secrets", root / "hsm", tokens, root / "authority", root / "run"):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    contents = {
        root / "config/authority.toml": _SETTINGS,
        root / "hsm/softhsm2.conf": _SOFTHSM.format(tokens=tokens),
        **{root / "secrets" / name: f"{secrets.randbelow(10**12):012d}\n" for name in PINS},
    }
    return [path for path, content in contents.items() if _write_new(path, content)]


def _write_new(path: Path, content: str) -> bool:
    try:
        write_private(path, content.encode())
    except FileExistsError:
        return False
    return True


def module_environment(settings: AuthoritySettings, environment: Mapping[str, str]) -> dict[str, str]:
    """*environment* with what the PKCS#11 module needs: SoftHSM finds its tokens through ``SOFTHSM2_CONF``."""
    configuration = settings.home.root / settings.token.softhsm_configuration
    if not configuration.exists():
        return dict(environment)
    return {**environment, "SOFTHSM2_CONF": str(configuration)}


def user_pin(settings: AuthoritySettings, environment: Mapping[str, str]) -> str | None:
    """The daemon's PIN from systemd's credentials or ``secrets/``; None where neither has it (attended).

    Raises :class:`ConfigurationRefused` for a file in ``secrets/`` that others can read.
    """
    credentials = environment.get("CREDENTIALS_DIRECTORY")
    path = (Path(credentials) if credentials else settings.home.root / "secrets") / "user.pin"
    try:
        if not credentials and path.stat().st_mode & 0o077:
            raise ConfigurationRefused("{path} can be read by others; make it mode 0600.", path=path)
        pin = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    return pin or None


class LastingAuthorityLock:
    """A lock that lasts: the file *path* says that somebody locked the authority, so that no restart unlocks it.

    Where the PIN is kept for the daemon, whoever starts it again would otherwise undo a lock: one operator, a
    crash, a watchdog. The file is there before a lock is answered. It goes when an unlock is activated (by PIN
    custodians or officers), or when two persons restart the authority (root takes it away for them); nothing else
    removes it. Safe between processes: locking and unlocking take turns, and what locked later stands.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def exclusive(self) -> AbstractContextManager[int]:
        """A critical section for one worker at a time: decisions inside it are in the order of the moments taken
        inside."""
        return file_lock(self._path.with_name("locking.lock"))

    def current_mark(self) -> bytes | None:
        """The mark of the present lock; None without one.

        Raises OSError for one that cannot be read, which a starting authority treats as a lock.
        """
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None

    @property
    def is_locked(self) -> bool:
        try:
            return self.current_mark() is not None
        except OSError:
            return True

    def set_mark(self) -> None:
        """Sets the lock, with a unique mark; on disk on return. Raises OSError."""
        write_durably(self._path, secrets.token_hex(16).encode() + b"\n", mode=0o600)

    def clear_mark(self, seen: bytes | None) -> None:
        """Removes the lock with the mark that was *seen* when the unlock began; a later lock stays.

        To be called inside :meth:`exclusive`. Raises OSError.
        """
        if seen is not None and self.current_mark() == seen:
            self.remove_file()

    def remove_file(self) -> None:
        """Removes any lock: for root, when two persons want that. On disk on return. Raises OSError."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return
        sync_directory(self._path.parent)
