"""A signed contract and its log, made with the keys of :mod:`tests.evidence.authority`."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from appliance.evidence.model import (
    Certificates,
    EvidenceInput,
    LogEntry,
    LogMaterial,
    Seals,
    SignatureMaterial,
    SignedRecord,
    TimestampExchange,
)
from appliance.ledger.entry import LedgerEntry, leaf_of
from hsm import canonical, merkle, timestamp
from hsm.checkpoint import Checkpoint, sign_checkpoint
from hsm.note import NoteKey
from tests.evidence.authority import Holder, TestAuthority

ORIGINAL = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n%%EOF\n"
ROOM = 16 * 1024
ORIGIN = "vermilion.example/log"
ZONE = "Asia/Shanghai"
TITLE = "设备采购合同（示例）"
NAMES = {"person-zhang": "张示例", "person-li": "李样本", "seal-b": "乙公司示例有限公司"}


def revision(document: bytes, make: Callable[[bytes], bytes]) -> tuple[bytes, bytes]:
    """*document* with one signature appended as PDFs carry it, and that signature; *make* makes it."""
    before = document + b"2 0 obj\n<< /Type /Sig /Contents "
    tail_at = len(before) + ROOM * 2 + 2

    def after(length: int) -> bytes:
        numbers = f"/ByteRange [0 {len(before)} {tail_at} {length:>10}]".encode()
        return b" " + numbers + b" >>\nendobj\n%%EOF\n"

    tail = after(len(after(0)))
    signature = make(before + tail)
    return before + b"<" + signature.hex().encode().ljust(ROOM * 2, b"0") + b">" + tail, signature


def make(authority: TestAuthority, *, title: str = TITLE, others: int = 40) -> EvidenceInput:
    """Two people and a seal signed; the log has the contract's six entries among those of *others*."""
    holders = [
        ("person-1", "person", "张示例", "甲公司示例有限公司"),
        ("person-2", "person", "李样本", "乙公司示例有限公司"),
        ("seal-3", "seal", "乙公司示例有限公司", "乙公司示例有限公司"),
    ]
    signed, materials, people = ORIGINAL, [], []
    for field, kind, name, organisation in holders:
        holder = authority.person(f"{name} {field}")
        people.append(holder)
        signed, cms = revision(signed, lambda content, holder=holder: authority.sign(holder, content))
        materials.append(SignatureMaterial(field, kind, name, organisation, cms))
        authority.now += timedelta(minutes=7)
    crls = authority.crls()
    signed, archive = revision(signed, authority.token)
    request = timestamp.build_request(timestamp.order_for(hashlib.sha256(signed).digest(), nonce=77))
    exchange = TimestampExchange(request, authority.reply(request))
    authority.now += timedelta(minutes=1)
    return EvidenceInput(
        contract="c-2026-0001",
        title=title,
        created=authority.now,
        zone=ZONE,
        original=ORIGINAL,
        signed=signed,
        exchange=exchange,
        signatures=tuple(materials),
        document_timestamps=(archive,),
        records=(_agreement(authority, people[0]),),
        documents={"agreement/electronic-signing-1.zh.md": "# 电子签名使用协议\n".encode()},
        certificates=Certificates(
            root=authority.root.certificate,
            intermediates=(authority.issuing.certificate,),
            timestamping=authority.tsa.certificate,
            evidence=authority.evidence.certificate,
            crls=crls,
        ),
        names=NAMES,
        log=_log(authority, others),
        report={"indication": "TOTAL-PASSED"},
    )


def seals(authority: TestAuthority) -> Seals:
    return Seals(sign=authority.sign_manifest, timestamp=authority.reply)


def _agreement(authority: TestAuthority, signer: Holder) -> SignedRecord:
    record = canonical.encode({"format": "vermilion-agreement/1", "person": "person-zhang", "version": "1"})
    title = "Agreement on electronic signing"
    return SignedRecord("agreement/01", title, "张示例", record, authority.sign(signer, record))


def _acts(start: datetime) -> Iterator[LedgerEntry]:
    """What the log has of this contract, as the signing cycle writes it."""
    digest = hashlib.sha256(ORIGINAL).hexdigest()
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


def _log(authority: TestAuthority, others: int) -> LogMaterial:
    leaves = [canonical.encode({"entry": index, "kind": "example"}) for index in range(others)]
    openings: dict[int, dict[str, Any]] = {}
    for index, act in zip(range(3, others, 5), _acts(authority.now - timedelta(minutes=30)), strict=False):
        openings[index] = {name: {"salt": f"{index:064x}", "value": value} for name, value in act.private.items()}
        leaves[index] = leaf_of(act, openings[index])
    tree = Tree(leaves)
    key = NoteKey.of(ORIGIN, authority.log_key.public_key())
    checkpoint = sign_checkpoint(Checkpoint(ORIGIN, others, tree.root()), key, authority.log_key.sign)
    entries = tuple(
        LogEntry(index, leaves[index], tree.proof(index, checkpoint), opening)
        for index, opening in openings.items()
    )
    return LogMaterial(checkpoint, authority.token(checkpoint), key.vkey(), entries)


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
