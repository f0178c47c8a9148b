"""What `make test-ha` is made of, where it needs no machine: events, figures, how it reads a cluster."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.ha import apart, load, power, watching
from tests.ha.events import EVENTS
from tests.ha.load import Told
from tests.ha.operations import OPERATIONS, Operation, judged
from tests.ha.pair import Converged, Pair, State
from tests.ha.rounds import OUTAGES, Figures, Rounds, order
from tests.ha.steps import STEPS
from tests.ha.verdict import Verdict
from tests.machine import judging
from tests.machine.company import Company
from tests.machine.failure import StepFailed
from tests.machine.load import Acknowledged
from tests.machine.visitor import Address
from tests.witnesses.logs import new_log
from tests.witnesses.served import served

_RESOURCE = '<resource id="{0}" role="{1}" failed="false"><node name="{2}"/></resource>'
_NODE = '<node name="{0}" online="{1}" pending="false" unclean="false"/>'
SYNCED = " 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----"
RECAP = """TASK [cluster : Resources] ****
changed: [beta]
PLAY RECAP *********************
alpha                      : ok=120  changed=0    unreachable=0    failed={0}    skipped=3
beta                       : ok=90   changed=1    unreachable=0    failed=0    skipped=5
"""


def seen(
    active: str, standby: str, *, online: str = "true", held: str = "", volume: str = SYNCED, link: str = "1"
) -> State:
    """What crm_mon says of a pair of which *active* serves."""
    started = [
        _RESOURCE.format(each, "Started", active) for each in ("filesystem", "address", "appliance", "front")
    ]
    fences = [
        _RESOURCE.format(f"fence-{one}", "Started", other) for one, other in ((active, standby), (standby, active))
    ]
    nodes = _NODE.format(active, "true") + _NODE.format(standby, online)
    links = "".join(
        f'<node name="{each}"><attribute name="front-link" value="{value}"/></node>'
        for each, value in ((active, "1"), (standby, link))
    )
    text = f"<crm><nodes>{nodes}</nodes><resources>{''.join(started + fences)}</resources>"
    text += f"<node_attributes>{links}</node_attributes>{held}</crm>"
    return State(ET.fromstring(text), volume)  # noqa: S314 # ours


def test_a_pair_is_whole_when_nothing_is_missing() -> None:
    assert seen("alpha", "beta").is_whole and seen("alpha", "beta").active == "alpha"
    assert not seen("alpha", "beta", online="false").is_whole
    assert not seen("alpha", "beta", link="0").is_whole
    assert not seen("alpha", "beta", held='<bans><ban id="drbd-fence-by-handler-vermilion"/></bans>').is_whole
    assert not seen("alpha", "beta", volume=SYNCED.replace("UpToDate/UpToDate", "UpToDate/Inconsistent")).is_whole


def test_a_run_of_ansible_counts_for_both_nodes() -> None:
    converged = Converged.of(RECAP.format(0), 1.0)

    assert (converged.ok, converged.changed, converged.tasks_that_changed()) == (210, 1, "cluster : Resources")
    with pytest.raises(StepFailed):
        Converged.of(RECAP.format(1), 1.0)
    with pytest.raises(StepFailed):
        Converged.of("it was killed", 1.0)


def test_every_event_comes_in_its_turn() -> None:
    assert [each.name for each in order(len(EVENTS) + 1, "")] == [*EVENTS, next(iter(EVENTS))]
    assert [each.name for each in order(3, "rings disk")] == ["rings", "disk", "rings"]
    assert set(OUTAGES) < set(EVENTS)


class _House:
    """Of which the watcher is there, or not."""

    def __init__(self) -> None:
        self.there = True
        self.words = "its last words"
        self.begun: list[str] = []

    def is_there(self, _name: str) -> bool:
        return self.there

    def said(self, _name: str) -> str:
        return self.words

    def begin(self, name: str, *_command: str) -> None:
        self.begun.append(name)

    def end(self, name: str) -> None:
        self.begun.remove(name)


class _Watched(Verdict):
    """A verdict over what a test lets the watcher see."""

    def __init__(self, folder: Path) -> None:
        self.house = _House()
        super().__init__(self.house, folder, folder / "watch.jsonl")  # type: ignore[arg-type] # one like it
        self.path = folder / "watch.jsonl"
        self.begin()

    def see(self, event: str, at: float, words: str = "", end: str = "\n") -> None:
        line = {"at": at, "where": "192.0.2.10", "event": event, "size": 3, "words": words}
        with self.path.open("a") as watch:
            watch.write(json.dumps(line) + end)


def _pair(folder: Path) -> Pair:
    pair = Pair(folder, folder)
    pair.facts = {"seconds": "5.0", "seconds_to_stop": "1.0"}
    return pair


def test_the_last_line_has_the_figures(tmp_path: Path) -> None:
    rounds = Rounds(_pair(tmp_path))
    rounds.pair.verdict = verdict = _Watched(tmp_path)
    rounds.figures = [
        Figures("power-active", 10, 9, 41.0, 80.0, 25.0, before="alpha", after="beta"),
        Figures("ring2", 1, 1, 1.0, 2.0, before="beta", after="beta"),
        Figures("switch-over", 7, 7, 60.0, 70.0, 25.0, 11.0, before="beta", after="alpha"),
    ]
    verdict.see("cosigned", 9.0)
    verdict.see("fork", 9.0)
    verdict.see("fork", 9.0, end="")

    assert rounds.last_line() == "ha: 3 rounds, 18 acknowledged, 17 found, 1 forks, median 21 s to serve again"
    assert (verdict.seen(), verdict.seen(9.5)) == (1, 0)
    told = rounds.remarks()
    assert "60 s without a signature" in told and told.startswith("lost: 1; ")
    assert "in 5 s on this machine's own kernel, in 25 s on a node (5 times)" in told
    assert "less that difference the median is 11 s" in told
    assert "1 takeovers by the other node: median 41 s, less what the emulator costs 21 s" in told
    assert "they stop in 1.0 s, in 11 s on a node; less both differences a planned switch-over takes 30 s" in told


def test_nobody_who_did_not_watch_says_that_there_is_no_fork(tmp_path: Path) -> None:
    rounds = Rounds(_pair(tmp_path))
    assert "0 forks" not in rounds.last_line() and "forks not watched" in rounds.last_line()
    rounds.pair.verdict = verdict = _Watched(tmp_path)
    assert "0 forks" not in rounds.last_line()
    verdict.see("cosigned", 9.0)
    assert rounds.last_line() == "ha: 0 rounds, 0 acknowledged, 0 found, 0 forks, median 0 s to serve again"


def test_a_watcher_who_is_blind_proves_nothing(tmp_path: Path) -> None:
    verdict = _Watched(tmp_path)
    verdict.see("cosigned", 9.0)

    verdict.prove_watching(8.0)
    with pytest.raises(StepFailed, match="did not see the log"):
        verdict.prove_watching(10.0)
    verdict.house.there = False
    with pytest.raises(StepFailed, match="its last words"):
        verdict.prove_watching(8.0)
    verdict.house.there = True
    verdict.see("trouble", 9.5, "no such key")
    with pytest.raises(StepFailed, match="no such key"):
        verdict.require_one_log(8.0)
    verdict.require_no_fork()  # what was before is over
    verdict.require_one_log(8.0)
    verdict.see("fork", 10.0)
    with pytest.raises(StepFailed, match="the log is not one"):
        verdict.require_one_log(8.0)


def test_a_history_that_was_made_on_purpose_is_held_against_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = _Watched(tmp_path)
    monkeypatch.setattr("tests.ha.verdict.FOLLOWED", 5.0)
    monkeypatch.setattr(verdict.house, "begin", lambda *_: verdict.see("cosigned", time.time()))
    monkeypatch.setattr(verdict.house, "end", lambda _: None)
    verdict.see("fork", time.time(), "before")

    with verdict.apart():
        verdict.see("fork", time.time(), "on purpose")
        verdict.house.words += "\nnot cosigned, perhaps a fork: on purpose"
        assert len(verdict.forks()) == 3 and len(verdict.refusals()) == 1
    assert verdict.is_watched and [each[-6:] for each in verdict.forks()] == ["before"]
    verdict.house.words += "\nnot cosigned, perhaps a fork: later"
    assert len(verdict.forks()) == 2


def test_where_the_witness_does_not_follow_nobody_watches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = _Watched(tmp_path)
    monkeypatch.setattr("tests.ha.verdict.FOLLOWED", 0.0)

    with verdict.apart():
        pass
    verdict.see("fork", time.time() + 1)

    assert not verdict.is_watched and verdict.forks() == [] and verdict.house.begun == []


def test_what_does_not_continue_the_log_is_a_fork(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = new_log()
    fork, published = log.forked(10), [log.note(8)]

    def get(_address: Address, path: str) -> bytes:
        if path == "/log/checkpoint":
            return published[-1]
        old, new = (int(each) for each in re.findall("[0-9]+", path))
        proof = [base64.b64encode(each).decode() for each in log.proof(old, new)]
        return json.dumps({"hashes": proof}).encode()

    with served(tmp_path, [log.key]) as witness:
        monkeypatch.setattr(watching, "WITNESS", "127.0.0.1")
        monkeypatch.setattr(watching, "WITNESS_PORT", witness.port)
        monkeypatch.setattr(watching, "_get", get)
        watch = watching.Watch(Company(tmp_path), tmp_path / "watch.jsonl")
        # The scheduler of the appliance is quicker with the third one.
        for note, before in ((log.note(8), 0), (log.note(12), 0), (log.note(20), 20), (fork.note(20), 0)):
            published.append(note)
            if before:
                assert witness.ask(log.submission(12, before)).status == 200
            watch.look("192.0.2.10")
        for note in (log.note(9), fork.note(25), new_log().note(30)):
            published.append(note)
            watch.look("192.0.2.11")

    seen = [json.loads(each) for each in (tmp_path / "watch.jsonl").read_text().splitlines()]
    assert [(each["event"], each["size"]) for each in seen] == [
        *(("cosigned", 8), ("cosigned", 12), ("cosigned", 20), ("fork", 20)),
        *(("behind", 9), ("fork", 25), ("refused", 30)),
    ]


def test_what_is_found_is_counted_and_not_what_was_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, log = tmp_path / "round-1", [b"first", b"another", b"later"]
    journal.write_text(f"token {b'first'.hex()}\ntoken {b'lost'.hex()}\nsent c1\nsigned ivan c1\nsent c2\n")

    def answered(_connection: http.client.HTTPSConnection, path: str) -> bytes:
        if path == "/log/checkpoint":
            return f"origin\n{len(log)}\n".encode()
        token = log[int(path.rpartition("=")[2])]
        return json.dumps({"public": {"token": hashlib.sha256(token).hexdigest()}}).encode()

    def is_complete(_people: object, contract: str, _found: Acknowledged) -> bool:
        if contract != "c1":
            raise AssertionError(f"{contract} is not there")
        return False

    monkeypatch.setattr(judging, "_answered", answered)
    monkeypatch.setattr(Address, "encrypted", lambda _address: http.client.HTTPSConnection("localhost"))
    monkeypatch.setattr(load, "signers", lambda _company: {})
    monkeypatch.setattr(load, "is_complete", is_complete)
    monkeypatch.setattr(load, "LONGEST", 0.0)

    told = json.loads(load.look_up(Company(tmp_path), journal, tmp_path / "shelf"))

    assert told["found"] == 3 and "1 timestamps, 1 contracts, 1 signatures" in told["words"]
    assert told["missing"] == ["c2 is not there", "1 of 2 tokens are not in the log"]
    log.append(b"lost")
    assert json.loads(load.look_up(Company(tmp_path), journal, tmp_path / "shelf"))["found"] == 4


def test_times_of_acknowledgements_are_read_as_they_were_written(tmp_path: Path) -> None:
    (tmp_path / "round-1.times").write_text("token 1.0 1.5\nsigned 2.0 4.0\nbroken off")

    assert Told.read(tmp_path / "round-1") == [Told("token", 1.0, 1.5), Told("signed", 2.0, 4.0)]


def test_nothing_is_switched_on_without_mains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "command").write_text('["never-started"]')

    assert power.main(str(tmp_path), "set", "power", "1") == 0
    assert power.main(str(tmp_path), "get", "power", "boot") == 0
    assert capsys.readouterr().out == "power:0\nboot:0\n"


def test_a_kernel_that_stalls_as_it_boots_is_known(tmp_path: Path) -> None:
    console, stall = tmp_path / power.CONSOLE, "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:\n"
    assert not power.has_stalled(tmp_path), "it has never been on"
    console.write_text(f"{stall}Debian GNU/Linux 13 alpha ttyS0\n\nalpha login: ")
    (tmp_path / power.BEGINS).write_text(str(console.stat().st_size))
    assert not power.has_stalled(tmp_path), "what it said before it got power last is past"
    with console.open("a") as said:
        said.write(f"Booting\n{stall}")
    assert power.has_stalled(tmp_path)
    with console.open("a") as said:
        said.write("alpha login: ")
    assert not power.has_stalled(tmp_path), "it has come up all the same"


def test_an_operation_that_is_told_to_part_the_history_says_so() -> None:
    assert [each.name for each in OPERATIONS.values() if each.parts_history] == ["rollback", "restore", "split"]


def test_an_operation_is_judged_by_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = _pair(tmp_path)
    pair.verdict = verdict = _Watched(tmp_path)
    monkeypatch.setattr("tests.ha.operations.FOLLOWED", 0.0)
    monkeypatch.setattr("tests.ha.verdict.FOLLOWED", 0.0)
    seen = {"cosigned": lambda *_: verdict.see("cosigned", time.time()), "none": lambda *_: None}
    monkeypatch.setattr(pair, "outside", seen["cosigned"])

    def forks(_pair: Pair) -> str:
        verdict.see("fork", time.time(), "another root")
        return "forked"

    assert judged(Operation("harmless", "", lambda _: "done", ())).act(pair) == "done"
    monkeypatch.setattr(pair, "outside", seen["none"])
    with pytest.raises(StepFailed, match="did not see the log"):
        judged(Operation("blind", "", lambda _: "done", ())).act(pair)
    told = judged(Operation("told-to", "", forks, (), parts_history=True)).act(pair)
    assert told == "forked; nobody watches the log from here on" and verdict.forks() == []


def test_an_operation_with_a_fork_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = _pair(tmp_path)
    pair.verdict = verdict = _Watched(tmp_path)
    monkeypatch.setattr(pair, "outside", lambda *_: verdict.see("fork", time.time(), "another root"))

    with pytest.raises(StepFailed, match=r"the log is not one: fork at .*: another root"):
        judged(Operation("forks", "", lambda _: "done", ())).act(pair)


def test_a_copy_is_known_by_its_generation() -> None:
    promoted, not_promoted = (f"7FAD31A9C5F9F0D{last}:0:0:0:1:1:0:1:0:0:0\n" for last in "32")

    assert apart.generation(promoted) == apart.generation(f"a warning\n{not_promoted}") == 0x7FAD31A9C5F9F0D2


def test_who_served_a_copy_last_is_in_its_history() -> None:
    lines = [
        json.dumps({"event": event, "node": node}) for event, node in (("serving", "alpha"), ("stopped", "x"))
    ]

    assert apart.last_served("\n".join(lines)) == "alpha"
    assert apart.last_served('mount: a remark\n{"event": "serving", "node": "be') == ""


def test_both_nodes_may_serve() -> None:
    state = seen("alpha", "beta")
    assert set(apart.serving(state)) == {"alpha"} and not apart.runs_on(state, "beta")
    for each in state.crm_mon.iter("resource"):
        if each.get("id") == "appliance":
            each.append(ET.Element("node", name="beta"))
    assert set(apart.serving(state)) == {"alpha", "beta"} and apart.runs_on(state, "beta") == {"appliance"}


def test_the_chapter_lists_every_step_and_every_event() -> None:
    chapter = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `([a-z0-9-]+)` \|", chapter, re.MULTILINE))

    assert rows == {each.name for each in STEPS} | set(EVENTS) | set(OPERATIONS)
