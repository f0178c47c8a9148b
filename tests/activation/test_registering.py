"""Setting up what one signs with, and an officer's passkey by a code, on the pages of the activation service."""

from __future__ import annotations

import base64
import html
import re
import secrets
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from webauthn.helpers import base64url_to_bytes
from werkzeug.test import TestResponse

from appliance.accounts import passwords
from appliance.activation_requests import (
    KnownPasskey,
    RegistrationPurpose,
    RegistrationRequest,
    is_receipt_of,
)
from appliance.demonstration.participants import ALPHA
from hsm.activation.credentials import code_at, step_of
from hsm.authenticator import SoftwareAuthenticator
from hsm.operation_types import PendingCredential
from hsm.store.registrations import MOST_OF_SUBJECT
from tests.activation.conftest import ORIGIN, PORTAL, Desk
from tests.activation_service import Form, browser_at, passkey_form, posted, posted_registration, send_to
from tests.authority import assertion_over
from webui.activation import registration

HERE = "/settings/signing/registered"
PIN = "246810"
FINGERPRINT = re.compile(r"[0-9a-f]{4}(?: [0-9a-f]{4}){4}")


@pytest.fixture
def asked() -> RegistrationRequest:
    """Somebody new is to set up what they sign with."""
    return RegistrationRequest(
        subject=f"person-{secrets.token_hex(6)}",
        purpose=RegistrationPurpose.SIGNING,
        back=HERE,
        language="en",
        zone="Asia/Shanghai",
        login="sun",
        name="孙<i>示例</i>",
        organisation=ALPHA,
        handle=secrets.token_bytes(16),
    )


def device(origin: str = ORIGIN, rp_id: str = "localhost") -> SoftwareAuthenticator:
    return SoftwareAuthenticator.create(rp_id, origin)


def put(desk: Desk, asked: RegistrationRequest) -> str:
    """Writes the request, as the portal does; its path at the service."""
    return f"/register/{desk.appliance.activation_requests.add(asked)}"


def form(desk: Desk, path: str, kind: str = "create") -> Form:
    shown = desk.get(path)
    assert shown.status_code == 200, shown.text
    return passkey_form(shown.text, kind)


def challenge_of(form: Form) -> bytes:
    given = base64url_to_bytes(str(form.options["challenge"]))
    assert given.hex() == form.fields["challenge"]
    return given


def make(desk: Desk, path: str, by: SoftwareAuthenticator, **more: str) -> TestResponse:
    """*by* answers the form at *path* that makes a passkey."""
    shown = form(desk, path)
    return desk.send(shown, credential=posted_registration(by, by.register(challenge_of(shown))), **more)


def use(desk: Desk, path: str, by: SoftwareAuthenticator) -> TestResponse:
    """*by* answers the form at *path* that takes a passkey which is there already."""
    shown = form(desk, path, "get")
    return desk.send(shown, credential=posted(assertion_over(by, "", challenge_of(shown))))


def pending(desk: Desk, asked: RegistrationRequest) -> list[PendingCredential]:
    return desk.appliance.authority.pending_credentials(asked.subject)


def known(*devices: SoftwareAuthenticator) -> tuple[KnownPasskey, ...]:
    return tuple(
        KnownPasskey(each.credential_id, bytes.fromhex(each.credential()["public_key"])) for each in devices
    )


# A passkey


def test_a_new_passkey_waits_and_its_fingerprint_is_read_out(desk: Desk, asked: RegistrationRequest) -> None:
    path, own = put(desk, asked), device()
    page = desk.get(path).text
    assert "孙&lt;i&gt;示例&lt;/i&gt;" in page and "<i>示例" not in page and ALPHA in page
    answer = make(desk, path, own)
    [waits] = pending(desk, asked)
    assert answer.status_code == 200 and FINGERPRINT.findall(answer.text) == [waits.fingerprint]
    assert (waits.kind, waits.credential_id) == ("webauthn", own.credential_id)
    assert f'href="{PORTAL}{HERE}"' in answer.text and "not through the portal" in answer.text
    assert answer.headers["Cache-Control"] == "no-store" and "Set-Cookie" not in answer.headers


