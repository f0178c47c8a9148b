"""Packages changed as an attacker would, with and without the keys that seal them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from appliance.evidence import container, manifest
from appliance.evidence.repacked import read_zip
from hsm import cms, timestamp
from tests.evidence.authority import TestAuthority
from tests.holder import Holder


def repacked(package: bytes, changes: Mapping[str, bytes | None]) -> bytes:
    """The package with other files (None: without one), in its one form; nothing is signed again."""
    files = {path: bytes(data) for path, data in read_zip(package).files.items()}
    files |= {path: data for path, data in changes.items() if data is not None}
    return container.write_container(
        {path: data for path, data in files.items() if changes.get(path, b"") is not None}
    )


def resealed(
    package: bytes, changes: Mapping[str, bytes | None], authority: TestAuthority, signer: Holder | None = None
) -> bytes:
    """As somebody would who has the appliance's evidence key, or *signer*'s: another content (None: without that
    file), a good manifest over it, which names the same checkpoint."""
    files = {path: bytes(data) for path, data in read_zip(package).files.items()}
    files |= {path: data for path, data in changes.items() if data is not None}
    files = {path: data for path, data in files.items() if changes.get(path, b"") is not None}
    listed = manifest.decode(files[manifest.MANIFEST])
    rest = {path: data for path, data in files.items() if path not in manifest.SEALS}
    encoded = replace(listed, files=manifest.listing(rest)).encode()
    return container.write_container(rest | sealed(encoded, authority, signer))


def sealed(encoded: bytes, authority: TestAuthority, signer: Holder | None = None) -> dict[str, bytes]:
    """The manifest with its signature, by the evidence service or by *signer*, and its timestamp."""
    query = timestamp.build_request(timestamp.order_for(hashlib.sha256(encoded).digest(), nonce=5))
    return {
        manifest.MANIFEST: encoded,
        manifest.SIGNATURE: cms.sign_detached(
            signer or authority.evidence, content=encoded, signing_time=authority.now
        ),
        manifest.QUERY: query,
        manifest.REPLY: authority.reply(query),
    }
