"""The company's programs at the tested machine: a client of the API with a webhook, one that signs by CSC, and the
message gateway. They know addresses and secrets, as any program would."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from tests.browser.house import mail_server
from tests.events.receiver import Receiver, receiving, secured
from tests.machine import administering, contracts, judging
from tests.machine.company import HOST, OFFICERS, SCOPES, SIGNERS, Company, Person
from tests.machine.founding import approve_act, link_in
from tests.machine.visitor import HERE
from tests.message_gateway import Gateway, message_gateway
from tests.remote_signing.program import SigningProgram
from tests.world import sample_document
from vermilion_client import Client, Contract, NewOutside, NewPerson, Patience, Place, Terms, TokenRefusedError

RECEIVER, GATEWAY = 9443, 9444
"""Ports of the webhook's receiver and of the message gateway, which settings/provisioning.yml names."""

SAMPLE = "nda-zh"
TYPED = {"text": "示例", "long-text": "示例", "party": "示例企业有限公司", "date": "2090-12-31"}
"""What the program types into that template's fields without default or choices, by kind."""
PATIENCE = 300.0
GUEST = NewOutside("李示例", "li@outside.example", organisation="丙公司示例有限公司", phone="+86 138 0000 0001")


@dataclass(frozen=True, slots=True)
class Program:
    """The client of the API, with what it keeps: its secret, the webhook's, and the events that it has read."""

    company: Company
    client: Client
    kept: dict[str, Any]

    @classmethod
    def of(cls, company: Company, patience: Patience | None = None) -> Program:
        kept = json.loads(_notes(company).read_text())
        _resolve(company.address.place)
        context = ssl.create_default_context(cafile=str(company.address.certificate))
        given = (company.address.origin, kept["id"], kept["secret"])
        return cls(company, Client(*given, patience=patience or Patience(), context=context), kept)

    def keep(self, **further: Any) -> None:
        """Notes this for later."""
        self.kept.update(further)
        _notes(self.company).write_text(json.dumps(self.kept))

    def post(self, path: str) -> Any:
        """What a POST without a body is answered with."""
        return self.client.request("POST", path, body={}).value

    def subject_of(self, person: Person) -> str:
        """By which name the API knows *person*."""
        return next(each.subject for each in self.client.people() if each.name == person.name)

    def send(self, title: str, *, outside: bool = False) -> Contract:
        """A contract of the first of the signers with the second, or with somebody from *outside*, is sent."""
        initiator, colleague = (self.subject_of(self.company.person(login)) for login in SIGNERS)
        terms = Terms(title, initiator, kind="采购", purpose="采购十台示例设备。")
        made = self.client.draft(sample_document(2), terms)
        self.client.add_party(made.id, NewPerson(initiator))
        other = self.client.add_party(made.id, GUEST if outside else NewPerson(colleague))
        if outside:
            self.client.place(self.client.contract(made.id), other.id, [Place(2, 10, 20, 30, 8)])
        return self.client.send(made.id)

    def signing(self, credential: str, person: Callable[[str], object] = str) -> SigningProgram:
        """The same program, when it asks for a signature with *credential*, which *person* confirms."""
        address = self.company.address
        context = ssl.create_default_context(cafile=str(address.certificate))
        return SigningProgram(address.origin, self.kept["id"], self.kept["secret"], credential, person, context)

    def events(self, after: int) -> list[dict[str, Any]]:
        """Every event that follows the cursor *after*."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.client.request("GET", "/events", query={"after": after}).value
            found, after = [*found, *page["events"]], page["cursor"]
            if not page["more"]:
                return found


def known(company: Company) -> bool:
    """Whether a program was let in, and has what it keeps."""
    return _notes(company).exists() and "events" in json.loads(_notes(company).read_text())


def noted(company: Company, client_id: str, client_secret: str) -> None:
    """Somebody at the machine has asked for a client, and gives its secret to the program."""
    _notes(company).write_text(json.dumps({"id": client_id, "secret": client_secret}))


def let_in(company: Company, scopes: Sequence[str]) -> Program:
    """A second administrator lets the client in, whose secret counted for nothing before."""
    program = Program.of(company)
    try:
        program.client.me()
        raise AssertionError("a secret counts that nobody has approved")
    except TokenRefusedError:
        administering.approve_what_waits(company)
    _eventually(lambda: _may(program, scopes))
    return program


def admitted(company: Company) -> str:
    """The client is let in; two administrators add its webhook."""
    program = let_in(company, SCOPES)
    url = f"https://{HERE}:{RECEIVER}/hook"
    administering.ask_for(company, "webhooks.add", client=program.kept["id"], url=url)
    listed = _eventually(lambda: program.client.request("GET", "/webhooks").value["webhooks"])
    webhook = f"/webhooks/{listed[0]['id']}"
    program.keep(webhook=webhook, webhook_secret=program.post(f"{webhook}/secret")["secret"])
    return f"{program.client.me().name} and its webhook are let in by two administrators"


def served(company: Company, title: str) -> str:
    """The program has a contract signed; it hears of it in both ways, and takes the evidence home."""
    program = Program.of(company)
    cursor = program.client.request("GET", "/events").value["cursor"]
    with _receiver(company) as receiver:
        sent = program.send(title)
        for login in SIGNERS:
            someone = company.person(login)
            someone.sign_in()
            contracts.sign(someone, sent.id)
        program.client.wait(sent.id, every=0.5, timeout=contracts.PATIENCE)
        heard = program.events(cursor)
        _eventually(lambda: len(receiver.taken) >= len(heard))
    types = [each["type"] for each in heard]
    signed = ["contract.party.signed"] * len(SIGNERS)
    assert types == ["contract.drafted", "contract.sent", *signed, "contract.completed"], types
    _same(program, receiver, heard)
    batch = _batch(program)
    program.keep(cursor=cursor, events=heard)
    program.post(f"{program.kept['webhook']}/disable")
    (company.folder / f"{title}.pdf").write_bytes(program.client.document(sent.id))
    evidence = company.folder / f"{title}.zip"
    evidence.write_bytes(program.client.evidence(sent.id))
    told = judging.contract(company, title)
    return f"{len(heard)} events, pulled and posted; {told}; {_checked(evidence)}; a batch of {batch['total']}"


def goes_on(company: Company, *, hears: bool) -> str:
    """What was let in earlier still is: client, cursor, batch, and the person's other key; if the machine reaches
    our servers, and the program *hears* of what happens, its webhook with all that it missed."""
    program = Program.of(company)
    kept = program.kept
    read = program.events(kept["cursor"])
    assert read[: len(kept["events"])] == kept["events"], "the events of then are others now"
    assert program.client.request("GET", kept["batch"]).value == kept["batch_state"], "the batch is another one"
    if "credential" in kept:
        certificate = _certificate(program.signing(kept["credential"]))
        assert certificate == kept["certificate"], "the other key has another certificate"
    told = f"the program reads {len(read)} events"
    return f"{told}, and was posted {_catches_up(program)} that it missed" if hears else told


def _catches_up(program: Program) -> int:
    """How many events come by the webhook once it is enabled, which are all since it was disabled."""
    webhook = program.kept["webhook"]
    position = program.client.request("GET", webhook).value["position"]
    with _receiver(program.company) as receiver:
        program.post(f"{webhook}/enable")
        sent = program.send("程序继续")
        program.client.recall(sent.id, "演练")
        heard = program.events(position)
        _eventually(lambda: len(receiver.taken) >= len(heard))
    _same(program, receiver, heard)
    program.post(f"{webhook}/disable")
    return len(heard)


def remote(company: Company) -> str:
    """Two officers give a person a key for other software; pyHanko signs with it, and others judge."""
    program, person = Program.of(company), company.person(SIGNERS[0])
    subject = program.subject_of(person)
    _give_key(company, subject)
    credential = f"{subject}.hash"
    person.sign_in()

    def confirm(address: str) -> None:
        page = person.visitor.good(address.removeprefix(company.address.origin))
        page = person.visitor.send(page.form(action="/confirm$"))
        assert "报价.pdf" in page.text and credential in page.text, page.said()
        person.visitor.confirm(page)
        person.keep()

    signing = program.signing(credential, confirm)
    made = asyncio.run(signing.sign(sample_document(1)))
    program.keep(credential=credential, certificate=_certificate(signing))
    return judging.signed_elsewhere(company, made)


def texted(company: Company, mail_port: int) -> str:
    """Somebody from outside asks for the code at the link in the mail; the gateway gets it; it lets them in."""
    program, initiator = Program.of(company), company.person(SIGNERS[0])
    with mail_server(mail_port) as mail, _gateway(company) as gateway:
        sent = program.send("外部签署", outside=True)
        initiator.sign_in()
        contracts.sign(initiator, sent.id)
        guest = company.newcomer("guest").visitor
        page = guest.good(link_in(mail.wait_for(GUEST.email)))
        guest.send(page.form(action="/text$"))
        _eventually(lambda: gateway.messages)
        [message] = gateway.messages
        assert message["to"] == "+8613800000001", message["to"]
        code = message["values"]["code"]
        assert code in message["text"] and company.address.host == message["values"]["host"], "another message"
        page = guest.send(page.form(having="code"), code=code)
        assert guest.address.origin_of(page.path) == guest.address.activation, (page.path, page.said())
        _eventually(lambda: gateway.checks)
    program.client.recall(sent.id, "演练")
    return (
        f"a code came by the gateway and let {GUEST.name} in; it was asked {gateway.checks} times whether it works"
    )


def _notes(company: Company) -> Path:
    return company.folder / "program.json"


@cache
def _resolve(place: str) -> None:
    """What the network's DNS would say: the appliance's name is the address *place*."""
    system = socket.getaddrinfo

    def resolve(host: Any, *others: Any, **given: Any) -> Any:
        return system(place if host == HOST else host, *others, **given)

    socket.getaddrinfo = resolve


def _may(program: Program, scopes: Sequence[str]) -> bool:
    try:
        return set(scopes) == set(program.client.me().scopes)
    except TokenRefusedError:
        return False


def _eventually(ask: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := ask()):
        assert time.monotonic() < deadline, "nothing came of it"
        time.sleep(0.2)
    return found


def _receiver(company: Company) -> AbstractContextManager[Receiver]:
    return receiving(secured(company.folder / "receivers.pem"), RECEIVER)


def _gateway(company: Company) -> AbstractContextManager[Gateway]:
    key = (company.folder / "gateway.key").read_bytes()
    return message_gateway(key, GATEWAY, secured(company.folder / "receivers.pem"))


def _same(program: Program, receiver: Receiver, heard: Sequence[dict[str, Any]]) -> None:
    """Raises AssertionError unless what was posted is what was pulled, each by the webhook's secret."""
    assert [each.said for each in receiver.taken] == list(heard), "posted and pulled events differ"
    for each in receiver.taken:
        each.verified_by(program.kept["webhook_secret"])


