"""The Python client against a real portal, over HTTP: what it says of the API is what the API says of itself."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import io
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints
from zipfile import ZipFile

import pytest
from flask import Flask
from werkzeug.serving import make_server

import vermilion_client
from appliance.demonstration.participants import BETA, CONTRACT_SEAL, CUSTODIAN, LI, ZHANG
from appliance.identity import IdentityCheck
from appliance.model.people import Against, IdentityDocument
from appliance.wiring import Appliance
from tests.api.conftest import Time
from tests.api.contracts_made import document
from tests.api.programs import ERP, READER, Programs
from tests.appliance.contracts import seal_asking
from tests.ha import orders
from tests.portal.estate import signed
from tests.ports import free_port
from tests.world import World, contract_now, sample_document, sequenced
from vermilion_client import (
    Amendment,
    Amount,
    Client,
    Contract,
    Deadline,
    DepositedFile,
    NewDeclaration,
    NewDeposit,
    NewDepositBatch,
    NewDepositRow,
    NewOutside,
    NewPerson,
    NewPower,
    NewSeal,
    Patience,
    Place,
    ProblemError,
    RightsHolder,
    Terms,
    TokenRefusedError,
    UnansweredError,
    VermilionError,
    conversions,
    evidence,
    types,
)

ROOT = Path(__file__).parents[2]
TERMS = Terms("设备采购合同", ZHANG.email, kind="采购", purpose="采购示例设备")
SENT = {
    "Terms": "Draft",
    "NewPerson": "NewPerson",
    "NewSeal": "NewSeal",
    "NewOutside": "NewOutside",
    "NewPower": "NewPower",
}
"""What the client sends, by the names of the document; the rest of its types are what it gets."""

ELSEWHERE = {"Draft": {"document"}, "NewPerson": {"kind"}, "NewSeal": {"kind"}, "NewOutside": {"kind"}}
ELSEWHERE |= {
    "Amendment": {"document"},
    "NewPower": {"document"},
    "VerifiedSignature": {"timestamps", "document_timestamp"},
}
"""Members that the client's methods add, or that it leaves aside."""

WSGI = Callable[[dict[str, Any], Any], Any]
EVERY = [*vars(types).values(), *vars(evidence).values()]
OURS = [kind for kind in EVERY if dataclasses.is_dataclass(kind) and isinstance(kind, type)]


