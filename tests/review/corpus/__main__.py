"""``make review-corpus``: precision and recall of the content check, for each part of the corpus apart.

``--write`` writes ``labels.yaml`` anew, ``--mistakes`` names each mistake.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import yaml

from appliance.confinement.pool import Confinement
from appliance.review import rule_files
from appliance.review.reviewing import ContentChecker
from tests.review.corpus.contracts import HERE, plans
from tests.review.corpus.measure import Measurement, Score
from tests.review.corpus.printing import printed

LABELS = HERE / "labels.yaml"
PARTS = {"known": "zh.yaml, en.yaml", "fresh": "fresh.yaml", "heldout": "heldout.yaml"}
HEAD = "# What is in each contract of the corpus; written by `python -m tests.review.corpus --write`.\n"


def labels() -> str:
    """The content of ``labels.yaml``."""
    told = {plan.name: plan.label() for plan in plans()}
    return HEAD + yaml.safe_dump(told, allow_unicode=True, sort_keys=True, default_flow_style=None, width=120)


def main(arguments: list[str]) -> int:
    if "--write" in arguments:
        LABELS.write_text(labels(), encoding="utf-8")
        return 0
    measured = {part: Measurement() for part in PARTS}
    with tempfile.TemporaryDirectory() as cache, Confinement(Path(cache)) as confinement:
        checker = ContentChecker(confinement, rule_files.load_rules())
        for plan in plans():
            measured[plan.part].add(plan, checker.check_document(printed(plan)))
    for name, part in measured.items():
        mistakes = part.mistakes if "--mistakes" in arguments else ()
        show(f"{PARTS[name]}: {part.contracts} contracts", *part.table(), *mistakes)
    for name, part in measured.items():
        show(f"{PARTS[name]}: precision {part.total().precision:.3f}, recall {part.total().recall:.3f}")
    whole = sum((part.total() for part in measured.values()), Score())
    good = whole.recall >= 0.95 and whole.precision >= 0.9
    show(
        f"{'PASS' if good else 'FAIL'}: {sum(part.contracts for part in measured.values())} contracts, "
        f"precision {whole.precision:.3f} (at least 0.9), recall {whole.recall:.3f} (at least 0.95)"
    )
    return 0 if good else 1


def show(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
