"""Renewals on SoftHSM, by the command that an operator types: what came before goes on to hold."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from pysqlite3 import dbapi2 as sqlite

from appliance.operations.inventory import expiring_items
from hsm import canonical
from hsm.authenticator import SoftwareAuthenticator
from hsm.certificates import POLICY
from hsm.config import AuthorityHome
from hsm.errors import CertificateRefused, UnknownKey
from hsm.intents import OfficerIntent, officer_intent_from_wire
from hsm.store import AuthorityStore
from hsm.timestamp import order_for, verify_token
from tests.authority import OFFICER, RunningAuthority, end, run, running_authority, start
from tests.hsm.memory import openssl
from tests.hsm.test_ceremony import CeremonyHome
from tests.sweeps import first_of

PLAN = resources.files("hsm.ceremonies").joinpath("renewal.toml").read_text(encoding="utf-8")
HEAD = PLAN[: PLAN.index("# Every year")]
ROOT_LIST = '[[renewals]]\nwhat = "root-crl"\nhands = ["lead"]\n'


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningAuthority]:
    with running_authority(workers=1) as authority:
        yield authority


def written(shared: RunningAuthority, plan: str) -> Path:
    path = shared.root / "renewal.toml"
    path.write_text(plan, encoding="utf-8")
    return path


@contextmanager
def stopped(shared: RunningAuthority) -> Iterator[CeremonyHome]:
    """The authority stands still; its officer's authenticator is the file alone."""
    end(shared.process)
    path = shared.root / f"people/{OFFICER}.json"
    shared.officer.save(path)
    try:
        yield CeremonyHome(shared.root)
    finally:
        shared.officer = SoftwareAuthenticator.load(path)
        shared.process = start(shared.root)


def renewed(shared: RunningAuthority, plan: str) -> str:
    """*plan* held with the officer's authenticator in software."""
    with stopped(shared):
        return run(shared.root, "renew", str(written(shared, plan)), "--in-software", OFFICER)


def refused(shared: RunningAuthority, plan: str, *arguments: str) -> str:
    with stopped(shared) as home:
        done = home.run("renew", str(written(shared, plan)), *arguments)
    assert done.returncode == 1, done.stdout
    return done.stderr


def token(shared: RunningAuthority) -> bytes:
    order = order_for(hashlib.sha256(b"data").digest(), nonce=1, certificates=True)
    [issued] = shared.client("tsa").timestamp([order])
    return issued.token


def test_everything_is_renewed_and_what_came_before_goes_on_to_hold(
    shared: RunningAuthority, tmp_path: Path
) -> None:
    shared.enrol_person("person-before")
    web = shared.client("web")
    names = ("issuing", "events", "tsa", "evidence", "log", "person-before")
    before = {name: web.certificate(name) for name in names}
    old_token, old_root_list = token(shared), x509.load_der_x509_crl(web.crl("root"))

    shown = renewed(shared, PLAN)

    web = shared.client("web")
    second = x509.load_der_x509_certificate(web.certificate("issuing-2"))
    root = x509.load_der_x509_certificate(web.authorities()[-1])
    second.verify_directly_issued_by(root)
    expected = [web.certificate("issuing-2"), before["issuing"], web.certificate("events-2"), before["events"]]
    assert web.authorities() == [*expected, web.certificate("root")]
    assert web.chain() == [web.certificate("issuing-2"), web.certificate("root")]
    for name in ("tsa", "evidence", "log"):
        certificate = x509.load_der_x509_certificate(web.certificate(name))
        certificate.verify_directly_issued_by(second)
        older = x509.load_der_x509_certificate(before[name])
        assert (certificate.public_key() == older.public_key()) == (name == "log")
        assert certificate.subject == older.subject
    assert verify_token(token(shared)).signer == x509.load_der_x509_certificate(web.certificate("tsa"))
    assert x509.load_der_x509_crl(web.crl("root")).next_update_utc >= old_root_list.next_update_utc
    shared.enrol_person("person-after")
    verifies_in_openssl(
        shared, tmp_path, [*before.values(), *(web.certificate(each) for each in ("tsa", "person-after"))]
    )
    (tmp_path / "token").write_bytes(old_token)
    (tmp_path / "data").write_bytes(b"data")
    status, text = openssl(
        *("ts", "-verify", "-token_in", "-in", tmp_path / "token", "-data", tmp_path / "data"),
        *("-CAfile", shared.root / "trust/ca.pem", "-untrusted", shared.root / "trust/chain.pem"),
    )
    assert status == 0, text
    assert {key.subject for key in web.status().keys} == {
        "root",
        "issuing-2",
        "events-2",
        "tsa",
        "log",
        "evidence",
    }
    for words in ("王见证", "Activated by: officer-wang", "A new key of issuing-2", "The same key of log"):
        assert words in shown
    kept = [path for path in (shared.root / "authority/ceremonies").iterdir() if path.name.startswith("renewal-")]
    assert shown.startswith(kept[0].read_text()) and hashlib.sha256(kept[0].read_bytes()).hexdigest() in shown


