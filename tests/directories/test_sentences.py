"""Everything that synchronisations say, of problems, differences and what waits, is said in both languages."""

from __future__ import annotations

from appliance.directories.leaving import GONE, REASON
from appliance.language import chinese_messages
from appliance.model.directories import DirectoryProblem, HeldKind
from appliance.model.directory_status import COUNTED, SENTENCES, WAITS, DifferenceKind


def test_every_problem_and_difference_has_its_sentence() -> None:
    assert set(SENTENCES) == set(COUNTED) == set(DifferenceKind)
    assert set(WAITS) == set(HeldKind)
    known = chinese_messages()
    said = [
        *SENTENCES.values(),
        *COUNTED.values(),
        *WAITS.values(),
        *(each.sentence for each in DirectoryProblem),
        GONE,
    ]
    assert [each for each in said if each not in known] == []
    assert "管理" not in REASON and "直属上级" in REASON and "manager" in REASON