@contextmanager
def serving(application: WSGI) -> Iterator[str]:
    """The address at which *application* answers until the context ends."""
    port = free_port()
    server = make_server("127.0.0.1", port, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def address(portal: Flask) -> Iterator[str]:
    with serving(portal) as address:
        yield address


@pytest.fixture
def client(address: str, known: Programs) -> Client:
    return Client(address, ERP, known.secrets[ERP])


def test_an_order_of_which_no_answer_came_is_drafted_once(
    portal: Flask, known: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the client orders that works while the two machines of `make test-ha` fail."""
    answers, journal, troubles = [False, True, True], list[tuple[str, str]](), list[str]()

    def losing(environ: dict[str, Any], start: Any) -> Any:
        """A portal whose first answer to an order is lost."""
        answer = portal.wsgi_app(environ, start)
        if (
            environ["PATH_INFO"].endswith("/contracts")
            and environ["REQUEST_METHOD"] == "POST"
            and not answers.pop(0)
        ):
            raise ConnectionResetError("the machine has lost its power")
        return answer

    def told(_asked: float, kind: str, contract: str, order: str) -> None:
        assert kind == "drafted"
        journal.append((contract, order))

    monkeypatch.setattr(orders, "INITIATOR", ZHANG.email)
    monkeypatch.setattr(orders, "PAUSE", 0.0)
    began = datetime.now(UTC).timestamp()
    with serving(losing) as address:
        client = Client(address, ERP, known.secrets[ERP], patience=Patience(attempts=1))
        orders.work(client, lambda: not answers, told, lambda who, failure: troubles.append(f"{who}: {failure}"))
        assert len(journal) == 2 and [each.partition(":")[0] for each in troubles] == ["client"], troubles
        assert orders.look_up(client, journal, began) == (journal, [])
        answers += [True]
        client.draft(document(), dataclasses.replace(TERMS, title=journal[0][1]))
        lost = ("no-such-contract", "order-lost")
        found, missing = orders.look_up(client, [*journal, lost], began)
    assert found == journal
    assert missing == [
        "order-lost: its contract no-such-contract is not there",
        f"{journal[0][1]} was drafted 2 times",
    ]


def people_and_places(client: Client, made: Contract) -> Contract:
    """The draft with its signers and a place for one of them."""
    first = client.add_party(made.id, NewPerson(ZHANG.subject))
    client.add_party(made.id, NewPerson(LI.subject))
    return client.place(client.contract(made.id), first.id, [Place(2, 10, 20, 30, 8)])


def test_a_contract_from_its_draft_to_its_evidence(
    client: Client, appliance: Appliance, world: World, tmp_path: Path
) -> None:
    path = tmp_path / "contract.pdf"
    path.write_bytes(document())
    last = Deadline(datetime.now(UTC).replace(microsecond=0) + timedelta(days=3), "Asia/Shanghai")
    made = client.draft(path, dataclasses.replace(TERMS, deadline=last, amount=Amount("1000.50", "CNY")))
    assert (made.state, made.deadline, made.amount) == ("draft", last, Amount("1000.50", "CNY"))
    placed = people_and_places(client, made)
    assert placed.parties[0].places == (Place(2, 10, 20, 30, 8),)
    assert client.send(made.id).state == "sent"
    assert made.id in [each.id for each in client.contracts(state="sent", changed_since=made.created)]
    with pytest.raises(TimeoutError, match="still sent"):
        client.wait(made.id, timeout=0.02, every=0.01)

    contract = contract_now(appliance, made.id)
    with sequenced(appliance, world):
        for position in range(2):
            signed(appliance, contract, position)
        appliance.finalisation.finalise(made.id)
        done = client.wait(made.id, every=0.1, timeout=60)
        assert done.state == "completed" and all(each.signed_at for each in done.parties)
        assert client.document(made.id).startswith(document())
        with ZipFile(io.BytesIO(client.evidence(made.id))) as package:
            assert package.testzip() is None
        verdict = client.verify(client.document(made.id))
        assert (verdict.kind, verdict.indication, len(verdict.signatures)) == ("pdf", "TOTAL-PASSED", 3)


def test_seals_powers_and_identities(client: Client, appliance: Appliance) -> None:
    made = client.draft(document(), TERMS)
    party = client.add_party(made.id, NewSeal(CONTRACT_SEAL.subject, ZHANG.subject))
    client.send(made.id)
    assert client.seal_requests(made.id) == ()
    request = seal_asking.ask_for(appliance, contract_now(appliance, made.id), 0)
    [asked] = client.seal_requests(made.id)
    assert (asked.id, asked.party, asked.state) == (request.id, party.id, "waiting")
    use = next(client.seal_uses(state="waiting", page=2))
    assert (use.request, use.contract, use.decided) == (request.id, made.id, None)

    given = IdentityCheck(IdentityDocument.PASSPORT, "E12345678", Against.VIDEO, answers=CUSTODIAN.subject)
    record = appliance.identity.record(ZHANG.subject, given, by=CUSTODIAN.subject)
    found = client.identity(made.id, party.id)
    assert (found.person, found.checks[0].id, found.checks[0].against) == (ZHANG.subject, record.id, "video")

    now = datetime.now(UTC).replace(microsecond=0)
    said = NewPower(
        ZHANG.email, "letter", BETA, "李样本", LI.subject, now, now + timedelta(days=9), kinds=("采购",)
    )
    registered = client.register_power(said, document(), key="power-1")
    assert client.register_power(said, document(), key="power-1") == registered == client.power(registered.id)
    assert (registered.state, registered.until, registered.kinds) == ("registered", said.until, said.kinds)
    assert registered in list(client.powers(page=1))


def test_what_changes_a_completed_contract(client: Client, appliance: Appliance, world: World) -> None:
    made = client.draft(document(), TERMS)
    client.add_party(made.id, NewPerson(ZHANG.subject))
    client.send(made.id)
    with sequenced(appliance, world):
        appliance.finalisation.finalise(signed(appliance, contract_now(appliance, made.id), 0).id)
    today = appliance.now().date()
    for content in (b"", document()):
        draft = client.amend(made.id, Amendment("termination", today), content)
        assert (draft.state, [each.subject for each in draft.parties]) == ("draft", [ZHANG.subject])
    proposed = client.void(made.id, "双方同意不再履行")
    assert proposed.voiding is not None and proposed.voiding.proposed_by == ZHANG.subject


def test_events_are_read_to_their_end_or_waited_for(client: Client) -> None:
    last = [each.log.entry for each in client.events()][-1]
    made = client.draft(document(), TERMS)
    client.add_party(made.id, NewPerson(ZHANG.subject))
    client.send(made.id)
    found = list(client.events(last))
    assert [(each.type, each.data.state) for each in found] == [
        ("contract.drafted", "draft"),
        ("contract.sent", "sent"),
    ]
    assert {each.data.contract for each in found} == {made.id}
    assert [each.type for each in client.events(last, types=["contract.sent"])] == ["contract.sent"]
    assert list(client.events(found[-1].log.entry)) == []

    waiting = client.events(found[-1].log.entry, wait=5)
    recall = threading.Timer(0.5, lambda: client.recall(made.id, "示例"))
    recall.start()
    assert next(waiting).type == "contract.recalled"
    recall.join()


def test_files_are_deposited_and_found(client: Client) -> None:
    files = tuple(DepositedFile(hashlib.sha256(each).hexdigest(), f"{each!r}") for each in (b"one", b"two"))
    order = NewDeposit(
        *(ZHANG.email, "设计图", "drawing", "original", RightsHolder("depositor")),
        NewDeclaration("1", ZHANG.email, date(2026, 11, 1)),
        files,
    )
    made = client.deposit(order, key="deposit-1")
    assert client.deposit(order, key="deposit-1") == made == client.deposited(made.id)
    assert made.declaration is not None and made.declaration.by == ZHANG.subject
    assert made in list(client.deposits(page=1))
    assert hashlib.sha256(client.deposit_manifest(made.id)).hexdigest() == made.digest
    assert client.deposit_certificate(made.id).startswith(b"%PDF-") and client.deposit_timestamp(made.id)
    [found] = client.find_deposits(files[0].sha256)
    assert (found.deposit, found.time) == (made.id, made.time)
    assert [each.data.deposit for each in client.events(types=["deposit.made"])][-1] == made.id


def test_many_are_deposited_and_each_is_read_by_its_row(client: Client, appliance: Appliance) -> None:
    rows = tuple(
        NewDepositRow(DepositedFile(hashlib.sha256(each).hexdigest()), *("art", "original"), holder, each.decode())
        for holder, each in (
            (RightsHolder("depositor"), b"first of many"),
            (RightsHolder("person", "乙"), b"second"),
        )
    )
    order = NewDepositBatch(ZHANG.email, NewDeclaration("1", ZHANG.email, date(2026, 11, 1)), rows)
    made = client.deposit_batch(order, key="many-1")
    assert client.deposit_batch(order, key="many-1") == made and made in list(client.deposit_batches(page=1))
    with pytest.raises(TimeoutError):
        client.wait_deposited(made.id, timeout=0.0, every=0.01)
    appliance.deposit_batches.run_round()
    done = client.wait_deposited(made.id)
    assert (done.counts.made, done.counts.failed) == (2, 0)
    found = list(client.deposit_rows(made.id, page=1))
    assert [each.title for each in found] == ["first of many", "second"]
    assert [client.deposited(each.deposit or "").digest for each in found] == [each.file.sha256 for each in rows]
    assert not list(client.deposit_rows(made.id, state="failed"))
    assert not client.retry_deposits(made.id).busy


def test_an_answer_of_an_earlier_release_is_read(client: Client) -> None:
    made = client.request("GET", f"/contracts/{client.draft(document(), TERMS).id}").value
    del made["voiding"]
    assert conversions.read(Contract, made).voiding is None
    del made["state"]
    with pytest.raises(VermilionError):
        conversions.read(Contract, made)


def test_drafts_are_changed_as_they_were_read(client: Client) -> None:
    made = client.draft(document(), TERMS)
    seal = client.add_party(made.id, NewSeal(CONTRACT_SEAL.subject, ZHANG.subject))
    outside = client.add_party(made.id, NewOutside("陈外部", "chen@gamma.example", phone="+86 138 0000 0001"))
    assert (seal.requester, outside.kind) == (ZHANG.subject, "outside")
    with pytest.raises(ProblemError) as stale:
        client.change(made, {"title": "新合同"})
    assert (stale.value.status, stale.value.code) == (412, "version-changed")
    now = client.remove_party(client.contract(made.id), seal.id)
    assert [each.id for each in now.parties] == [outside.id]
    now = client.replace_document(client.change(now, {"title": "新合同"}), sample_document(4))
    assert (now.title, now.document.pages) == ("新合同", 4)


def test_an_outside_signer_s_link_is_fetched_for_delivery_and_for_a_frame(client: Client, known: Programs) -> None:
    known.register.change_origins(ERP, {"https://erp.enterprise.example"}, by="root")
    made = client.draft(document(), TERMS)
    outside = client.add_party(made.id, NewOutside("陈外部", "chen@gamma.example", phone="+86 138 0000 0001"))
    client.place(client.contract(made.id), outside.id, [Place(1, 10, 20, 30, 8)])
    with pytest.raises(ProblemError, match="turn"):
        client.link(made.id, outside.id)
    client.send(made.id)
    plain = client.link(made.id, outside.id)
    framed = client.link(made.id, outside.id, origin="https://erp.enterprise.example")
    assert (framed.url, plain.embedded_url) == (plain.url, None) and "/guest/" in plain.url
    assert framed.embedded_url is not None and "/embedded/" in framed.embedded_url
    with pytest.raises(ProblemError) as elsewhere:
        client.link(made.id, outside.id, origin="https://oa.enterprise.example")
    assert elsewhere.value.code == "out-of-reach"
    known.register.change_origins(ERP, set(), by="root")


def test_what_waits_is_extended_and_recalled(client: Client) -> None:
    made = client.draft(document(), TERMS)
    people_and_places(client, made)
    sent = client.send(made.id)
    later = Deadline(sent.deadline.at + timedelta(days=1), sent.deadline.zone)
    assert client.extend(made.id, later).deadline == later
    assert client.recall(made.id, "条款有误").state == "recalled"


def test_a_key_of_ones_own_makes_one_contract(client: Client) -> None:
    again = [client.draft(document(), TERMS, key="order-4711").id for _ in range(2)]
    assert again[0] == again[1]


def test_lists_are_read_page_by_page(client: Client) -> None:
    for _ in range(3):
        client.draft(document(), TERMS)
    assert [each.id for each in client.contracts(state="draft", page=1)] == [
        each.id for each in client.contracts(state="draft")
    ]
    assert ZHANG.subject in {each.subject for each in client.people(page=1)}


def test_a_problem_says_code_and_pointer(client: Client) -> None:
    with pytest.raises(ProblemError, match="/amount/value") as problem:
        client.draft(document(), dataclasses.replace(TERMS, amount=Amount("1e3", "CNY")))
    assert (problem.value.status, problem.value.code) == (422, "invalid-body")
    assert (problem.value.pointer, bool(problem.value.request_id)) == ("/amount/value", True)
    with pytest.raises(ProblemError) as refused:
        client.draft(b"no PDF", TERMS)
    assert refused.value.code == "document-refused" and refused.value.reason


def test_who_has_no_token(address: str, known: Programs) -> None:
    with pytest.raises(TokenRefusedError) as wrong:
        Client(address, ERP, "wrong").me()
    assert (wrong.value.status, wrong.value.code) == (401, "invalid_client")
    with pytest.raises(TokenRefusedError) as beyond:
        Client(address, READER, known.secrets[READER], scopes=["contracts:write"]).me()
    assert beyond.value.code == "invalid_scope"
    assert Client(address, ERP, known.secrets[ERP], scopes=["people:read"]).me().scopes == ("people:read",)


def test_a_token_that_the_appliance_does_not_take_any_more_is_renewed(client: Client, time: Time) -> None:
    first = client.me().token_expires
    time.ahead = timedelta(minutes=20)
    try:
        assert client.me().token_expires > first + timedelta(minutes=15)
    finally:
        time.ahead = timedelta()


def test_a_token_is_used_until_it_ends(client: Client) -> None:
    assert client.me().token_expires == client.me().token_expires


def test_no_secret_goes_unencrypted_to_another_machine() -> None:
    with pytest.raises(ValueError, match="neither https"):
        Client("http://sign.example.com", ERP, "secret")


class Failing:
    """Has the portal work on every request, and spoils what it answers to the first to each path below *under*."""

    def __init__(self, portal: Flask, under: str, status: str) -> None:
        self._portal, self._under, self._status = portal, under, status
        self.keys: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if not environ["PATH_INFO"].startswith(self._under):
            return self._portal(environ, start_response)
        self.keys.append(environ.get("HTTP_IDEMPOTENCY_KEY", ""))
        if len(self.keys) > 1:
            return self._portal(environ, start_response)
        for _ in self._portal(environ, lambda *_: lambda _: None):
            pass
        start_response(self._status, [("Content-Type", "text/html"), ("Retry-After", "0")])
        return [b"<h1>somebody in between failed</h1>"]


HASTE = Patience(first_pause=0.01)


@pytest.mark.parametrize("status", ["502 Bad Gateway", "503 Service Unavailable", "429 Too Many Requests"])
def test_what_was_not_answered_is_asked_again_and_made_once(portal: Flask, known: Programs, status: str) -> None:
    failing = Failing(portal, "/api/v1/contracts", status)
    with serving(failing) as address:
        client = Client(address, ERP, known.secrets[ERP], patience=HASTE)
        made = client.draft(document(), dataclasses.replace(TERMS, purpose=status))
        assert len(failing.keys) == 2 and len(set(failing.keys)) == 1
        assert [each.id for each in client.contracts(state="draft") if each.purpose == status] == [made.id]


def test_a_change_by_its_version_is_not_repeated(portal: Flask, client: Client, known: Programs) -> None:
    made = client.draft(document(), TERMS)
    failing = Failing(portal, f"/api/v1/contracts/{made.id}", "502 Bad Gateway")
    with serving(failing) as address, pytest.raises(ProblemError) as problem:
        Client(address, ERP, known.secrets[ERP], patience=HASTE).change(made, {"title": "新合同"})
    assert (problem.value.status, len(failing.keys)) == (502, 1)
    assert client.contract(made.id).title == "新合同"


@pytest.mark.parametrize("status", ["200 OK", "500 Internal Server Error"])
def test_an_answer_that_breaks_off_is_none(status: str) -> None:
    def broken(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", "100")])
        return [b"{"]

    with serving(broken) as address, pytest.raises(UnansweredError):
        Client(address, ERP, "secret", patience=HASTE).me()


def test_nobody_answers() -> None:
    with pytest.raises(UnansweredError):
        Client(f"http://127.0.0.1:{free_port()}", ERP, "secret", patience=HASTE).me()


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_types_have_the_members_of_the_document(kind: type) -> None:
    name = SENT.get(kind.__name__, kind.__name__)
    schemas = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))["components"]["schemas"]
    members = set(schemas[name]["properties"]) - ELSEWHERE.get(name, set())
    hints = get_type_hints(kind)
    assert set(hints) == members
    for member, hint in hints.items():
        assert agrees(hint, schemas[name]["properties"][member]), (name, member)


NAMES = {"string": str, "integer": int, "number": float, "boolean": bool}


def agrees(hint: Any, schema: dict[str, Any]) -> bool:
    """Whether the client's type of a member is that of the *schema*."""
    if "anyOf" in schema or get_origin(hint) is UnionType:
        given = schema.get("anyOf", [schema])
        ours = get_args(hint) if get_origin(hint) is UnionType else (hint,)
        null = any(each.get("type") == "null" for each in given)
        return (type(None) in ours) >= null and all(
            any(agrees(one, each) for one in ours) for each in given if each.get("type") != "null"
        )
    if "$ref" in schema and "type" not in schema:
        return bool(hint.__name__ == schema["$ref"].rpartition("/")[2])
    if schema.get("type") == "array":
        return get_origin(hint) is tuple and agrees(get_args(hint)[0], schema["items"])
    if schema.get("format") == "date":
        return hint is date
    if schema.get("format") == "date-time":
        return hint is datetime
    return hint is NAMES.get(schema.get("type", "string"))


def test_it_needs_nothing_but_python() -> None:
    for path in Path(vermilion_client.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            roots = {name.partition(".")[0] for name in names}
            assert roots <= sys.stdlib_module_names | {"vermilion_client"}, path.name