def verifies_in_openssl(shared: RunningAuthority, folder: Path, certificates: list[bytes]) -> None:
    lists = [x509.load_der_x509_crl(each).public_bytes(Encoding.PEM) for each in shared.client("web").crls()]
    (folder / "crls.pem").write_bytes(b"".join(lists))
    trust = shared.root / "trust"
    for each in certificates:
        (folder / "leaf.pem").write_bytes(x509.load_der_x509_certificate(each).public_bytes(Encoding.PEM))
        checked = ("-crl_check_all", "-CRLfile", folder / "crls.pem")
        chain = ("-CAfile", trust / "ca.pem", "-untrusted", trust / "chain.pem")
        status, text = openssl("verify", "-x509_strict", *checked, *chain, folder / "leaf.pem")
        assert status == 0, text


def test_an_older_certificate_is_revoked_alone_on_the_list_of_who_issued_it(shared: RunningAuthority) -> None:
    web = shared.client("web")
    store = AuthorityStore(AuthorityHome(shared.root).store)
    older = store.registry.unexpired("tsa", 0)[0]
    store.close()
    assert older.issuer == "issuing"
    act = shared.officer_act("revoke_certificate", subject="tsa", reason="superseded", serial=older.serial)
    crl = x509.load_der_x509_crl(shared.officer_does(web.revoke_certificate, act))
    assert crl.issuer == x509.load_der_x509_certificate(web.certificate("issuing")).subject
    assert [each.serial_number for each in crl] == [older.certificate.serial_number]
    assert len(x509.load_der_x509_crl(web.crl("issuing-2"))) == 0
    [told] = ocsp.load_der_ocsp_response(web.ocsp(older.certificate.public_bytes(Encoding.DER))).responses
    assert told.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert told.revocation_reason is x509.ReasonFlags.superseded
    [told] = ocsp.load_der_ocsp_response(web.ocsp(web.certificate("tsa"))).responses
    assert told.certificate_status is ocsp.OCSPCertStatus.GOOD
    with pytest.raises(CertificateRefused, match="list alone"):
        web.ocsp(web.certificate("issuing"))
    assert verify_token(token(shared))  # the current one goes on
    again = shared.officer_act("revoke_certificate", subject="tsa", reason="superseded", serial=older.serial)
    with pytest.raises(CertificateRefused, match="revoked before"):
        shared.officer_does(web.revoke_certificate, again)
    unknown = shared.officer_act("revoke_certificate", subject="tsa", reason="superseded", serial="abc")
    with pytest.raises(UnknownKey, match="no certificate abc"):
        shared.officer_does(web.revoke_certificate, unknown)


def test_officers_allow_it_by_files(shared: RunningAuthority, tmp_path: Path) -> None:
    act, given = tmp_path / "act", tmp_path / "assertion.json"
    with stopped(shared) as home:
        path = written(shared, HEAD + ROOT_LIST)
        shown = run(shared.root, "renewal-act", str(path), "--out", str(act))
        assert base64url(hashlib.sha256(act.read_bytes()).digest()) in shown
        assert canonical.decode(act.read_bytes())["details"] == {
            "plan": hashlib.sha256(path.read_bytes()).hexdigest()
        }
        device = SoftwareAuthenticator.load(shared.root / f"people/{OFFICER}.json")
        given.write_text(
            json.dumps(assertion(device, officer_intent_from_wire(canonical.decode(act.read_bytes()), "renew")))
        )
        device.save(shared.root / f"people/{OFFICER}.json")
        arguments = ("--act", str(act), "--activation", str(given))
        assert "Activated by: officer-wang" in run(shared.root, "renew", str(path), *arguments)
        again = home.run("renew", str(path), *arguments)
        assert again.returncode == 1, "an act is good for once"
        written(shared, HEAD + ROOT_LIST + ROOT_LIST)
        other = home.run("renew", str(path), *arguments)
        assert other.returncode == 1 and "not the renewal in this file" in other.stderr
        assert home.run("renew", str(path)).returncode == 2


