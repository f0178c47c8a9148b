"""Processes are killed and faults strike during a signature: nothing is lost, done twice or left half-done.

``make crash ROUNDS=few`` (part of ``.ci/run``) kills at every failpoint and brings about every other fault once;
``make crash`` runs hundreds of rounds of these and of all other pairs of fault and place, side by side.
"""

from __future__ import annotations

import sys
from threading import Thread

import pytest

from appliance.contracts.crash_safety import Failpoint
from tests.crash.__main__ import Table, run_lane
from tests.crash.plan import BRIEF, PLANS, Share, brief, few, scenarios
from tests.crash.tally import Tally
from tests.world import template_home

pytestmark = [pytest.mark.crash, pytest.mark.slow]


def test_the_plan_kills_at_every_failpoint_and_has_every_fault() -> None:
    every, some = scenarios(own_disk=True), few(own_disk=True)
    assert {each.at for each in some if each.fault == "kill"} >= {failpoint.name for failpoint in Failpoint}
    assert {each.fault for each in some} == {each.fault for each in every}
    assert set(some) <= set(every)


@pytest.mark.parametrize("name", PLANS)
def test_lanes_share_a_plan(name: str) -> None:
    halves = [Share.read(str(Share(lane, 2, name))) for lane in range(2)]
    shared = [each for half in halves if half for each in half.scenarios(own_disk=True)]
    assert sorted(map(str, shared)) == sorted(map(str, PLANS[name](own_disk=True)))


def test_the_brief_plan_has_each_of_its_faults() -> None:
    assert {each.fault for each in brief(own_disk=True)} == set(BRIEF)
    assert len(brief(own_disk=True)) == sum(map(len, BRIEF.values()))


def test_nothing_is_lost_twice_or_half(counted: Tally) -> None:
    home = template_home()
    table = Table(say=sys.stdout.write)
    halves = [Share(lane, 2, "brief") for lane in range(2)]  # side by side, since each often waits
    lanes = [Thread(target=run_lane, args=(str(home.root), str(each), each.lane, table)) for each in halves]
    for each in lanes:
        each.start()
    for each in lanes:
        each.join()
    counted.add(table.total)
    assert table.broken == []
    assert table.total.findings == []
    assert table.total.is_good
    assert table.total.counts["acknowledged"] == table.total.counts["found"] > table.done
