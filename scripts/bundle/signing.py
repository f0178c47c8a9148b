"""Who vouches for a bundle: an OpenPGP key in a directory of its own, outside the checkout's history."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from scripts.bundle.commands import run

IDENTITY = "Vermilion bundle"


class BundleKey:
    """The signing key in the GnuPG home *home*; made there when there is none."""

    def __init__(self, home: Path) -> None:
        self._home = home
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._gpg("--list-secret-keys", "--with-colons").strip():
            # Without a passphrase: whoever builds releases keeps this directory where only they can read it.
            self._gpg("--passphrase", "", "--quick-generate-key", IDENTITY, "ed25519", "sign", "3y")

    @property
    def fingerprint(self) -> str:
        """The fingerprint that an operator compares, in the form in which sqv prints it."""
        lines = self._gpg("--list-secret-keys", "--with-colons").splitlines()
        return next(line.split(":")[9] for line in lines if line.startswith("fpr:"))

    def public(self) -> bytes:
        """The public key as ASCII armour, which travels to the operator by another way than the bundle."""
        return self._gpg("--armor", "--export").encode()

    def sign(self, path: Path, signature: Path) -> None:
        """Writes the detached signature of *path*."""
        self._gpg("--armor", "--output", str(signature), "--detach-sign", str(path))

    def sign_release(self, release: Path) -> None:
        """Writes ``InRelease`` beside *release* (a Debian repository's)."""
        self._gpg("--output", str(release.with_name("InRelease")), "--clearsign", str(release))

    def _gpg(self, *arguments: str) -> str:
        return run(("gpg", "--batch", "--quiet", "--no-tty", *arguments), environment=self._environment())

    def _environment(self) -> Mapping[str, str]:
        return {**os.environ, "GNUPGHOME": str(self._home)}

    def close(self) -> None:
        """Ends the agent that GnuPG started."""
        run(("gpgconf", "--kill", "all"), environment=self._environment())