def test_an_invitation_makes_one_passkey(desk: Desk, asked: RegistrationRequest) -> None:
    """Another would take its place on the device, and sign nobody in."""
    account = replace(asked, purpose=RegistrationPurpose.ACCOUNT, reference="link-1")
    path, first, second = put(desk, account), device(), device()
    elsewhere = form(desk, path)
    assert FINGERPRINT.search(make(desk, path, first).text)
    answer = posted_registration(second, second.register(challenge_of(elsewhere)))
    for again in (desk.get(path), desk.send(elsewhere, credential=answer), desk.get(put(desk, account))):
        assert again.status_code == 409 and "A passkey was made by this link already" in again.text
    assert [each.credential_id for each in pending(desk, account)] == [first.credential_id]
    assert make(desk, put(desk, replace(account, reference="link-2")), second).status_code == 200


def test_what_the_browser_is_asked_to_make(desk: Desk, asked: RegistrationRequest) -> None:
    own = device()
    options = form(desk, put(desk, replace(asked, known=known(own)))).options
    assert options["rp"]["id"] == "localhost"  # type: ignore[index]  # JSON
    assert options["user"]["name"] == "sun"  # type: ignore[index]  # JSON
    assert base64url_to_bytes(options["user"]["id"]) == asked.handle  # type: ignore[index]  # JSON
    assert options["authenticatorSelection"]["userVerification"] == "required"  # type: ignore[index]  # JSON
    assert options["attestation"] == "none"
    assert [base64url_to_bytes(each["id"]) for each in options["excludeCredentials"]] == [own.credential_id]  # type: ignore[attr-defined]  # JSON
    again = form(desk, put(desk, asked))
    assert again.fields["challenge"] != form(desk, put(desk, asked)).fields["challenge"]


@pytest.mark.parametrize(
    ("origin", "rp_id"), [(PORTAL, "localhost"), ("http://localhost", "localhost"), (ORIGIN, "evil.example")]
)
def test_what_was_made_elsewhere_is_refused(
    desk: Desk, asked: RegistrationRequest, origin: str, rp_id: str
) -> None:
    answer = make(desk, put(desk, asked), device(origin, rp_id))
    assert answer.status_code == 403 and 'role="alert"' in answer.text and 'data-passkey="create"' in answer.text
    assert pending(desk, asked) == []


def test_the_challenge_of_another_registration_is_refused(desk: Desk, asked: RegistrationRequest) -> None:
    own, mine, theirs = device(), form(desk, put(desk, asked)), put(desk, replace(asked, subject="person-other"))
    other = form(desk, theirs)
    made = posted_registration(own, own.register(challenge_of(other)))
    seen = {"seen": mine.fields["seen"]}
    for fields in (other.fields | seen, mine.fields, {"challenge": "zz"} | seen, {"challenge": ""} | seen, seen):
        answer = desk.send(Form(mine.action, fields, {}), credential=made)
        assert answer.status_code == 403, answer.text
    assert pending(desk, asked) == []
    assert desk.send(other, credential=made).status_code == 200, "nothing of it was used up"


@pytest.mark.parametrize(
    "credential",
    [
        "",
        "{}",
        "[1]",
        "null",
        '{"response": {}}',
        '{"response": {"clientDataJSON": 1}}',
        "x" * 30_000,
        "[" * 20_000,
    ],
)
def test_an_answer_that_is_none_is_asked_for_again(
    desk: Desk, asked: RegistrationRequest, credential: str
) -> None:
    answer = desk.send(form(desk, put(desk, asked)), credential=credential)
    assert answer.status_code == 409 and 'role="alert"' in answer.text and 'data-passkey="create"' in answer.text
    assert pending(desk, asked) == []


def test_a_form_of_another_page_registers_nothing(desk: Desk, asked: RegistrationRequest) -> None:
    own, shown = device(), form(desk, put(desk, asked))
    data = {**shown.fields, "credential": posted_registration(own, own.register(challenge_of(shown)))}
    for headers in ({"Origin": PORTAL}, {}, {"Origin": "null"}, {"Origin": ORIGIN, "Sec-Fetch-Site": "same-site"}):
        answer = desk.browser.post(shown.action, base_url=ORIGIN, headers=headers, data=data)
        assert answer.status_code == 403
    assert pending(desk, asked) == []


