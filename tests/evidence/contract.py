"""All that goes into a package, made with the keys of :mod:`tests.evidence.authority`."""

from __future__ import annotations

import base64
import copy
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from appliance.evidence.extraction import locate_signatures
from appliance.evidence.model import (
    Certificates,
    EvidenceInput,
    LogEntry,
    LogMaterial,
    ManifestSignature,
    SignedRecord,
    TimestampExchange,
)
from appliance.ledger.entry import LedgerEntry, leaf_of
from hsm import canonical, cms, merkle, records, timestamp
from hsm.cms.signed_data import SIGNATURE_TIMESTAMP
from hsm.intents import instant
from hsm.note import Checkpoint, NoteKey, sign_checkpoint
from tests.evidence.authority import TestAuthority
from tests.evidence.real_contract import SignedPdf

ORIGIN = "vermilion.example/log"
ZONE = "Asia/Shanghai"
TITLE = "设备采购合同（示例）"
ALPHA, BETA = "甲公司示例有限公司", "乙公司示例有限公司"
AGREEMENT = {"en": b"# Agreement on electronic signing\n", "zh": "# 电子签名使用协议\n".encode()}
Accepting = Callable[[str], dict[str, Any]]
ACCEPTED = (1, 2)
"""The log's entries of the two companies' acceptances."""

POWER = "power-0123456789ab"
LETTER = b"%PDF-1.7 a letter of attorney\n"
_DRAFTED = {"title": TITLE, "kind": "采购合同", "amount": "CNY 1,000,000.00"}
NAMES = {"person-zhang": "张示例", "person-li": "李样本", "seal-b": "乙公司示例有限公司"}


def make(
    authority: TestAuthority,
    pdf: SignedPdf,
    *,
    others: int = 50,
    accepting: Accepting | None = None,
    stated: bool = True,
) -> EvidenceInput:
    """All about *pdf*; the log has the contract's entries among those of *others*.

    Both companies had agreed to sign electronically; the first signature rests on a power of attorney and an
    identity check. *accepting* gives what each of the two representatives accepted. Not *stated*: the power is
    from before statements began, and so is the whole log.
    """
    accepting = accepting or acceptance
    request = timestamp.build_request(timestamp.order_for(hashlib.sha256(pdf.signed).digest(), nonce=77))
    exchange = TimestampExchange(request, authority.reply(request))
    authority.now += timedelta(minutes=1)
    confirmations = [confirmed(authority, statement(signed_at(pdf)))]
    return EvidenceInput(
        contract="c-2026-0001",
        title=TITLE,
        audience=ALPHA,
        created=authority.now,
        zone=ZONE,
        original=pdf.original,
        signed=pdf.signed,
        exchange=exchange,
        signatures=pdf.signatures,
        document_timestamps=(pdf.archive,),
        records=(*_agreements(_at(authority, accepted_at(pdf)), accepting), *confirmations[:stated]),
        documents={
            **{f"agreement/electronic-signing-2.{language}.md": text for language, text in AGREEMENT.items()},
            "authority/01.json": canonical.encode(grounds(signed_at(pdf))),
            f"authority/{POWER}.pdf": LETTER,
        },
        names=NAMES,
        certificates=Certificates(
            root=authority.root.certificate,
            intermediates=(authority.issuing.certificate,),
            timestamping=authority.tsa.certificate,
            evidence=authority.evidence.certificate,
            crls=pdf.crls,
        ),
        log=log(authority, pdf, others, accepting, stated=stated),
        powers_stated_since=0 if stated else others,
        report={"indication": "TOTAL-PASSED"},
    )


def signed_at(pdf: SignedPdf) -> datetime:
    """When the first signature was made, by its timestamp."""
    return _dated(pdf.signatures[0].cms)


def _dated(message: bytes) -> datetime:
    token = cms.parse(message).unsigned[SIGNATURE_TIMESTAMP][0]
    return timestamp.parse_token(token).gen_time.replace(microsecond=0)


VERIFIED = timedelta(minutes=50)
"""How long before the first signature a second person confirmed the power on which it rests."""


def accepted_at(pdf: SignedPdf) -> datetime:
    """When both companies agreed."""
    return signed_at(pdf) - timedelta(hours=1)


def _at(authority: TestAuthority, moment: datetime) -> TestAuthority:
    other = copy.copy(authority)
    other.now = moment
    return other


