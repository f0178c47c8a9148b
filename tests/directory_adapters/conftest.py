"""Both address books and a SCIM endpoint, and the command that runs between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from directory_adapters.cli import main
from tests.directory_adapters.company import Company, company
from tests.directory_adapters.servers import SECRET, TOKEN, Backend, Dingtalk, Recorder, Wecom, serving

GROUPS = '[groups]\nlabels = ["合同发起人"]\ndepartments = ["法务部"]\n'
MAIL = '[people]\nmail = ["biz_mail", "{userid}@enterprise.example"]\n'


@dataclass
class Run:
    """How a run of the command ended: its exit status, what it said, and how long it would have waited
    (seconds)."""

    status: int
    out: str
    err: str
    pauses: list[float] = field(default_factory=list)


@dataclass
class Estate:
    """A company, its address book on a server, and a SCIM endpoint that records."""

    source: str
    folder: Path
    capsys: pytest.CaptureFixture[str]
    book: Backend
    target: Backend
    company: Company
    scim: Recorder

    def run(self, *options: str, groups: str = GROUPS, people: str = "", more: str = "") -> Run:
        """One run with these settings; waiting is only noted."""
        ids = {"wecom": 'corp = "ww-example"', "dingtalk": f'key = "ding-example"\ntokens = "{self.book.address}"'}
        (self.folder / "adapter.toml").write_text(
            f'[appliance]\naddress = "{self.target.address}"\ntoken = "scim.token"\nper_second = 1000\n'
            f'[{self.source}]\naddress = "{self.book.address}"\nsecret = "book.secret"\nper_second = 1000\n'
            f"{ids[self.source]}\n{more}\n{people}\n{groups}",
            encoding="utf-8",
        )
        pauses: list[float] = []
        status = main([self.source, "--config", str(self.folder / "adapter.toml"), *options], pauses.append)
        said = self.capsys.readouterr()
        return Run(status, said.out, said.err, [each for each in pauses if each > 0.1])

    def filled(self, **settings: str) -> Estate:
        """The same after a first run, with everybody pushed."""
        assert self.run(**settings).status in (0, 4)
        self.scim.writes.clear()
        self.book.reset()
        self.target.reset()
        return self


@pytest.fixture
def opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[str], Estate]]:
    """Makes one for an address book."""
    for name, text in (("scim.token", TOKEN), ("book.secret", SECRET)):
        (tmp_path / name).write_text(text + "\n")
        (tmp_path / name).chmod(0o600)
    with ExitStack() as stack:

        def made(source: str) -> Estate:
            firm, scim = company(), Recorder()
            speaks = {"wecom": Wecom, "dingtalk": Dingtalk}[source](firm)
            book, target = (stack.enter_context(serving(Backend(each))) for each in (speaks, scim))
            return Estate(source, tmp_path, capsys, book, target, firm, scim)

        yield made


@pytest.fixture
def wecom(opened: Callable[[str], Estate]) -> Estate:
    return opened("wecom")


@pytest.fixture
def dingtalk(opened: Callable[[str], Estate]) -> Estate:
    return opened("dingtalk")


@pytest.fixture(params=["wecom", "dingtalk"])
def estate(request: pytest.FixtureRequest, opened: Callable[[str], Estate]) -> Estate:
    """Either of them."""
    return opened(request.param)