def test_a_ticket_of_an_act_is_none_of_a_registration(desk: Desk, asked: RegistrationRequest) -> None:
    act, registration = desk.put(desk.document()), put(desk, asked)
    assert desk.get(f"/register/{act[5:]}").status_code == 404
    assert desk.get(f"/act/{registration[10:]}").status_code == 404
    for wrong in ("x" * 32, "", "..", "x"):
        assert desk.get(f"/register/{wrong}").status_code == 404


def test_whatever_a_request_says_people_go_back_to_the_portal(desk: Desk, asked: RegistrationRequest) -> None:
    for back in ("https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil.example"):
        page = desk.get(put(desk, replace(asked, back=back))).text
        assert "evil.example" not in re.sub(r"<dd>.*?</dd>", "", page) and "javascript:" not in page


def test_a_login_that_no_picture_can_hold_opens_nothing(desk: Desk, asked: RegistrationRequest) -> None:
    answer = desk.get(put(desk, replace(asked, login="x" * 3000)))
    assert answer.status_code == 404 and "<form" not in answer.text


def test_who_is_no_person_sets_up_nothing(desk: Desk, asked: RegistrationRequest) -> None:
    for subject in ("seal-alpha-contract", "keeper-a", "", "x" * 200):
        answer = desk.get(put(desk, replace(asked, subject=subject)))
        assert 400 <= answer.status_code < 500 and "<form" not in answer.text


# A passkey that is there already


def test_the_passkey_of_signing_in_is_taken_with_a_proof(desk: Desk, asked: RegistrationRequest) -> None:
    own, other, stranger = device(), device(), device()
    path = put(desk, replace(asked, known=known(own, other)))
    options = form(desk, path, "get").options
    allowed = [base64url_to_bytes(each["id"]) for each in options["allowCredentials"]]  # type: ignore[attr-defined]  # JSON
    assert allowed == [own.credential_id, other.credential_id]

    pretended = replace(stranger, credential_id=own.credential_id)
    for wrong in (stranger, pretended, replace(own, origin=PORTAL), replace(own, rp_id="evil.example")):
        answer = use(desk, path, wrong)
        assert answer.status_code in (400, 403, 409) and 'role="alert"' in answer.text, answer.text
    assert pending(desk, asked) == []

    answer = use(desk, path, own)
    [waits] = pending(desk, asked)
    assert waits.fingerprint in answer.text and waits.credential_id == own.credential_id


def test_who_opens_another_page_for_the_same_name_keeps_nobody_from_registering(
    desk: Desk, asked: RegistrationRequest
) -> None:
    """Anybody who knows the login of an officer who is given a new passkey gets such a page."""
    path, own = put(desk, asked), device()
    shown, others = form(desk, path), put(desk, asked)
    for _ in range(2 * MOST_OF_SUBJECT):
        assert desk.get(others).status_code == 200
    answer = desk.send(shown, credential=posted_registration(own, own.register(challenge_of(shown))))
    [waits] = pending(desk, asked)
    assert waits.fingerprint in answer.text


def test_a_key_that_the_portal_names_is_taken_of_nobody_who_does_not_have_it(
    desk: Desk, asked: RegistrationRequest
) -> None:
    """As when it writes its own key beside the id of somebody's passkey."""
    own, thief = device(), device()
    swapped = replace(known(own)[0], public_key=known(thief)[0].public_key)
    path = put(desk, replace(asked, known=(swapped,)))
    assert use(desk, path, own).status_code == 403
    assert pending(desk, asked) == []


def test_without_a_passkey_there_is_nothing_to_use(desk: Desk, asked: RegistrationRequest) -> None:
    assert 'data-passkey="get"' not in desk.get(put(desk, asked)).text


def test_who_comes_back_with_the_same_passkey_reads_out_the_same(desk: Desk, asked: RegistrationRequest) -> None:
    own = device()
    path = put(desk, replace(asked, known=known(own)))
    first, second = (FINGERPRINT.findall(use(desk, path, own).text) for _ in range(2))
    assert first == second == [each.fingerprint for each in pending(desk, asked)]


