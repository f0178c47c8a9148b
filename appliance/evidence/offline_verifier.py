"""``verify.html``: signed PDFs, timestamps, log proofs and packages, judged by a browser without a network.

It is built from ``clients/offline_verifier`` by ``make offline-verifier``, byte for byte the same everywhere, and
kept here, since appliances have nothing to build it with. It lies at the root of every package and at
``/verify.html``.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib import resources
from typing import Final

from hsm.checkers import VERIFIER
from hsm.errors import Malformed

_POLICY: Final = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">')
_SCRIPT: Final = re.compile(r'<script id="script">(.*?)</script>', re.DOTALL)


@cache
def read_verifier() -> bytes:
    """The whole file, UTF-8."""
    return resources.files("appliance.evidence").joinpath(VERIFIER).read_bytes()


@cache
def verifier_digest() -> str:
    """The SHA-256 of :func:`read_verifier` in hex, which people compare with that of a file they were given."""
    return hashlib.sha256(read_verifier()).hexdigest()


@cache
def verifier_policy() -> str:
    """The content security policy that the file states of itself: its one script and style by their digests, no
    connection. Raises :class:`Malformed` for a file whose script is another than its policy names."""
    page = read_verifier().decode()
    stated, script = _POLICY.search(page), _SCRIPT.search(page)
    digest = base64.b64encode(hashlib.sha256(script[1].encode() if script else b"").digest()).decode()
    if stated is None or f"script-src 'sha256-{digest}'" not in stated[1]:
        raise Malformed("verify.html has another script than its policy names.")
    return stated[1]
