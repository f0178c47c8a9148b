"""The second factors of the demonstration's people: software authenticators, one file each, counters kept."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hsm.authenticator import SoftwareAuthenticator
from hsm.intents import OfficerIntent, SigningIntent, WebAuthnActivation


class DemonstrationAuthenticators:
    """The authenticators in one private directory, named by subject. One process at a time uses each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, subject: str) -> bool:
        """Whether *subject* has an authenticator here."""
        return self._path(subject).exists()

    def create_authenticator(self, subject: str, *, rp_id: str, origin: str) -> dict[str, str]:
        """A new authenticator for *subject*; its credential, as enrolment wants it."""
        authenticator = SoftwareAuthenticator.create(rp_id, origin)
        authenticator.save(self._path(subject))
        return authenticator.credential()

    def activate(self, subject: str, act: SigningIntent | OfficerIntent) -> WebAuthnActivation:
        """The assertion of *subject* for *act*; the new counter is on disk before it is given away."""
        with self._alone(subject):
            authenticator = SoftwareAuthenticator.load(self._path(subject))
            activation = authenticator.activate(subject, act)
            authenticator.save(self._path(subject))
        return activation

    def _path(self, subject: str) -> Path:
        return self._folder / f"{subject}.json"

    @contextmanager
    def _alone(self, subject: str) -> Iterator[None]:
        with (self._folder / f"{subject}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
