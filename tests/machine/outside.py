"""What people and programs do at the machine from outside: over its network, knowing nothing of its inside.

    PYTHONPATH=clients/python nsenter --net --target LEADER python -m tests.machine.outside FOLDER VERB [ARG]...

FOLDER is the company's (``company.py``): ``tls.pem`` of the machine, people's passkeys, and what they downloaded.
Prints what came of it in one line; the status is 0 when it was as it should be.
"""

from __future__ import annotations

import io
import json
import random
import re
import secrets
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from pathlib import Path

from PIL import Image
from reportlab import rl_config
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from hsm.timestamp import parse_token
from tests.browser.house import mail_server
from tests.machine import (
    administering,
    asking,
    browsing,
    contracts,
    employing,
    founding,
    judging,
    load,
    programs,
    seals,
)
from tests.machine.company import OFFICERS, SIGNERS, Company, Person
from tests.machine.forms import Page
from tests.machine.visitor import Visitor
from tests.machine.website import website as serve_website

MAIL = 2525
PAGES = 60
"""Each of the people looks at as many, when they look around."""

SIDE = 4040
"""Pixels of a large document's pictures, a side: two of them are some 93 MiB."""

SLACK = timedelta(seconds=1)
Verb = Callable[..., str]


def found(company: Company, codes: str) -> str:
    """Two officers and two signers come, by the codes in the file *codes*."""
    with mail_server(MAIL) as mail:
        founding.found(company, Path(codes).read_text().split(), mail)
    return "2 officers, 2 signers, each with a passkey; every enrolment approved by both officers"


def contract(company: Company, title: str) -> str:
    """A contract is uploaded, sent, signed by both, completed, and verified by other software, too."""
    sent(company, title)
    signed(company, title)
    return complete(company, title)


def sent(company: Company, title: str) -> str:
    """A contract is uploaded and sent, and waits for signatures."""
    initiator, colleague = _people(company)
    made = contracts.send(initiator, colleague, title)
    (company.folder / f"{title}.id").write_text(made)
    return f"{title} is out"


def signed(company: Company, title: str) -> str:
    """Both sign it."""
    for someone in _people(company):
        contracts.sign(someone, (company.folder / f"{title}.id").read_text())
    return f"{title} is signed by both"


def complete(company: Company, title: str) -> str:
    """It is complete; what was downloaded is verified."""
    initiator, _ = _people(company)
    document, evidence = contracts.completed(initiator, (company.folder / f"{title}.id").read_text())
    (company.folder / f"{title}.pdf").write_bytes(document)
    (company.folder / f"{title}.zip").write_bytes(evidence)
    return judging.contract(company, title)


def _people(company: Company) -> list[Person]:
    people = [company.person(login) for login in SIGNERS]
    for someone in people:
        someone.sign_in()
    return people


def same(company: Company, title: str, network: str = "") -> str:
    """The contract that was downloaded earlier is there as it was, for who signs in with the same passkey; where a
    program was let in, or somebody came by the directory, that goes on, too. *network* is "inward" where the
    machine reaches no server of ours."""
    initiator = company.person(SIGNERS[0])
    initiator.sign_in()
    made = (company.folder / f"{title}.id").read_text()
    document, _ = contracts.completed(initiator, made)
    assert document == (company.folder / f"{title}.pdf").read_bytes(), "the document is another one than before"
    told = [f"{title}: the same document; {judging.contract(company, title)}"]
    if programs.known(company):
        told.append(programs.goes_on(company, hears=network != "inward"))
    if employing.known(company) and network != "inward":
        told.append(employing.goes_on(company))
    return "; ".join(told)


def administrators(company: Company, *links: str) -> str:
    """The administrators come, by *links*; the fingerprints of their passkeys by login, as JSON."""
    return json.dumps(administering.arrived(company, links))


def program(company: Company, secret: str, title: str) -> str:
    """A program, whose id and secret are in the file *secret*, is let in by two administrators, and has a contract
    signed."""
    programs.noted(company, *Path(secret).read_text().split())
    return f"{programs.admitted(company)}; {programs.served(company, title)}"


def remote(company: Company) -> str:
    """pyHanko signs with a person's key for other software."""
    return programs.remote(company)


def texted(company: Company) -> str:
    """Somebody from outside comes in by a code that the message gateway got."""
    return programs.texted(company, MAIL)


def organisation(company: Company) -> str:
    """The organisation's directory and its identity provider serve until nobody listens."""
    return employing.organisation(company)


def website(_company: Company) -> str:
    """A site of the organisation serves until nobody listens."""
    return serve_website()


def employed(company: Company) -> str:
    """Somebody of the directory comes in by the provider, is enrolled, and signs."""
    return employing.employed(company)


def leaves(company: Company) -> str:
    """The directory locks her account."""
    return employing.leaves(company)


def witnessed(company: Company, title: str, policy: str) -> str:
    """By the policy in the file *policy*, witnesses vouch for the contract's evidence and the log's proofs."""
    return judging.witnessed(company, title, Path(policy))


def console_says(company: Company, path: str, *words: str) -> str:
    """The console's page at *path* has these *words*, within a minute."""
    visitor = company.administration().person("shi").visitor
    contracts.eventually(lambda: visitor.good(path), lambda page: all(word in page.text for word in words), 60)
    return f"{path} in the console: {', '.join(words)}"


def drilled(company: Company, seconds: str) -> str:
    """Two administrators hold a failover drill in the console, which is over within so many *seconds*: the pages
    of the request and of the cluster say for how long nobody was served."""
    told = administering.outcome_of(company, "cluster.drill", float(seconds))
    paused = re.search(r"中断服务 \d+ 秒", told)
    assert paused is not None, told
    return f"{told} {console_says(company, '/cluster', '故障切换演练', paused[0])}"