def assertion(device: SoftwareAuthenticator, act: OfficerIntent) -> dict[str, str]:
    made = device.activate(OFFICER, act)
    parts = ("credential_id", "client_data", "authenticator_data", "signature")
    return {"subject": made.subject, **{name: base64url(getattr(made, name)) for name in parts}}


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.mark.parametrize(
    ("steps", "why"),
    first_of(
        [
            ('[[renewals]]\nwhat = "issuing"\ncommon_name = "朱印示例签发CA"\nhands = ["lead"]\n', "new name"),
            ('[[renewals]]\nwhat = "issuing"\nhands = ["lead"]\n', "common_name"),
            ('[[renewals]]\nwhat = "events"\ncommon_name = "朱印示例签发CA"\nhands = ["lead"]\n', "new name"),
            ('[[renewals]]\nwhat = "root"\nhands = ["lead"]\n', "root is none"),
            ('[[renewals]]\nwhat = "root-crl"\nhands = ["nobody"]\n', "hands"),
            (
                '[[renewals]]\nwhat = "revoke"\nsubject = "tsa"\nreason = "superseded"\nhands = ["lead"]\n',
                "no issuing CA that has a successor",
            ),
        ]
    ),
)
def test_what_a_renewal_refuses(shared: RunningAuthority, steps: str, why: str) -> None:
    numbers = [x509.load_der_x509_crl(each) for each in shared.client("web").crls()]
    assert why in refused(shared, HEAD + ROOT_LIST + steps, "--in-software", OFFICER)
    assert [x509.load_der_x509_crl(each) for each in shared.client("web").crls()] == numbers  # all or nothing


@pytest.mark.long
def test_a_wrong_pin_of_the_root_or_no_officer_ends_it(shared: RunningAuthority) -> None:
    pin = shared.root / "secrets/root.pin"
    kept = pin.read_text()
    assert "no authenticator in software" in refused(shared, HEAD + ROOT_LIST, "--in-software", "officer-nobody")
    pin.write_text("000000000000\n")
    try:
        assert "PIN" in refused(shared, HEAD + ROOT_LIST, "--in-software", OFFICER)
    finally:
        pin.write_text(kept)


def test_the_predecessor_of_an_issuing_ca_is_revoked_by_the_root(shared: RunningAuthority) -> None:
    run(shared.root, "release-latch")  # the test before this one gave a wrong PIN
    shown = renewed(
        shared,
        HEAD + '[[renewals]]\nwhat = "revoke"\nsubject = "issuing"\nreason = "superseded"\nhands = ["keeper"]\n',
    )
    assert "issuing is revoked" in shown
    revoked = x509.load_der_x509_crl(shared.client("web").crl("root"))
    assert [each.serial_number for each in revoked] == [
        x509.load_der_x509_certificate(shared.client("web").certificate("issuing")).serial_number
    ]


def test_a_machine_from_before_gets_its_ca_for_event_certificates() -> None:
    """As an earlier release's ceremony left it: without that CA. Settings name one OID for all certificates."""
    own_oid = f'[certificates]\nevent_policy = "{POLICY}"\n'
    with running_authority(workers=1, settings=own_oid) as own:
        end(own.process)
        _without_event_ca(own)
        own.process = start(own.root)
        assert own.client("web").vouching_limit() == 0
        before = own.client("web").authorities()
        step = '[[renewals]]\nwhat = "events"\ncommon_name = "示例事件CA"\nhands = ["lead"]\n'
        assert "A new key of events, certified by root" in renewed(own, HEAD + step)
        web = own.client("web")
        made = x509.load_der_x509_certificate(web.certificate("events"))
        assert web.authorities() == [before[0], web.certificate("events"), before[-1]]
        named = {each.name: each.serial for each in expiring_items(web, web.status())}
        assert named["events"] == f"{made.serial_number:x}"
        assert named["issuing"] == f"{x509.load_der_x509_certificate(before[0]).serial_number:x}"
        assert x509.load_der_x509_crl(web.crl("events")).issuer == made.subject
        assert web.vouching_limit() == 50


def _without_event_ca(own: RunningAuthority) -> None:
    store = sqlite.connect(own.root / "authority/authority.db", isolation_level=None)
    [(trigger,)] = store.execute("SELECT sql FROM sqlite_master WHERE name = 'certificates_stay'").fetchall()
    store.execute("DROP TRIGGER certificates_stay")
    store.execute("UPDATE certificates SET subject = 'elsewhere' WHERE subject = 'events'")
    store.execute(trigger)
    store.execute("UPDATE subjects SET subject = 'elsewhere' WHERE subject = 'events'")
    store.close()