def grounds(at: datetime) -> dict[str, Any]:
    """On what the first signature, made at *at*, rests."""
    return {
        "format": "vermilion-grounds/1",
        "salt": "5a" * 16,
        "contract": "c-2026-0001",
        "party": "party-1",
        "field": "person-1",
        "signer": "person-zhang",
        "person": "person-zhang",
        "at": instant(at + timedelta(seconds=1)),
        "matter": {
            "organisation": "甲公司示例有限公司",
            "agent": "person-zhang",
            "name": "张示例",
            "kinds": ["采购合同", "采购"],
            "counterparties": ["乙公司示例有限公司"],
            "amount": 100_000_000,
            "currency": "CNY",
            "amount_needed": True,
            "needed": True,
            "seal": None,
        },
        "identity": {
            "id": "identity-1",
            "document": "passport",
            "commitment": "ab" * 32,
            "ending": "5678",
            "against": "original",
            "checked_by": "person-zhao",
            "answers": "person-zhao",
            "since": instant(at - timedelta(days=20)),
            "until": instant(at + timedelta(days=300)),
        },
        "outcome": "covered",
        "words": {"en": "…", "zh": "…"},
        "considered": [{"power": _power(at), "covers": True, "tests": [{"test": "term", "holds": True}]}],
    }


def _power(at: datetime) -> dict[str, Any]:
    return {
        "id": POWER,
        "basis": "letter",
        "grantor": "甲公司示例有限公司",
        "principal": "钱示例",
        "agent": "person-zhang",
        "kinds": ["采购"],
        "counterparties": ["乙公司示例有限公司"],
        "limit": 100_000_000,
        "currency": "CNY",
        "seals": [],
        "since": instant(at - timedelta(days=10)),
        "until": instant(at + timedelta(days=10)),
        "letter": hashlib.sha256(LETTER).hexdigest(),
        "registered": {"by": "person-zhao", "at": instant(at - timedelta(days=9))},
        "verified": {"by": "officer-qian", "at": instant(at - VERIFIED)},
        "revoked": None,
    }


def statement(at: datetime) -> dict[str, Any]:
    """What the authority states of the power on which the signature of *at* rests."""
    power = _power(at)
    return {
        "format": "vermilion-power/1",
        "act": "ac" * 32,
        "agent_name": "张示例",
        "agent_organisation": ALPHA,
        "confirmed": power["verified"]["at"],
        "confirmed_by": [{"name": "钱见证", "subject": "officer-qian"}],
        "power": {
            name: value for name, value in power.items() if name not in ("registered", "verified", "revoked")
        }
        | {"registered_by": "person-zhao", "replaces": 0},
    }


def confirmed(authority: TestAuthority, said: dict[str, Any]) -> SignedRecord:
    """The statement *said*, signed by the evidence service."""
    record = canonical.encode(said)
    title = "Confirmation of a power of attorney"
    return SignedRecord(f"authority/{POWER}", title, "钱见证", record, authority.sign(authority.evidence, record))


def seals(authority: TestAuthority) -> ManifestSignature:
    return ManifestSignature(sign=authority.sign_manifest, timestamp=authority.reply)


def acceptance(person: str) -> dict[str, Any]:
    """What *person* accepted for the own company, with the other one."""
    own, other = (ALPHA, BETA) if person == "person-zhang" else (BETA, ALPHA)
    return {
        "format": records.FORMATS[records.AGREEMENT],
        "contract": None,
        "counterparties": [{"kind": "organisation", "name": other}],
        "for": None,
        "language": "zh",
        "name": NAMES[person],
        "party": {"kind": "organisation", "name": own},
        "person": person,
        "proposed": "2026-11-01T00:00:00Z",
        "texts": {language: hashlib.sha256(text).hexdigest() for language, text in AGREEMENT.items()},
        "version": "2",
    }


def _agreements(authority: TestAuthority, accepting: Accepting) -> Iterator[SignedRecord]:
    for number, person in enumerate(("person-zhang", "person-li"), start=1):
        said = accepting(person)
        record, name = canonical.encode(said), NAMES[said["person"]]
        signed = authority.sign(authority.person(name), record, media_type=records.MEDIA_TYPES[records.AGREEMENT])
        yield SignedRecord(f"agreement/{number:02}", "Agreement on electronic signing", name, record, signed)


def _accepted(person: str, at: datetime, accepting: Accepting) -> LedgerEntry:
    said = accepting(person)
    digest = hashlib.sha256(canonical.encode(said)).hexdigest()
    public = {"actor": said["person"], "person": said["person"], "signed": digest, "version": "2"}
    return LedgerEntry("agreement-accepted", at, public)


