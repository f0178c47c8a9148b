"""Makes packages of web captures as somebody could who has the evidence key, or who writes the log."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pytest

from appliance.evidence import container, manifest
from appliance.evidence.captures import certificate
from appliance.evidence.captures import facts as facts_of_captures
from appliance.evidence.captures import package as capture_packages
from appliance.evidence.captures.layout import certificate_path
from appliance.evidence.repacked import read_zip
from appliance.language import Language
from appliance.ledger.entry import leaf_of
from tests.evidence import captured
from tests.evidence.authority import TestAuthority
from tests.evidence.captured import ENTRY, Told, built, evidence_for, small_capture
from tests.evidence.resealing import resealed, sealed

Bytes = Callable[[bytes], bytes]
PROOF, LEAF, OPENING = (
    f"log/{each.format(ENTRY)}"
    for each in ("proofs/{:08}.tlog-proof", "entries/{:08}.json", "openings/{:08}.json")
)
FROM_CAPTURE = ("capture.warc.gz", "capture.wacz", "page.png", "page.pdf", "page.txt", "capture.json")
EXCHANGE = ("capture.warc.tsq", "capture.warc.tsr")
LOG = (
    *(f"log/checkpoint{each}" for each in ("", ".text", ".sig", ".tst")),
    *("log/log.vkey", "log/log.pub.pem", PROOF, LEAF, OPENING),
)
CERTIFICATES = tuple(f"certificates/{each}.pem" for each in ("ca", "chain", "crls", "evidence", "timestamping"))


@dataclass(frozen=True)
class Bench:
    """Makes packages by the keys of *authority*; ``good`` and ``other`` are two of the same house."""

    authority: TestAuthority
    good: bytes
    other: bytes

    @cached_property
    def files(self) -> dict[str, bytes]:
        """Those of the good package."""
        return {path: bytes(data) for path, data in read_zip(self.good).files.items()}

    def resealed(self, changes: Mapping[str, bytes | None], of: bytes | None = None) -> bytes:
        """Other files under a good manifest."""
        return resealed(of or self.good, changes, self.authority)

    def changed(self, path: str, change: Bytes) -> bytes:
        """One file changed, under a good manifest."""
        return self.resealed({path: change(self.files[path])})

    def under(self, listed: bytes, files: Mapping[str, bytes] | None = None) -> bytes:
        """The good package under the manifest *listed*, signed and dated."""
        rest = {path: data for path, data in (files or self.files).items() if path not in manifest.SEALS}
        return container.write_container(rest | sealed(listed, self.authority))

    def told(self, told: Told, *, facts: Bytes | None = None, leaf: Bytes | None = None, **other: Any) -> bytes:
        """A package whose log tells of something else; *facts* and *leaf* change the octets of what is logged."""
        found = replace(small_capture(), **other)
        pages = {each: self.files[certificate_path(each)] for each in Language}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(certificate, "render_certificates", lambda _: pages)  # nobody judges them
            if facts is not None:
                encode = facts_of_captures.encode
                for module in (captured, capture_packages):
                    patch.setattr(module, "encode", lambda told: facts(encode(told)))
            if leaf is not None:
                patch.setattr(captured, "leaf_of", lambda *what: leaf(leaf_of(*what)))
            evidence = evidence_for(self.authority, found, told=told)
            return built(self.authority, evidence)

    def facts(self, change: Callable[[dict[str, Any]], object]) -> bytes:
        """Facts with other values, in canonical JSON, logged like this."""

        def changed(encoded: bytes) -> bytes:
            value = json.loads(encoded)
            change(value)
            return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

        return self.told(Told(), facts=changed)
