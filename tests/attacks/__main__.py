"""``make attacks``: every attack, and every good file, through the confined verifier; a table, the figure last."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from appliance.confinement.pool import Confinement
from appliance.verification import Verifier
from tests.attacks.good import false_alarm, samples
from tests.attacks.judging import complaint, confined, disagreement, in_process
from tests.attacks.registry import attacks
from tests.attacks.victims import GOOD

_SURVIVES = "survives"


def main() -> int:
    """0: nothing survived, no word was wrong and no alarm false; 1 otherwise."""
    with tempfile.TemporaryDirectory() as cache, Confinement(Path(cache)) as confinement:
        verify = confined(Verifier(confinement, [GOOD.root.certificate]))
        made, survivors, wrong = Counter[str](), Counter[str](), Counter[str]()
        for attack in attacks().values():
            made[attack.family] += 1
            attempt = attack.attempt()
            said = complaint(attack, verify(attempt)) or disagreement(attempt, in_process(attempt))
            if said is not None:
                (survivors if said == _SURVIVES else wrong)[attack.family] += 1
                _say(f"{attack.name}: {said}")
        files, alarms = Counter[str](), Counter[str]()
        for sample in samples().values():
            files[sample.family] += 1
            alarm = false_alarm(sample, verify(sample.attempt()))
            if alarm is not None:
                alarms[sample.family] += 1
                _say(f"{sample.name}: {alarm}")
    _say(f"{'family of attacks':<24} {'attacks':>8} {'survivors':>10} {'other words':>12}")
    for family, count in made.items():
        _say(f"{family:<24} {count:>8} {survivors[family]:>10} {wrong[family]:>12}")
    _say(f"\n{'good files by':<24} {'files':>8} {'false alarms':>13}")
    for family, count in files.items():
        _say(f"{family:<24} {count:>8} {alarms[family]:>13}")
    _say(
        f"\n{made.total()} attacks, {survivors.total()} survivors, {wrong.total()} with other words; "
        f"{files.total()} good files, {alarms.total()} false alarms"
    )
    return 1 if survivors or wrong or alarms else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