def _checked(evidence: Path) -> str:
    """The last line of the package's own checker."""
    with tempfile.TemporaryDirectory() as scratch, ZipFile(evidence) as package:
        package.extractall(scratch)
        done = subprocess.run(
            ["sh", "check.sh"], cwd=scratch, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )
    assert done.returncode == 0 and "PASS" in done.stdout, done.stdout + done.stderr
    return f"check.sh: {done.stdout.count('ok ')} checks"


def _batch(program: Program) -> dict[str, Any]:
    """A template is published, and the program has drafts made from it for a list of two; the batch, once it is
    done."""
    owner, ask = program.company.person(SIGNERS[0]), program.client.request
    owner.sign_in()
    page = owner.visitor.good("/templates")
    form = next(each for each in page.forms if each.has("sample") and each.value("sample") == SAMPLE)
    page = owner.visitor.send(form)
    page = owner.visitor.send(page.form(action="/publish$"))
    template, initiator = page.path.rpartition("/")[2], program.subject_of(owner)
    fields = ask("GET", f"/templates/{template}", query={"initiator": initiator}).value["fields"]
    typed = {each["name"]: (each["choices"] or [each["default"] or TYPED[each["kind"]]])[0] for each in fields}
    rows = [
        {"parties": {"guest": {"name": f"钱{number}号", "organisation": f"丙{number}公司", "email": GUEST.email}}}
        for number in (1, 2)
    ]
    body = {"template": template, "initiator": initiator, "rows": [{**each, "fields": typed} for each in rows]}
    path = f"/batches/{ask('POST', '/batches', body=body).value['id']}"
    done = _eventually(lambda: [each for each in [ask("GET", path).value] if not each["busy"]])[0]
    assert done["counts"]["draft"] == len(rows), done
    program.keep(batch=path, batch_state=done)
    return dict(done)


def _give_key(company: Company, subject: str) -> None:
    officers = [company.person(login) for login in OFFICERS]
    for officer in officers:
        officer.sign_in()
    page = officers[0].visitor.good(f"/office/people/{subject}")
    form = next(each for each in page.forms if each.has("use") and each.value("use") == "hash")
    approve_act(officers, officers[0].visitor.send(form))


def _certificate(signing: SigningProgram) -> str:
    return asyncio.run(signing.certificate()).hex()