# PIN and code


def pin_form(desk: Desk, path: str) -> tuple[Form, bytes]:
    """The form for a PIN, and the secret that is scanned beside it."""
    page = desk.get(path).text
    sealed = re.search(r'name="sealed" value="([0-9a-f]+)"', page)
    uri = re.search(r"secret=([A-Z2-7]+)", html.unescape(page)) or re.search(r"\b([A-Z2-7]{32})\b", page)
    assert sealed and uri, page
    seen = re.search(r'name="seen" value="([0-9a-f]{64})"', page)
    assert seen
    return Form(path, {"seen": seen[1], "sealed": sealed[1]}, {}), base64.b32decode(uri[1])


def code_of(secret: bytes, *, later: int = 0) -> str:
    return code_at(secret, step_of(datetime.now(UTC)) + later)


def test_pin_and_code_wait_and_are_called_the_weaker_way(desk: Desk, asked: RegistrationRequest) -> None:
    path = put(desk, asked)
    shown, secret = pin_form(desk, path)
    assert "Weaker than a passkey" in desk.get(path).text
    folds = (
        desk.get(each).text.count('<details class="more" open>')
        for each in (path, put(desk, replace(asked, by_code=True)))
    )
    assert tuple(folds) == (0, 1), "only who signs in with a code finds it unfolded"
    answer = desk.send(shown, pin=f" {PIN} ", pin_again=PIN, code=code_of(secret))
    [waits] = pending(desk, asked)
    assert waits.kind == "pin-totp" and FINGERPRINT.findall(answer.text) == [waits.fingerprint]
    assert PIN not in answer.text and base64.b32encode(secret).decode() not in answer.text
    for path_ in Path(desk.appliance.settings.home.root).rglob("*.db*"):
        content = path_.read_bytes()
        assert secret not in content and base64.b32encode(secret) not in content, path_


@pytest.mark.parametrize(
    "pin", ["", "12345", "1234567890123", "12345a", "１２３４５６", "000000", "123456", "987654"]
)
def test_pins_that_are_refused(desk: Desk, asked: RegistrationRequest, pin: str) -> None:
    shown, secret = pin_form(desk, put(desk, asked))
    answer = desk.send(shown, pin=pin, pin_again=pin, code=code_of(secret))
    assert answer.status_code == 409 and "PIN" in answer.text and 'role="alert"' in answer.text
    assert pin == "" or f'value="{pin}"' not in answer.text
    assert pending(desk, asked) == []


