"""In a process of its own, for it is for good: all goes on working, and what is shared is no longer written."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import gc, json, os, re, sys
from appliance.confinement.immortal import immortalise

shared = [[str(number), {"number": number}, (number, "x")] for number in range(20_000)]
texts = {each[0]: each for each in shared}
count = immortalise()
gc.collect()
gc.freeze()


def faults():
    return int(open("/proc/self/stat").read().rpartition(")")[2].split()[7])


def child():
    before = faults()
    kept = [each for group in shared for each in group]
    found = faults() - before
    del kept
    assert json.loads(json.dumps(texts["77"])) == ["77", {"number": 77}, [77, "x"]]
    assert re.sub("7", "x", shared[77][0]) == "xx"
    shared[0][1]["number"] += 1
    shared[1].clear()
    gc.collect()
    return found


process = os.fork()
if process == 0:
    os.environ.clear()
    print(json.dumps([count, child()]), flush=True)
    os._exit(0)
assert os.waitpid(process, 0)[1] == 0
"""


@pytest.mark.parametrize("known", [sys.version_info[:2] in ((3, 12), (3, 13))])
def test_what_a_child_only_looks_at_is_not_copied(known: bool) -> None:
    printed = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    count, faults = (int(each) for each in printed.strip("[]\n").split(","))
    if known:
        assert count > 40_000
        assert faults < 700  # the list itself takes 120 pages; copying what is looked at would take 1,500
    else:
        assert count == 0