def draft(company: Company, expected: str) -> str:
    """Somebody uploads a document, and the portal takes it ("taken") or refuses it, saying why ("refused")."""
    initiator = company.person(SIGNERS[0])
    initiator.sign_in()
    page = contracts.upload(initiator, f"上传{secrets.token_hex(4)}")
    taken = page.status == 200 and "/draft/" in page.path
    assert taken is (expected == "taken"), f"{page.path} ({page.status}): {page.said()}"
    return "taken" if taken else f"refused with {page.status}: {page.said()[:120]}"


def large(company: Company) -> str:
    """Both signers upload a document of almost the largest size, at the same moment; the portal takes both."""
    document = _large_document()
    people = _people(company)
    with ThreadPoolExecutor(len(people)) as pool:
        pages = list(pool.map(lambda person: contracts.upload(person, secrets.token_hex(4), document), people))
    for page in pages:
        assert page.status == 200 and "/draft/" in page.path, f"{page.path} ({page.status}): {page.said()}"
    return f"{len(pages)} documents of {len(document) / 2**20:.0f} MiB taken"


def _large_document() -> bytes:
    """Two pages of pictures that nothing makes smaller: noise, always the same, so that runs can be compared. What
    words of a PDF noise holds by chance does not matter, as nothing is looked for in the data of plain streams."""
    rl_config.useA85 = 0
    stream = io.BytesIO()
    canvas = Canvas(stream)
    chance = random.Random(1)  # noqa: S311 # no secret
    for _ in range(2):
        noise = Image.frombytes("RGB", (SIDE, SIDE), chance.randbytes(3 * SIDE * SIDE))
        canvas.drawImage(ImageReader(noise), 72, 200, 400, 400)
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


def seal(company: Company, what: str) -> str:
    """Officers have a company seal "made", "suspended" or "destroyed"; its subject."""
    return {"made": seals.made, "suspended": seals.suspended, "destroyed": seals.destroyed}[what](company)


def browse(company: Company) -> str:
    """Everybody signs in and follows whatever links there are; no page fails."""
    answers = Counter[int]()
    for login in (*OFFICERS, *SIGNERS):
        someone = company.person(login)
        someone.sign_in()
        answers += browsing.look_around(someone, PAGES)
    others = ", ".join(f"{count} with {status}" for status, count in sorted(answers.items()) if status != 200)
    return f"{answers.total()} pages looked at{f' ({others})' if others else ''}"


def timestamp(company: Company, name: str) -> str:
    """``openssl ts`` asks, over plain HTTP through the web front, and verifies what comes."""
    return judging.timestamp(company, name)


def dated(company: Company) -> str:
    """A timestamp is of the moment in which it was asked for, by the clock of whoever asks."""
    before = datetime.now(UTC)
    when = parse_token(asking.token(company.address)).gen_time
    after = datetime.now(UTC)
    assert before - SLACK <= when <= after + SLACK, f"dated {when}, asked for from {before} to {after}"
    return f"dated {when:%H:%M:%S}, asked for at {before:%H:%M:%S}"


def timestamp_until(company: Company, expected: str, patience: str) -> str:
    """The timestamp authority comes to answer "granted", or as *expected*, within *patience* seconds."""
    return asking.until(company.address, expected, float(patience))


def ready(company: Company, patience: str) -> str:
    """The portal says that everything it needs answers, within *patience* seconds."""
    visitor = company.newcomer("nobody").visitor
    page = contracts.eventually(
        lambda: _asked(visitor, "/readyz"), lambda page: page.status == 200, float(patience)
    )
    return ", ".join(sorted(json.loads(page.body)["checks"]))


def _asked(visitor: Visitor, path: str) -> Page:
    """The page, also one that says that there was no answer: a slow machine takes minutes to start."""
    try:
        return visitor.get(path)
    except (OSError, HTTPException) as failure:
        return Page(path, 0, str(failure).encode())


def unready(company: Company, word: str, patience: str) -> str:
    """The portal says that it is not ready, with *word* among its reasons."""
    visitor = company.newcomer("nobody").visitor
    page = contracts.eventually(
        lambda: visitor.get("/readyz"), lambda page: page.status == 503 and word in page.text, float(patience)
    )
    return "; ".join(json.loads(page.body)["reasons"])


def bear(company: Company, journal: str) -> str:
    """People sign and programs ask for timestamps until the machine is gone."""
    return load.bear(company, Path(journal))


def look_up(company: Company, journal: str) -> str:
    """All that was acknowledged then is there."""
    return load.look_up(company, Path(journal))


VERBS: dict[str, Verb] = {
    each.__name__.replace("_", "-"): each
    for each in (
        found,
        contract,
        sent,
        signed,
        complete,
        same,
        administrators,
        program,
        remote,
        texted,
        organisation,
        website,
        employed,
        leaves,
        witnessed,
        console_says,
        drilled,
        draft,
        large,
        seal,
        browse,
        timestamp,
        dated,
        timestamp_until,
        ready,
        unready,
        bear,
        look_up,
    )
}


def main(folder: str, verb: str, *arguments: str) -> int:
    """Exit status 0 when all was as it should be."""
    try:
        sys.stdout.write(f"{VERBS[verb](Company(Path(folder)), *arguments)}\n")
    except AssertionError as failure:
        sys.stdout.write(f"{failure}\n")
        return 1
    except Exception:
        traceback.print_exc(file=sys.stdout)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
