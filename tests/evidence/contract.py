"""All that goes into a package, made with the keys of :mod:`tests.evidence.authority`."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from appliance.evidence.model import (
    Certificates,
    EvidenceInput,
    LogEntry,
    LogMaterial,
    Seals,
    SignedRecord,
    TimestampExchange,
)
from appliance.ledger.entry import LedgerEntry, leaf_of
from hsm import canonical, merkle, timestamp
from hsm.checkpoint import Checkpoint, sign_checkpoint
from hsm.note import NoteKey
from tests.evidence.authority import TestAuthority
from tests.evidence.real_contract import SignedPdf

ORIGIN = "vermilion.example/log"
ZONE = "Asia/Shanghai"
TITLE = "设备采购合同（示例）"
NAMES = {"person-zhang": "张示例", "person-li": "李样本", "seal-b": "乙公司示例有限公司"}


def make(authority: TestAuthority, pdf: SignedPdf, *, others: int = 40) -> EvidenceInput:
    """All about *pdf*; the log has the contract's six entries among those of *others*."""
    request = timestamp.build_request(timestamp.order_for(hashlib.sha256(pdf.signed).digest(), nonce=77))
    exchange = TimestampExchange(request, authority.reply(request))
    authority.now += timedelta(minutes=1)
    return EvidenceInput(
        contract="c-2026-0001",
        title=TITLE,
        created=authority.now,
        zone=ZONE,
        original=pdf.original,
        signed=pdf.signed,
        exchange=exchange,
        signatures=pdf.signatures,
        document_timestamps=(pdf.archive,),
        records=(_agreement(authority),),
        documents={"agreement/electronic-signing-1.zh.md": "# 电子签名使用协议\n".encode()},
        names=NAMES,
        certificates=Certificates(
            root=authority.root.certificate,
            intermediates=(authority.issuing.certificate,),
            timestamping=authority.tsa.certificate,
            evidence=authority.evidence.certificate,
            crls=pdf.crls,
        ),
        log=_log(authority, pdf, others),
        report={"indication": "TOTAL-PASSED"},
    )


def seals(authority: TestAuthority) -> Seals:
    return Seals(sign=authority.sign_manifest, timestamp=authority.reply)


def _agreement(authority: TestAuthority) -> SignedRecord:
    record = canonical.encode({"format": "vermilion-agreement/1", "person": "person-zhang", "version": "1"})
    title = "Agreement on electronic signing"
    return SignedRecord(
        "agreement/01", title, "张示例", record, authority.sign(authority.person("张示例"), record)
    )


def _acts(original: bytes, start: datetime) -> Iterator[LedgerEntry]:
    """What the log has of this contract, as the signing cycle writes it."""
    digest = hashlib.sha256(original).hexdigest()
    contract = {"contract": "c-2026-0001"}
    acts: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("contract-drafted", {"actor": "person-zhang", "digest": digest, "pages": 1}, {"title": TITLE}),
        ("contract-sent", {"actor": "person-zhang", "deadline": "2026-12-01T10:00:00Z", "zone": ZONE}, {}),
        ("party-signed", {"actor": "person-zhang"}, {"address": "192.0.2.17", "location": "北京市朝阳区"}),
        ("party-signed", {"actor": "person-li"}, {"address": "198.51.100.4", "location": None}),
        ("party-signed", {"actor": "person-li", "signer": "seal-b"}, {"organisation": "乙公司示例有限公司"}),
        ("contract-completed", {"actor": "system", "revision": 5}, {}),
    ]
    for at, (kind, public, private) in enumerate(acts):
        yield LedgerEntry(kind, start + timedelta(minutes=3 * at), contract | public, private)


def _log(authority: TestAuthority, pdf: SignedPdf, others: int) -> LogMaterial:
    leaves = [canonical.encode({"entry": index, "kind": "example"}) for index in range(others)]
    openings: dict[int, dict[str, Any]] = {}
    for index, act in zip(
        range(3, others, 5), _acts(pdf.original, authority.now - timedelta(minutes=30)), strict=False
    ):
        chained = replace(act, public={**act.public, **_place(leaves, openings)})
        openings[index] = {name: {"salt": f"{index:064x}", "value": value} for name, value in act.private.items()}
        leaves[index] = leaf_of(chained, openings[index])
    tree = Tree(leaves)
    key = NoteKey.of(ORIGIN, authority.log_key.public_key())
    checkpoint = sign_checkpoint(Checkpoint(ORIGIN, others, tree.root()), key, authority.log_key.sign)
    entries = tuple(
        LogEntry(index, leaves[index], tree.proof(index, checkpoint), opening)
        for index, opening in openings.items()
    )
    return LogMaterial(checkpoint, authority.token(checkpoint), key.vkey(), entries)


def _place(leaves: list[bytes], before: Mapping[int, object]) -> dict[str, Any]:
    """Where the next entry stands in the contract's chain, after those of the indices *before*."""
    previous = {"previous": merkle.leaf_hash(leaves[max(before)]).hex()} if before else {}
    return {"sequence": len(before) + 1, **previous}


@dataclass(frozen=True, slots=True)
class Tree:
    """A whole Merkle tree in memory."""

    leaves: list[bytes]

    def root(self) -> bytes:
        return merkle.range_hash(0, len(self.leaves), self.subtree)

    def subtree(self, start: int, end: int) -> bytes:
        if end - start == 1:
            return merkle.leaf_hash(self.leaves[start])
        middle = (start + end) // 2
        return merkle.node_hash(self.subtree(start, middle), self.subtree(middle, end))

    def proof(self, index: int, checkpoint: bytes) -> bytes:
        ranges = merkle.inclusion_ranges(index, len(self.leaves))
        hashes = [base64.b64encode(merkle.range_hash(*each, self.subtree)).decode() for each in ranges]
        lines = "".join(f"{each}\n" for each in hashes)
        return f"c2sp.org/tlog-proof@v1\nindex {index}\n{lines}\n".encode() + checkpoint