def _acts(pdf: SignedPdf, start: datetime, accepting: Accepting, *, stated: bool) -> Iterator[LedgerEntry]:
    """What the log has of this contract, as the signing cycle writes it."""
    digest, at = hashlib.sha256(pdf.original).hexdigest(), signed_at(pdf)
    archived = {"revision": 5, "digest": hashlib.sha256(pdf.signed).hexdigest(), "size": len(pdf.signed)}
    contract = {"contract": "c-2026-0001"}
    record = grounds(at)
    yield from (_accepted(person, accepted_at(pdf), accepting) for person in ("person-zhang", "person-li"))
    signed = {
        "actor": "person-zhang",
        "agreement": str(ACCEPTED[0]),
        "party": "party-1",
        "field": "person-1",
        "signer": "person-zhang",
        "grounds": hashlib.sha256(canonical.encode(record)).hexdigest(),
        "power": POWER,
        "identity": "identity-1",
    }
    acts: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("contract-drafted", {"actor": "person-zhang", "digest": digest, "pages": 1}, _DRAFTED),
        ("contract-sent", {"actor": "person-zhang", "deadline": "2026-12-01T10:00:00Z", "zone": ZONE}, {}),
        ("party-signed", signed, {**_party("张示例", ALPHA), "address": "192.0.2.17", "location": "北京市朝阳区"}),
        ("party-signed", _by_li("person-li"), {**_party("李样本", BETA), "address": "198.51.100.4"}),
        ("party-signed", _by_li("seal-b"), _party(BETA, BETA)),
        ("contract-completed", {"actor": "system", **archived}, {}),
    ]
    made = iter(pdf.signatures)
    for number, (kind, public, private) in enumerate(acts):
        if kind == "party-signed":
            message = next(made).cms
            covers, dated = locate_signatures(pdf.signed, message).content(pdf.signed), _dated(message)
            public["signed"] = hashlib.sha256(covers).hexdigest()
            if way := cms.parse(message).activation():
                public[f"activated_{way.replace('-', '_')}"] = instant(dated)
        moment = start + timedelta(minutes=3 * number)
        yield LedgerEntry(kind, dated if kind == "party-signed" else moment, contract | public, private)
        if number == 0:
            yield from _basis(record, at, stated=stated)


def _basis(record: dict[str, Any], at: datetime, *, stated: bool) -> Iterator[LedgerEntry]:
    """What the log has of the power and the identity check on which the signature of *at* rests, before it."""
    power, identity = record["considered"][0]["power"], record["identity"]
    for public, moment in (_checked(identity, at), _registered(power, at), _verified(power, at, stated=stated)):
        kind = str(public.pop("kind"))
        yield LedgerEntry(kind, moment, public)


def _party(name: str, organisation: str) -> dict[str, str]:
    return {"name": name, "organisation": organisation}


def _by_li(signer: str) -> dict[str, Any]:
    return {"actor": "person-li", "signer": signer, "agreement": str(ACCEPTED[1])}


def _registered(power: dict[str, Any], at: datetime) -> tuple[dict[str, Any], datetime]:
    facts = {name: power[name] for name in ("agent", "basis", "since", "until")}
    known = {"kind": "power-registered", "actor": "person-zhao", "power": POWER, "digest": power["letter"]}
    return known | facts, at - timedelta(days=9)


def _verified(power: dict[str, Any], at: datetime, *, stated: bool) -> tuple[dict[str, Any], datetime]:
    known = {"kind": "power-verified", "actor": "officer-qian", "power": POWER, "digest": power["letter"]}
    digest = hashlib.sha256(canonical.encode(statement(at))).hexdigest()
    return known | ({"statement": digest} if stated else {}), at - VERIFIED


def _checked(identity: dict[str, Any], at: datetime) -> tuple[dict[str, Any], datetime]:
    facts = {name: identity[name] for name in ("document", "commitment", "against", "answers", "until")}
    known = {
        "kind": "identity-checked",
        "actor": "person-zhao",
        "identity": "identity-1",
        "person": "person-zhang",
    }
    return known | facts, at - timedelta(days=20)


def log(
    authority: TestAuthority, pdf: SignedPdf, others: int, accepting: Accepting, *, stated: bool = True
) -> LogMaterial:
    """A log of *others* entries, by the log key of *authority*, with those of the contract among them."""
    leaves = [canonical.encode({"entry": index, "kind": "example"}) for index in range(others)]
    openings: dict[int, dict[str, Any]] = {}
    chains: dict[str, list[int]] = {}
    for index, act in zip(
        (*ACCEPTED, *range(3, 7), *range(8, others, 5)),
        _acts(pdf, authority.now - timedelta(minutes=30), accepting, stated=stated),
        strict=False,
    ):
        chain = chains.setdefault(act.public.get("contract", ""), [])
        place = _place(leaves, chain) if "contract" in act.public else {}
        chained = replace(act, public={**act.public, **place})
        openings[index] = {name: {"salt": f"{index:064x}", "value": value} for name, value in act.private.items()}
        leaves[index] = leaf_of(chained, openings[index])
        chain += [index] if place else []
    tree = Tree(leaves)
    key = NoteKey.from_public_key(ORIGIN, authority.log_key.public_key())
    checkpoint = sign_checkpoint(Checkpoint(ORIGIN, others, tree.root()), key, authority.log_key.sign)
    entries = tuple(
        LogEntry(index, leaves[index], tree.proof(index, checkpoint), opening)
        for index, opening in openings.items()
    )
    return LogMaterial(checkpoint, authority.token(checkpoint), key.vkey(), entries)


def _place(leaves: list[bytes], before: list[int]) -> dict[str, Any]:
    """Where the next entry stands in the contract's chain, after those of the indices *before*."""
    previous = {"previous": merkle.leaf_hash(leaves[before[-1]]).hex()} if before else {}
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
