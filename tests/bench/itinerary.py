"""Which pages are visited by whom: every page of daily work, in families."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from appliance.demonstration.participants import CONTRACT_SEAL, CUSTODIAN, LI, OFFICER, ZHANG
from tests.bench.crowd import member
from tests.bench.occasions import AUDITOR, Occasions

HOME, SEARCH, CONTRACT, SIGNING, DRAFT, WRITING, CARE, OFFICE, OTHERS = FAMILIES = (
    "home with its filters and deep pages",
    "home with searches",
    "a contract and its acts",
    "signing and seal requests",
    "a draft's steps",
    "templates and texts",
    "powers, identity, reviews, notices, dates",
    "the office",
    "ownership, signatures, settings, verification, clock",
)
DEEP = 30
"""How many pages behind the first one a deep page is."""

_NEXT = re.compile(r'href="(/\?[^"]*after=[^"]*)"')


@dataclass(frozen=True, slots=True)
class Visit:
    """One page, seen by *who*; ``deep``: that of a list's later pages too."""

    family: str
    name: str
    who: str
    address: str
    deep: bool = False

    def addresses(self, page: Callable[[str], str]) -> Iterator[str]:
        """The address, and the one so many pages behind it (fewer where the list ends)."""
        yield self.address
        address = self.address
        for _ in range(DEEP if self.deep else 0):
            found = _NEXT.search(page(address))
            if found is None:
                break
            address = html.unescape(found[1])
        if address != self.address:
            yield address


def visits(occasions: Occasions, size: int) -> list[Visit]:
    """All of them; *size* is that of the portfolio."""
    daily = [*_home(), *_search(), *_contracts(occasions, size), *_work(occasions)]
    return [*daily, *_care(occasions, size), *_office(), *_others(occasions)]


def _home() -> Iterator[Visit]:
    for who, name in ((ZHANG.subject, "Zhang"), (LI.subject, "Li"), (AUDITOR, "auditor")):
        yield Visit(HOME, f"home of {name}", who, "/", deep=True)
    for bucket in ("draft", "to-sign", "waiting", "due-soon", "done", "ended"):
        yield Visit(HOME, f"home, {bucket}", ZHANG.subject, f"/?bucket={bucket}", deep=True)
    kind, day = quote("采购"), "since=2024-01-01&until=2026-06-30"
    yield Visit(HOME, "home, one type", ZHANG.subject, f"/?kind={kind}", deep=True)
    yield Visit(HOME, "home, days", ZHANG.subject, f"/?{day}", deep=True)
    yield Visit(HOME, "home, type, state and days", ZHANG.subject, f"/?kind={kind}&bucket=ended&{day}", deep=True)
    yield Visit(HOME, "home, type and draft of the auditor", AUDITOR, f"/?kind={kind}&bucket=draft", deep=True)


def _search() -> Iterator[Visit]:
    words = {
        "frequent words": "采购合同",
        "rare words": "珍稀标本租借",
        "words that nothing has": "绝无仅有的字句",
        "one sign": "采",
        "two signs": "采购",
        "one rare sign": "珍",
        "two rare signs": "珍稀",
        "two signs that nothing has": "鱻龘",
        "a number": "000997",
        "one letter": "0",
        "a party": "乙公司",
    }
    for name, text in words.items():
        for who, reader in ((ZHANG.subject, ""), (AUDITOR, " of the auditor")):
            yield Visit(SEARCH, f"search, {name}{reader}", who, f"/?q={quote(text)}", deep=True)
    for text in ("李样本", "李", "示例第77商行"):
        yield Visit(SEARCH, f"search, party {text}", ZHANG.subject, f"/?party={quote(text)}", deep=True)
    both = f"q={quote('采购')}&party={quote('李')}"
    yield Visit(SEARCH, "search, two short words", ZHANG.subject, f"/?{both}", deep=True)
    yield Visit(SEARCH, "search, two short words and a state", LI.subject, f"/?{both}&bucket=draft", deep=True)
    yield Visit(
        SEARCH, "search, words and a state", ZHANG.subject, f"/?q={quote('采购合同')}&bucket=due-soon", deep=True
    )


def _contracts(occasions: Occasions, size: int) -> Iterator[Visit]:
    done = f"/contracts/{occasions.completed}"
    yield Visit(CONTRACT, "contract, completed", ZHANG.subject, done)
    yield Visit(CONTRACT, "contract, completed, seen by the auditor", AUDITOR, done)
    yield Visit(CONTRACT, "contract, completed, seen by the custodian", CUSTODIAN.subject, done)
    yield Visit(CONTRACT, "contract, sent", ZHANG.subject, f"/contracts/{occasions.sent}")
    yield Visit(CONTRACT, "contract of the portfolio", ZHANG.subject, f"/contracts/bench{size // 2:019d}")
    for act in ("recall", "extend", "decline", "hand-over"):
        yield Visit(CONTRACT, f"contract, {act}", ZHANG.subject, f"/contracts/{occasions.sent}/{act}")
    yield Visit(CONTRACT, "contract, void", ZHANG.subject, f"{done}/void")