def test_few_pins_are_hashed_at_once(
    desk: Desk, asked: RegistrationRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes 64 MB, and anybody who may register has a page for it: all threads together, more than the unit
    may have. Who has one page holds one place, however often they send it; whoever finds none free waits."""
    hashing, go_on, found = threading.Semaphore(0), threading.Event(), passwords.hash_pin

    def slowly(pin: str) -> str:
        hashing.release()
        go_on.wait()
        return found(pin)

    def register(form: Form, secret: bytes) -> Future[TestResponse]:
        fields = {"pin": PIN, "pin_again": PIN, "code": code_of(secret)}
        return pool.submit(send_to, browser_at(desk.service), ORIGIN, form, **fields)

    most = registration.HASHED_AT_ONCE
    pages = [pin_form(desk, put(desk, asked)) for _ in range(most + 1)]
    monkeypatch.setattr(passwords, "hash_pin", slowly)
    with ThreadPoolExecutor(most + 2) as pool:
        try:
            sent = [register(*pages[0]) for _ in range(2)]
            over, _ = wait(sent, timeout=60, return_when=FIRST_COMPLETED)
            assert [each.result().status_code for each in over] == [503], "one page, hashed for twice at once"
            others = [register(*each) for each in pages[1:]]
            assert all(hashing.acquire(timeout=60) for _ in range(most))
            assert not hashing.acquire(timeout=1) and not any(each.done() for each in others)
        finally:
            go_on.set()
        assert [each.result().status_code for each in others] == [200] * most
    assert pending(desk, asked)


def test_a_pin_is_typed_twice(desk: Desk, asked: RegistrationRequest) -> None:
    shown, secret = pin_form(desk, put(desk, asked))
    for again in ("", "246811"):
        answer = desk.send(shown, pin=PIN, pin_again=again, code=code_of(secret))
        assert answer.status_code == 409 and "not the same" in answer.text
    assert pending(desk, asked) == []


def test_a_code_must_show_that_the_secret_was_scanned(desk: Desk, asked: RegistrationRequest) -> None:
    path = put(desk, asked)
    shown, secret = pin_form(desk, path)
    others, theirs = pin_form(desk, put(desk, replace(asked, subject="person-other")))
    seen = {"seen": shown.fields["seen"]}
    for fields, code, status in (
        (shown.fields, code_of(secret, later=9), 403),
        (shown.fields, code_of(theirs), 403),
        (shown.fields, "12345", 409),
        (shown.fields, "", 409),
        (others.fields | seen, code_of(theirs), 403),  # somebody else's secret
        ({"sealed": "zz"} | seen, code_of(secret), 403),
        ({"sealed": "00" * 400} | seen, code_of(secret), 403),
        (seen, code_of(secret), 403),
    ):
        answer = desk.send(Form(path, fields, {}), pin=PIN, pin_again=PIN, code=code)
        assert answer.status_code == status, answer.text
        assert pending(desk, asked) == []
        if fields is shown.fields:
            assert shown.fields["sealed"] in answer.text, "the secret that was scanned is good still"
    answer = desk.send(shown, pin=PIN, pin_again=PIN, code=code_of(secret))
    assert answer.status_code == 200 and len(pending(desk, asked)) == 1


# Officers by a code


def test_a_first_officer_is_made_by_the_code_of_the_ceremony(desk: Desk, asked: RegistrationRequest) -> None:
    authority = desk.appliance.authority
    code = desk.appliance.settings.home.setup_code.read_text().strip()
    officer = replace(
        asked,
        subject=f"officer-{secrets.token_hex(6)}",
        purpose=RegistrationPurpose.APPOINTMENT,
        name="钱见证",
        back="/setup/registered/ticket",
        reference="ab" * 32,
    )
    path, own = put(desk, officer), device()
    page = desk.get(path).text
    assert 'name="setup_code"' in page and 'name="pin"' not in page and 'data-passkey="get"' not in page
    assert code not in page
    for wrong, status in (("", 409), ("  ", 409), ("0000-0000", 403), ("x" * 4000, 403)):
        answer = make(desk, path, device(), setup_code=wrong)
        assert answer.status_code == status and 'role="alert"' in answer.text, answer.text
    assert make(desk, path, device(PORTAL), setup_code=code).status_code == 403
    assert authority.credentials(officer.subject) == [] and authority.appointment().codes == 1

    answer = make(desk, path, own, setup_code=code)
    back, _, receipt = answer.headers["Location"].partition("?receipt=")
    assert (answer.status_code, back) == (303, f"{PORTAL}/setup/registered/ticket")
    [known_now] = authority.credentials(officer.subject)
    assert known_now.credential_id == own.credential_id
    assert is_receipt_of(receipt, known_now.reference, officer.reference, now=datetime.now(UTC))
    assert receipt not in str(known_now.reference), "the authority cannot give it out"
    assert authority.appointment().codes == 0
    again = replace(officer, subject=f"officer-{secrets.token_hex(6)}")
    assert make(desk, put(desk, again), device(), setup_code=code).status_code == 403


def test_nobody_is_restored_without_a_code_of_a_recovery(desk: Desk, asked: RegistrationRequest) -> None:
    officer = replace(asked, subject="officer-wang", purpose=RegistrationPurpose.RECOVERY, reference="ab" * 32)
    before = desk.appliance.authority.credentials("officer-wang")
    path = put(desk, officer)
    for code, status in (("", 409), ("0000-0000", 403)):
        assert make(desk, path, device(), setup_code=code).status_code == status
    assert desk.appliance.authority.credentials("officer-wang") == before
