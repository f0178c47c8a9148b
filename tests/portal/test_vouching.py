"""The initiator vouches for an outside signer: send, vouch, tell the code, make the passkey, accept, sign."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from flask import Flask
from flask.testing import FlaskClient

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import ZHANG, ZONE
from appliance.errors import PreconditionRefused
from appliance.evidence.exporting import Exporting
from appliance.language import Language, translator
from appliance.ledger import Sequencer
from appliance.ledger.disclosure import Audience
from appliance.model.contract import Contract, ContractState, Deadline, GuestDetails, Party, PartyState, Placement
from appliance.signing_methods import SigningMethod
from appliance.verification.model import Indication
from appliance.wiring import Appliance
from hsm.client import AuthorityClient
from hsm.vouching import scope_in
from tests.own_certificate.test_forged import forged
from tests.portal import signing_visits
from tests.portal.conftest import portal_of
from tests.portal.drafts import Wizard
from tests.portal.visitors import SIGNER, signed_in
from tests.world import World, contract_now, sample_document, shared_world

POLICY = '[outside_signers]\nmethods = ["vouched", "verified"]\n'
COMPANY = "丙公司示例有限公司"
_CODE = re.compile(r'<p class="callnumber"><code class="digest">(\d{4} \d{4})</code></p>')


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with shared_world() as world:
        world.home.policy.write_text(POLICY, encoding="utf-8")
        yield world


@pytest.fixture(scope="module")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance, AuthorityClient(world.home.authority_socket("scheduler")) as scheduler:
        Sequencer(appliance.database, scheduler).run_once()
        yield appliance


@pytest.fixture(scope="module")
def portal(appliance: Appliance) -> Flask:
    return portal_of(appliance, appliance.authority)


@dataclass(slots=True)
class Vouched:
    """A contract of one outside signer, and the browsers of both people."""

    appliance: Appliance
    portal: Flask
    contract: str
    zhang: FlaskClient
    guest: FlaskClient

    @property
    def now(self) -> Contract:
        return contract_now(self.appliance, self.contract)

    @property
    def party(self) -> Party:
        return self.now.parties[0]

    @property
    def link(self) -> str:
        return urlsplit(
            self.appliance.addresses.invitation_url(self.appliance.guests.of_party(self.party.id))
        ).path

    def vouch(self, address: str = "") -> str:
        """Zhang confirms with the passkey; the code on the page after it."""
        asked = self.zhang.get(address or f"/contracts/{self.contract}/vouch")
        page = signing_visits.confirm(self.zhang, self.appliance, ZHANG.subject, asked)
        assert page.status_code == 200, page.text
        [code] = _CODE.findall(page.text)
        return str(code)

    def come_in(self, code: str) -> str:
        """The guest opens the link, types the code where the passkey is made, and comes back; where to."""
        page = self.guest.get(self.link)
        assert 'name="code"' not in page.text, "the portal never gets it"
        asked = self.guest.post(self.link, data=signing_visits.hidden(page.text))
        device = signing_visits.new_device(self.appliance)
        device.save(self.appliance.settings.home.people / f"{self.party.subject}.json")
        landed = signing_visits.set_up(self.guest, self.appliance, asked, device, vouched_code=code)
        return landed.headers.get("Location", landed.text)

    def sign(self) -> None:
        """The guest accepts the agreement and signs."""
        address = f"/contracts/{self.contract}/sign"
        agreement = self.guest.get(self.guest.get(address).headers["Location"])
        asked = signing_visits.send(self.guest, signing_visits.sheet_form(agreement.text))
        accepted = signing_visits.confirm(
            self.guest, self.appliance, self.party.subject, asked, says="您的接受只及于您本人的签名"
        )
        signing_visits.confirm(self.guest, self.appliance, self.party.subject, accepted)

    def complete(self) -> None:
        self.appliance.recovery.run()
        assert self.now.state is ContractState.COMPLETED


@pytest.fixture
def vouched(appliance: Appliance, portal: Flask) -> Vouched:
    """Sent; the initiator has not vouched yet."""
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    terms = DraftTerms("确认示例合同", "服务", "示例", ZHANG.subject, deadline)
    draft = appliance.drafting.draft(sample_document(1), terms)
    guest = GuestDetails("郑示例", COMPANY, "zheng@gamma.example", "+86 138 0000 0000")
    party = appliance.drafting.add_guest(draft.id, guest, by=ZHANG.subject)
    assert party.method is SigningMethod.VOUCHED
    appliance.drafting.place(draft.id, party.id, [Placement(0, 10, 80, 25, 8)], by=ZHANG.subject)
    zhang = signed_in(portal, appliance, ZHANG.subject, SIGNER)
    wizard = Wizard(zhang, draft.id)
    sent = wizard.send("check", wizard.form("check"), act="send")
    assert sent.headers["Location"] == f"/contracts/{draft.id}/vouch", "the next step is to vouch"
    outside = portal.test_client()
    outside.environ_base["HTTP_ACCEPT"] = "text/html"
    return Vouched(appliance, portal, draft.id, zhang, outside)


def test_from_sending_to_the_signature_without_an_officer(vouched: Vouched) -> None:
    page = vouched.zhang.get(f"/contracts/{vouched.contract}").text
    assert f'href="/contracts/{vouched.contract}/vouch"' in page
    code = vouched.vouch()
    onward = vouched.zhang.get(f"/contracts/{vouched.contract}/vouched")
    assert onward.headers["Location"] == f"/contracts/{vouched.contract}"
    page = vouched.zhang.get(onward.headers["Location"]).text
    assert '/vouch"' not in page and "请将链接交给郑示例" in page, "no mail goes out here"
    assert vouched.come_in(code) == f"/contracts/{vouched.contract}/sign"
    vouched.sign()
    assert vouched.party.state is PartyState.SIGNED
    vouched.complete()
    subject = vouched.party.subject
    certificate = x509.load_der_x509_certificate(vouched.appliance.authority.certificate(subject))
    scope = scope_in(certificate)
    assert scope is not None
    assert (scope.contract, scope.party, scope.vouched_by) == (vouched.contract, vouched.party.id, ZHANG.subject)
    vouched.appliance.vouchings.run()
    assert vouched.appliance.authority.vouching(subject).ended
    history = vouched.zhang.get(f"/contracts/{vouched.contract}/history").text
    assert "发起人已确认外部签署人身份" in history and "外部签署人已取得本合同证书" in history


@pytest.mark.parametrize("who", [lambda _: ZHANG.subject, lambda vouched: vouched.party.subject])
def test_evidence_says_who_vouched_and_stands_for_itself(
    vouched: Vouched, world: World, tmp_path: Path, who: Callable[[Vouched], str]
) -> None:
    vouched.come_in(vouched.vouch())
    vouched.sign()
    vouched.complete()
    vouched.appliance.vouchings.run()
    with AuthorityClient(world.home.authority_socket("scheduler")) as scheduler:
        Sequencer(vouched.appliance.database, scheduler).run_once()
    audience = Audience.of_person(vouched.appliance.registry.person(who(vouched)))
    made = Exporting(vouched.appliance).export(vouched.contract, audience).package
    report = vouched.appliance.verifier.verify(made, file="evidence.zip")
    assert report.indication is Indication.PASSED, report.to_json()
    said = [each.translated(translator(Language.CHINESE)) for each in report.remarks]
    assert any("身份由" in each and "未经登记员核验" in each for each in said), said
    with zipfile.ZipFile(io.BytesIO(made)) as files:
        files.extractall(tmp_path)
    assert (tmp_path / f"authority/vouching-{vouched.party.id}.json").exists()
    root = world.home.trust / "ca.pem"
    for checker in ("sh", "check.sh"), (sys.executable, "check.py"):
        done = subprocess.run([*checker, str(root)], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"authority/vouching-{vouched.party.id}.json" in done.stdout

    name = f"authority/vouching-{vouched.party.id}"
    unsigned = [f"{name}.{ending}" for ending in ("p7s", "sig", "tst")]
    unsigned.append(f"certificates/{name.replace('/', '-')}.pem")

    def without_signature(files: dict[str, bytes]) -> None:
        for path in unsigned:
            del files[path]

    found = vouched.appliance.verifier.verify(forged(vouched.appliance, made, without_signature))
    assert found.indication is Indication.FAILED, "who vouched is the authority's word, and nobody else's"
    with zipfile.ZipFile(io.BytesIO(forged(vouched.appliance, made, without_signature))) as files:
        for path in unsigned:
            (tmp_path / path).unlink()
        files.extractall(tmp_path)
    for checker in ("sh", "check.sh"), (sys.executable, "check.py"):
        done = subprocess.run([*checker, str(root)], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stdout + done.stderr


def test_a_wrong_code_is_refused_and_a_new_one_takes_another_confirmation(vouched: Vouched) -> None:
    code = vouched.vouch()
    assert "还可尝试 4 次" in vouched.come_in("0000 0000" if code != "0000 0000" else "0000 0001")
    assert "8 位" in vouched.come_in("123"), "no try is lost by a slip"
    other = vouched.vouch(f"/contracts/{vouched.contract}/vouch?party={vouched.party.id}")
    assert vouched.come_in(other) == f"/contracts/{vouched.contract}/sign"


def test_before_anybody_vouched_the_signer_is_told_so(vouched: Vouched) -> None:
    page = vouched.guest.get(vouched.link)
    asked = vouched.guest.post(vouched.link, data=signing_visits.hidden(page.text))
    device = signing_visits.new_device(vouched.appliance)
    with pytest.raises(AssertionError, match="邀请您的人尚未确认您的身份"):
        signing_visits.register(vouched.appliance, asked, device)


def test_no_receipt_no_session(vouched: Vouched) -> None:
    vouched.come_in(vouched.vouch())
    stranger = vouched.portal.test_client()
    for receipt in ("", "?receipt=x"):
        answer = stranger.get(f"{vouched.link}/vouched{receipt}")
        assert (answer.status_code, answer.headers["Location"]) == (303, vouched.link)


def test_a_correction_ends_code_and_certificate_and_asks_to_vouch_anew(vouched: Vouched) -> None:
    vouched.come_in(vouched.vouch())
    before = vouched.party.subject
    page = f"/contracts/{vouched.contract}/guests/{vouched.party.id}/correct"
    typed = {"name": "郑示例", "email": "zheng@gamma.example", "phone": "+86 138 0000 0000"}
    answer = vouched.zhang.post(page, data={**signing_visits.hidden(vouched.zhang.get(page).text), **typed})
    assert answer.status_code == 303, answer.text
    assert vouched.appliance.authority.vouching(before).ended
    assert vouched.party.subject != before
    assert vouched.guest.get(f"/contracts/{vouched.contract}/sign").status_code != 200
    assert (
        f'href="/contracts/{vouched.contract}/vouch"' in vouched.zhang.get(f"/contracts/{vouched.contract}").text
    )
    assert vouched.come_in(vouched.vouch()) == f"/contracts/{vouched.contract}/sign"


def test_what_ends_unsigned_leaves_no_certificate(vouched: Vouched) -> None:
    vouched.come_in(vouched.vouch())
    subject = vouched.party.subject
    serial = x509.load_der_x509_certificate(vouched.appliance.authority.certificate(subject)).serial_number
    vouched.appliance.endings.recall(vouched.contract, reason="不再需要", by=ZHANG.subject)
    vouched.appliance.vouchings.run()
    crl = x509.load_der_x509_crl(vouched.appliance.authority.crl("events"))
    assert crl.get_revoked_certificate_by_serial_number(serial) is not None
    again = vouched.appliance.drafting.draft_again(vouched.contract, by=ZHANG.subject)
    assert again.parties[0].subject != subject, "the next contract takes a certificate of its own"


def test_who_signs_on_the_initiators_word_asks_for_no_seal(appliance: Appliance) -> None:
    draft = appliance.drafting.draft(sample_document(1), DraftTerms("用印示例", "服务", "示例", ZHANG.subject))
    guest = GuestDetails("郑示例", COMPANY, "zheng@gamma.example", "+86 138 0000 0000")
    party = appliance.drafting.add_guest(draft.id, guest, by=ZHANG.subject)
    with pytest.raises(PreconditionRefused):
        seal = appliance.registry.seals()[0].subject
        appliance.drafting.add_seal(draft.id, seal=seal, requester=party.subject, by=ZHANG.subject)


def test_a_machine_without_the_ca_offers_another_method(
    appliance: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = appliance.drafting.draft(sample_document(1), DraftTerms("方式示例", "服务", "示例", ZHANG.subject))
    monkeypatch.setattr(type(appliance.authority), "vouching_limit", lambda _: 0)
    assert appliance.drafting.offered_methods(draft) == (SigningMethod.VERIFIED,)
    guest = GuestDetails("郑示例", COMPANY, "zheng@gamma.example", method=SigningMethod.VOUCHED)
    with pytest.raises(PreconditionRefused, match="on this machine"):
        appliance.drafting.add_guest(draft.id, guest, by=ZHANG.subject)


def test_nobody_else_vouches(vouched: Vouched) -> None:
    vouched.come_in(vouched.vouch())
    answer = vouched.guest.get(f"/contracts/{vouched.contract}/vouch?party={vouched.party.id}")
    assert answer.status_code == 404
    with pytest.raises(PreconditionRefused):
        vouched.appliance.vouchings.open(vouched.contract, by=vouched.party.subject)


def test_a_contract_with_such_a_certificate_is_ended_by_another_contract(vouched: Vouched) -> None:
    vouched.come_in(vouched.vouch())
    vouched.sign()
    vouched.complete()
    with pytest.raises(PreconditionRefused, match="agreement on its"):
        vouched.appliance.voiding.propose(vouched.contract, reason="作废", by=ZHANG.subject)
