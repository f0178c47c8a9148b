"""What `make test-ha` is made of, where it needs no machine: events, figures, how it reads a cluster."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.ha import power
from tests.ha.events import EVENTS
from tests.ha.load import Told
from tests.ha.pair import Converged, Pair, State
from tests.ha.rounds import OUTAGES, Figures, Rounds, order
from tests.ha.steps import STEPS
from tests.machine.failure import StepFailed

_RESOURCE = '<resource id="{0}" role="{1}" failed="false"><node name="{2}"/></resource>'
_NODE = '<node name="{0}" online="{1}" pending="false" unclean="false"/>'
SYNCED = " 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----"
RECAP = """TASK [cluster : Resources] ****
changed: [beta]
PLAY RECAP *********************
alpha                      : ok=120  changed=0    unreachable=0    failed={0}    skipped=3
beta                       : ok=90   changed=1    unreachable=0    failed=0    skipped=5
"""


def seen(active: str, standby: str, *, online: str = "true", held: str = "", volume: str = SYNCED) -> State:
    """What crm_mon says of a pair of which *active* serves."""
    started = [
        _RESOURCE.format(each, "Started", active) for each in ("filesystem", "address", "appliance", "front")
    ]
    fences = [
        _RESOURCE.format(f"fence-{one}", "Started", other) for one, other in ((active, standby), (standby, active))
    ]
    nodes = _NODE.format(active, "true") + _NODE.format(standby, online)
    text = f"<crm><nodes>{nodes}</nodes><resources>{''.join(started + fences)}</resources>{held}</crm>"
    return State(ET.fromstring(text), volume)  # noqa: S314 # ours


def test_a_pair_is_whole_when_nothing_is_missing() -> None:
    assert seen("alpha", "beta").is_whole and seen("alpha", "beta").active == "alpha"
    assert not seen("alpha", "beta", online="false").is_whole
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


def test_the_last_line_has_the_figures(tmp_path: Path) -> None:
    rounds = Rounds(Pair(tmp_path, tmp_path), tmp_path / "watch.jsonl")
    rounds.figures = [Figures("power-active", 10, 10, 41.0, 80.0), Figures("switch-over", 7, 7, 20.0, 30.0)]
    told = [{"event": event, "where": "192.0.2.10", "words": "", "size": 3} for event in ("cosigned", "fork")]
    rounds.watch.write_text("".join(f"{json.dumps(each)}\n" for each in told))

    assert rounds.last_line() == "ha: 2 rounds, 17 acknowledged, 17 found, 1 forks, median 41 s to serve again"
    assert rounds.seen() == 1 and "20 s without a signature" in rounds.remarks()


def test_times_of_acknowledgements_are_read_as_they_were_written(tmp_path: Path) -> None:
    (tmp_path / "round-1.times").write_text("token 1.0 1.5\nsigned 2.0 4.0\nbroken off")

    assert Told.read(tmp_path / "round-1") == [Told("token", 1.0, 1.5), Told("signed", 2.0, 4.0)]


def test_nothing_is_switched_on_without_mains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "command").write_text('["never-started"]')

    assert power.main(str(tmp_path), "set", "power", "1") == 0
    assert power.main(str(tmp_path), "get", "power", "boot") == 0
    assert capsys.readouterr().out == "power:0\nboot:0\n"


def test_the_chapter_lists_every_step_and_every_event() -> None:
    chapter = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `([a-z0-9-]+)` \|", chapter, re.MULTILINE))

    assert rows == {each.name for each in STEPS} | set(EVENTS)
