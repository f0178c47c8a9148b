"""The authority as a whole, through its sockets, with keys in SoftHSM and OpenSSL as the judge."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.evidence.log_files import public_key_pem
from hsm import canonical
from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from hsm.errors import (
    BadRequest,
    CertificateRefused,
    ConsistencyRefused,
    Malformed,
    NotPermitted,
    UnknownKey,
)
from hsm.intents import instant
from hsm.merkle import leaf_hash
from hsm.note import MOST_LEAVES, LogExtension, parse_vkey, verify_checkpoint
from hsm.operation_types import AuthorityState
from hsm.timestamp import TimestampRequest, order_for, verify_token
from tests.authority import ORGANISATION, RP_ID, RunningAuthority, intent_for, running_authority
from tests.authority import ORIGIN as PAGES
from tests.hsm.memory import openssl
from tests.log import extension


def test_it_says_how_it_is(authority: RunningAuthority) -> None:
    status = authority.client("web").status()

    assert status.state is AuthorityState.OPERATIONAL
    assert status.clock.source == "declared"
    assert {key.subject for key in status.keys} == {"root", "issuing", "events", "tsa", "log", "evidence"}
    assert status.policies


def test_a_persons_signature_verifies_with_openssl(authority: RunningAuthority, tmp_path: Path) -> None:
    device = authority.enrol_person("person-openssl")
    intent = intent_for("person-openssl", document=b"the bytes that are signed")

    signed = authority.sign(intent, (device, "person-openssl"))

    (tmp_path / "cms").write_bytes(signed)
    (tmp_path / "content").write_bytes(b"the bytes that are signed")
    status, said = openssl(
        "cms", "-verify", "-binary", "-inform", "DER", "-in", tmp_path / "cms",
        "-content", tmp_path / "content", "-CAfile", authority.root / "trust/ca.pem", "-out", "/dev/null",
    )  # fmt: skip
    assert status == 0, said


def test_a_seal_needs_its_custodian_and_the_one_who_asks(authority: RunningAuthority) -> None:
    custodian = authority.enrol_person("person-custodian")
    asking = authority.enrol_person("person-asking")
    authority.enrol_seal("seal-contracts", ["person-custodian"])
    intent = intent_for("seal-contracts")

    signed = authority.sign(intent, (custodian, "person-custodian"), (asking, "person-asking"))

    assert signed


def test_timestamps_come_at_the_authoritys_own_time_and_never_go_back(authority: RunningAuthority) -> None:
    orders = [order_for(hashlib.sha256(bytes([each])).digest()) for each in range(20)]

    issued = authority.client("tsa").timestamp(orders) + authority.client("web").timestamp(orders)

    times = [each.gen_time for each in issued]
    assert times == sorted(times)
    assert len({each.serial for each in issued}) == 40
    for order, token in zip([*orders, *orders], issued, strict=True):
        assert verify_token(token.token, digest=order.digest).gen_time == token.gen_time


def test_an_order_has_no_place_for_a_time(authority: RunningAuthority) -> None:
    order = order_for(bytes(32))
    connections = authority.client("tsa")

    with pytest.raises(BadRequest):
        connections.ask("timestamp", {"orders": [[*order.fields(), "2020-01-01T00:00:00Z"]]})
    with pytest.raises(BadRequest):
        connections.ask("timestamp", {"orders": [order.fields()], "gen_time": 0})
    dated = connections.ask("timestamp", {"orders": [order.fields()]})

    assert connections.ask("status", {}) and dated[0][1] > 1_700_000_000_000_000


def test_a_policy_of_somebody_else_is_refused(authority: RunningAuthority) -> None:
    order = order_for(bytes(32))

    with pytest.raises(Exception, match="policy"):
        authority.client("tsa").timestamp([TimestampRequest(order.imprint, "1.2.3.4", None, True)])


def test_the_log_only_grows() -> None:
    """The web role cannot ask at all; who can, gets checkpoints over leaves that it gave, and of one log only."""
    leaves = [leaf_hash(b"entry %d" % number) for number in range(MOST_LEAVES + 700)]
    with running_authority(workers=2) as fresh:
        scheduler = fresh.client("scheduler")
        key = parse_vkey((fresh.root / "trust/log.vkey").read_text())
        with pytest.raises(NotPermitted):
            fresh.client("web").checkpoint(extension(leaves, 0, 1))

        assert verify_checkpoint(scheduler.checkpoint(extension(leaves, 0, 0)), key).size == 0
        whole = extension(leaves, 0, MOST_LEAVES)
        assert verify_checkpoint(scheduler.checkpoint(whole), key).root == whole.root
        assert verify_checkpoint(scheduler.checkpoint(whole), key).root == whole.root  # the answer was lost

        huge = LogExtension(1 << 62, [bytes(32)], [], bytes(32))
        for asked in (huge, replace(huge, root=whole.root, frontier=[whole.root])):
            with pytest.raises((BadRequest, ConsistencyRefused)):
                scheduler.checkpoint(asked)
        with pytest.raises(BadRequest, match=str(MOST_LEAVES)):
            scheduler.checkpoint(LogExtension(0, [], leaves, bytes(32)))
        with pytest.raises(BadRequest):
            scheduler.ask("checkpoint", {"size": 1 << 62, "root": bytes(32), "consistency": []})

        won = _extend_at_once(fresh, [leaves, [*leaves[:-1], bytes(32)]])
        fresh.restart()
        last = extension(won, len(won), len(won))
        with pytest.raises(ConsistencyRefused):
            fresh.client("scheduler").checkpoint(extension([*won[:-1], bytes([1] * 32)], MOST_LEAVES, len(won)))
        assert verify_checkpoint(fresh.client("scheduler").checkpoint(last), key).root == last.root


def _extend_at_once(fresh: RunningAuthority, logs: Sequence[Sequence[bytes]]) -> Sequence[bytes]:
    """Two logs that part, from four callers each at once: one log wins, and all who gave it get the same note."""
    begin = threading.Barrier(8)
    asked = [extension(each, MOST_LEAVES, len(each)) for each in logs]

    def ask(number: int) -> bytes | None:
        with AuthorityClient(fresh.socket("scheduler")) as client:
            begin.wait()
            try:
                return client.checkpoint(asked[number % 2])
            except ConsistencyRefused:
                return None

    with ThreadPoolExecutor(8) as callers:
        notes = list(callers.map(ask, range(8)))
    winner = 0 if notes[0] is not None else 1
    assert [each is not None for each in notes] == [number % 2 == winner for number in range(8)]
    assert len({each for each in notes if each}) == 1
    return logs[winner]


def test_document_keys_are_of_one_role_and_context(authority: RunningAuthority) -> None:
    web, scheduler = authority.client("web"), authority.client("scheduler")
    wrapped = web.wrap_key("blob-1", bytes(range(32)))

    assert web.unwrap_key("blob-1", wrapped) == bytes(range(32))
    flipped = bytes([wrapped[0] ^ 1]) + wrapped[1:]
    for client, context, given in (
        (web, "blob-2", wrapped),
        (scheduler, "blob-1", wrapped),
        (web, "blob-1", flipped),
    ):
        with pytest.raises(NotPermitted):
            client.unwrap_key(context, given)
    with pytest.raises(NotPermitted):
        authority.client("tsa").unwrap_key("blob-1", wrapped)


def test_a_revoked_certificate_is_on_the_crl_and_signs_no_more(authority: RunningAuthority) -> None:
    device = authority.enrol_person("person-leaver")
    certificate = x509.load_der_x509_certificate(authority.client("web").certificate("person-leaver"))
    act = authority.officer_act("revoke_certificate", subject="person-leaver", reason="affiliation_changed")

    crl = x509.load_der_x509_crl(authority.officer_does(authority.client("web").revoke_certificate, act))

    assert crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None
    assert authority.client("web").crls()[1] == crl.public_bytes(Encoding.DER)
    intent = intent_for("person-leaver")
    with pytest.raises(UnknownKey, match="revoked"):
        authority.sign(intent, (device, "person-leaver"))


def test_crl_numbers_go_up(authority: RunningAuthority) -> None:
    numbers = [_crl_number(authority.client(role).issue_crl()) for role in ("web", "scheduler", "operator")]

    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


def test_rotation_gives_a_new_key_at_once_in_every_worker(authority: RunningAuthority) -> None:
    before = authority.client("web").certificate("tsa")
    act = authority.officer_act("rotate", subject="tsa")

    rotated = authority.officer_does(authority.client("operator").rotate, act)

    assert rotated != before
    for role in ("web", "tsa", "scheduler"):
        token = authority.client(role).timestamp([order_for(bytes(32))])[0]
        assert verify_token(token.token).signer == x509.load_der_x509_certificate(rotated)


@pytest.mark.parametrize(
    ("name", "organisation", "refusal"),
    [
        ("李样本", "丙公司示例有限公司", CertificateRefused),
        ("李\u202e样本", ORGANISATION, CertificateRefused),
        ("", ORGANISATION, CertificateRefused),
    ],
)
def test_the_naming_rules_hold(
    authority: RunningAuthority, name: str, organisation: str, refusal: type[Exception]
) -> None:
    act = authority.officer_act(
        "enrol_person",
        subject="person-misnamed",
        name=name,
        organisation=organisation,
        credentials=[authority.register("person-misnamed", SoftwareAuthenticator.create(RP_ID, PAGES))],
    )

    with pytest.raises(refusal):
        authority.officer_does(authority.client("web").enrol_person, act)
    with pytest.raises(UnknownKey):
        authority.client("web").certificate("person-misnamed")


def _crl_number(der: bytes) -> int:
    crl = x509.load_der_x509_crl(der)
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def test_a_manifest_rests_on_a_log_that_was_witnessed(tmp_path: Path) -> None:
    root = leaf_hash(b"first")
    with running_authority(workers=1) as fresh:
        client = fresh.client("web")
        with pytest.raises(ConsistencyRefused, match="never signed"):
            client.sign_manifest(manifest(size=1, root=root))
        fresh.client("scheduler").checkpoint(LogExtension(0, [], [root], root))
        for size, other, origin in ((1, bytes(32), ORIGIN), (2, root, ORIGIN), (1, root, "another.example/log")):
            with pytest.raises(ConsistencyRefused):
                client.sign_manifest(manifest(size=size, root=other, origin=origin))
        good = manifest(size=1, root=root)
        for wrong in (b"{}", b"[]", b"anything", good + b"\n"):
            with pytest.raises((BadRequest, Malformed)):
                client.sign_manifest(wrong)
        for changed in CHANGED:
            with pytest.raises(BadRequest):
                client.sign_manifest(manifest(size=1, root=root, **changed))
        with pytest.raises(NotPermitted):
            fresh.client("tsa").sign_manifest(good)
        assert client.sign_manifest(manifest(size=1, root=root, files=[FILE, CHECKER]))
        vkey = (fresh.root / "trust/log.vkey").read_bytes()
        own = {"log/log.vkey": vkey, "log/log.pub.pem": public_key_pem(vkey.decode().strip())}
        listed = [
            {**FILE, "path": path, "sha256": hashlib.sha256(content).hexdigest()} for path, content in own.items()
        ]
        assert client.sign_manifest(manifest(size=1, root=root, files=listed))
        for path in own:
            with pytest.raises(ConsistencyRefused, match="not the log's key"):
                client.sign_manifest(manifest(size=1, root=root, files=[*listed, {**FILE, "path": path}]))

        (tmp_path / "manifest").write_bytes(good)
        (tmp_path / "p7s").write_bytes(client.sign_manifest(good))
        status, said = openssl(
            "cms", "-verify", "-binary", "-inform", "DER", "-in", tmp_path / "p7s",
            "-content", tmp_path / "manifest", "-CAfile", fresh.root / "trust/ca.pem", "-out", "/dev/null",
        )  # fmt: skip
        assert status == 0, said


ORIGIN = "vermilion.example/log"


FILE = {"path": "contract.pdf", "sha256": "0" * 64, "size": 1}
KNOWN = [line.split() for line in resources.files("hsm").joinpath("checkers.txt").read_text().splitlines()]
EARLIER, CURRENT = (next(digest for digest, name in lines if name == "check.sh") for lines in (KNOWN, KNOWN[::-1]))
CHECKER = {**FILE, "path": "check.sh", "sha256": CURRENT}
CHANGED: list[dict[str, object]] = [
    {"created": "2019-01-01T00:00:00Z"},
    {"created": instant(datetime.now(UTC) + timedelta(days=1))},
    {"created": "now"},
    {"contract": "%PDF-1.7 1 0 obj <</Type /Catalog>> endobj"},
    {"files": [{**FILE, "path": "a b<</Type"}]},
    {"files": [{**FILE, "sha256": "%PDF-1.7"}]},
    {"files": [{**FILE, "size": -1}]},
    {"files": [{**FILE, "note": "free text"}]},
    {"files": [{**FILE, "path": "check.sh"}]},
    {"files": [FILE, {**FILE, "path": "check.py"}]},
    {"files": [{**CHECKER, "sha256": EARLIER}]},
    {"files": [CHECKER, {**FILE, "path": "json.py"}]},
    {"files": [CHECKER, {**FILE, "path": "verify/check.sh"}]},
    {"files": [CHECKER, {**FILE, "path": "re.cpython-313-x86_64-linux-gnu.so"}]},
    {"files": [CHECKER, {**FILE, "path": "CHECK.SH"}]},
    {"made_for": ""},
    {"made_for": "%PDF-1.7\n1 0 obj"},
    {"made_for": "x" * 301},
    {"withheld": ["%PDF-1.7"]},
    {"withheld": [True]},
    {"format": "vermilion-evidence-manifest/1"},
    {"format": "vermilion-evidence-manifest/2"},
    {"powers_stated_since": 1},
    {"powers_stated_since": False},
]
"""Times and texts that a caller might want under the evidence key."""


def manifest(*, size: int, root: bytes, origin: object = ORIGIN, **changed: object) -> bytes:
    return canonical.encode(
        {
            "format": "vermilion-evidence-manifest/3",
            "contract": "contract-1",
            "created": instant(datetime.now(UTC)),
            "made_for": "甲公司示例有限公司",
            "withheld": [1],
            "powers_stated_since": 0,
            "checkpoint": {"origin": origin, "size": size, "root": base64.b64encode(root).decode()},
            "files": [FILE],
            **changed,
        }
    )


def test_openssl_finds_the_chain_and_the_crls_good(authority: RunningAuthority, tmp_path: Path) -> None:
    authority.enrol_person("person-chained")
    client = authority.client("web")
    client.issue_crl()
    certificate = x509.load_der_x509_certificate(client.certificate("person-chained"))
    (tmp_path / "person.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    issuing = x509.load_der_x509_certificate(client.chain()[0])
    (tmp_path / "issuing.pem").write_bytes(issuing.public_bytes(Encoding.PEM))
    crls = [x509.load_der_x509_crl(der).public_bytes(Encoding.PEM) for der in client.crls()]
    (tmp_path / "crls.pem").write_bytes(b"".join(crls))

    status, said = openssl(
        "verify", "-crl_check_all", "-x509_strict", "-CAfile", authority.root / "trust/ca.pem",
        "-untrusted", tmp_path / "issuing.pem", "-CRLfile", tmp_path / "crls.pem", tmp_path / "person.pem",
    )  # fmt: skip
    assert status == 0, said