def _work(occasions: Occasions) -> Iterator[Visit]:
    yield Visit(SIGNING, "signing page", ZHANG.subject, f"/contracts/{occasions.sent}/sign")
    yield Visit(SIGNING, "not your turn", LI.subject, f"/contracts/{occasions.sent}/sign")
    yield Visit(SIGNING, "signed", ZHANG.subject, f"/contracts/{occasions.completed}/signed")
    yield Visit(SIGNING, "seal requests, asked", ZHANG.subject, "/seals/requests")
    yield Visit(SIGNING, "seal requests, to answer", CUSTODIAN.subject, "/seals/requests")
    yield Visit(SIGNING, "a seal request", CUSTODIAN.subject, f"/seals/requests/{occasions.request}")
    yield Visit(DRAFT, "new contract", ZHANG.subject, "/contracts/new")
    for step in ("document", "parties", "fields", "check"):
        yield Visit(DRAFT, f"draft, {step}", ZHANG.subject, f"/contracts/{occasions.draft}/draft/{step}")
    yield Visit(
        DRAFT,
        "draft, parties, looking up",
        ZHANG.subject,
        f"/contracts/{occasions.draft}/draft/parties?query={quote('示')}",
    )
    for name, address in (
        ("templates", "/templates"),
        ("a template", f"/templates/{occasions.template}"),
        ("a template filled in", f"/templates/{occasions.template}/use"),
        ("texts", "/writing"),
        ("the editor", f"/writing/{occasions.text}"),
        ("a text's fields", f"/writing/{occasions.text}/fields"),
        ("a text discarded", f"/writing/{occasions.text}/discard"),
    ):
        yield Visit(WRITING, name, ZHANG.subject, address)


def _care(occasions: Occasions, size: int) -> Iterator[Visit]:
    """What surrounds a signature: authority, review, deadlines."""
    done, middle = f"/contracts/{occasions.completed}", f"/contracts/bench{size // 2:019d}"
    for name, who, address in (
        ("powers", ZHANG.subject, "/powers"),
        ("powers, later", ZHANG.subject, f"/powers?before={occasions.power}"),
        ("a power", OFFICER, f"/powers/{occasions.power}"),
        ("a new power", ZHANG.subject, f"/powers/new?agent={LI.subject}"),
        ("an agent for a power", ZHANG.subject, f"/powers/new?search={quote('示例')}"),
        ("identity of Li", OFFICER, f"/identity/{LI.subject}"),
        ("reviews", CUSTODIAN.subject, "/reviews"),
        ("a review", CUSTODIAN.subject, f"/reviews/{occasions.reviewing}"),
        ("content check", ZHANG.subject, f"/contracts/{occasions.reviewing}/review"),
        ("revisions", ZHANG.subject, f"{done}/revisions"),
        ("dates", ZHANG.subject, f"{done}/dates"),
        ("mails", ZHANG.subject, f"{middle}/mail"),
        ("notices of Zhang", ZHANG.subject, "/notices"),
        ("notices of Li", LI.subject, "/notices"),
        ("reminders", ZHANG.subject, "/settings/reminders"),
        ("retention", OFFICER, "/office/retention"),
    ):
        yield Visit(CARE, name, who, address)


def _office() -> Iterator[Visit]:
    for name, address in (
        ("office", "/office"),
        ("office, later", f"/office?after={member(1500).subject}"),
        ("office, search", f"/office?search={quote('示例')}"),
        ("office, search for one sign", f"/office?search={quote('赵')}"),
        ("office, search for nothing", f"/office?search={quote('鱻龘')}"),
        ("office, Zhang", f"/office/people/{ZHANG.subject}"),
        ("office, Li", f"/office/people/{LI.subject}"),
        ("office, a request", f"/office/requests/bench-{member(100).subject}"),
        ("office, an invitation", "/office/people/new"),
        ("office, a new seal", "/office/seals/new"),
        ("office, a seal", f"/office/seals/{CONTRACT_SEAL.subject}"),
    ):
        yield Visit(OFFICE, name, OFFICER, address)


def _others(occasions: Occasions) -> Iterator[Visit]:
    for name, address in (
        ("ownership", "/ownership"),
        ("a deposit", f"/ownership/{occasions.deposit}"),
        ("finding a deposit", f"/ownership/find?digest={1:064x}"),
        ("signatures", "/signatures"),
        ("settings", "/settings"),
        ("settings, code", "/settings/code"),
        ("settings, signing", "/settings/signing"),
        ("agreement", "/agreement"),
        ("verification centre", "/verify"),
        ("clock", "/clock"),
    ):
        yield Visit(OTHERS, name, ZHANG.subject, address)
