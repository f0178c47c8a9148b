"""Logs in packages: whom they tell of, and which witnesses cosigned them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.evidence import container, log_files, manifest
from appliance.evidence.model import EvidenceInput, LogMaterial
from appliance.evidence.repacked import read_zip
from hsm.note import KeyKind, NoteKey, cosign
from tests.evidence import contract
from tests.evidence.authority import TestAuthority
from tests.evidence.real_contract import SignedPdf
from tests.evidence.resealing import sealed
from tests.offline_verifier.opened import Opened


def with_log(package: bytes, log: LogMaterial, authority: TestAuthority) -> bytes:
    """The package with another log, under a good manifest that names its checkpoint."""
    files = {path: bytes(data) for path, data in read_zip(package).files.items()}
    rest = {path: data for path, data in files.items() if not path.startswith("log/")}
    rest = {path: data for path, data in rest.items() if path not in manifest.SEALS} | log_files.log_files(log)
    listed = manifest.decode(files[manifest.MANIFEST])
    state = log_files.read_log_files(log.checkpoint, log.vkey).state
    encoded = replace(listed, files=manifest.listing(rest), checkpoint=state).encode()
    return container.write_container(rest | sealed(encoded, authority))


def test_a_log_that_tells_of_another_signer_does_not_prove_the_contract(
    opened: Opened,
    package: bytes,
    authority: TestAuthority,
    pdf: SignedPdf,
    evidence: EvidenceInput,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    true = contract._by_li

    def false(signer: str) -> dict[str, Any]:
        return {**true(signer), "signer": "person-wang" if signer == "person-li" else signer}

    assert opened.judge({"true.zip": with_log(package, evidence.log, authority)}).proven
    monkeypatch.setattr(contract, "_by_li", false)
    told = contract.log(authority, pdf, 50, contract.acceptance)
    found = opened.judge({"false.zip": with_log(package, told, authority)})
    assert found.failed == {"history"} and not found.proven
    assert "not those of which the log tells" in found.text


@pytest.mark.parametrize(("needed", "said"), [(2, "That is the quorum"), (3, "That is not the quorum")])
def test_it_says_which_witnesses_cosigned_and_whether_they_are_the_quorum(
    needed: int, said: str, opened: Opened, package: bytes, authority: TestAuthority, evidence: EvidenceInput
) -> None:
    """And the policy in the package changes no verdict, as with `vermilion verify`."""
    keys = {name: Ed25519PrivateKey.generate() for name in ("north", "south", "west")}
    named = {
        name: NoteKey(f"{name}.example/witness", KeyKind.COSIGNATURE, key.public_key().public_bytes_raw())
        for name, key in keys.items()
    }
    log, note = evidence.log, evidence.log.checkpoint
    for name in ("north", "south"):
        note = cosign(note, named[name], keys[name].sign, at=authority.now)
    lines = [
        *(f"witness {name} {key.vkey()}" for name, key in named.items()),
        f"group all-of-them {needed} north south west",
        "quorum all-of-them",
    ]
    entries = tuple(replace(each, proof=each.proof.replace(log.checkpoint, note)) for each in log.entries)
    policy = "".join(f"{line}\n" for line in lines).encode()
    cosigned = replace(log, checkpoint=note, entries=entries, policy=policy)
    told = opened.judge({"cosigned.zip": with_log(package, cosigned, authority)})
    assert told.proven, told.steps
    assert "2 of 3 witnesses cosigned" in told.text and said in told.text and "west: no cosignature" in told.text
