"""``make review-corpus``: the content check measured on each part of the first corpus, and on the others.

Folders as arguments are measured instead. ``--write`` writes ``labels.yaml`` anew, ``--mistakes`` names each
mistake.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import yaml

from appliance.confinement.pool import Confinement
from appliance.review import rule_files
from appliance.review.reviewing import ContentChecker
from tests.review.corpus.annotated import FOLDERS, contracts
from tests.review.corpus.contracts import HERE, plans
from tests.review.corpus.measure import Measurement
from tests.review.corpus.printing import printed

LABELS = HERE / "labels.yaml"
PARTS = {"known": "zh.yaml, en.yaml", "fresh": "fresh.yaml", "heldout": "heldout.yaml"}
HEAD = "# What is in each contract of the corpus; written by `python -m tests.review.corpus --write`.\n"


def labels() -> str:
    """The content of ``labels.yaml``."""
    told = {plan.name: plan.label() for plan in plans()}
    return HEAD + yaml.safe_dump(told, allow_unicode=True, sort_keys=True, default_flow_style=None, width=120)


def main(arguments: list[str]) -> int:
    folders = [Path(each) for each in arguments if not each.startswith("--")]
    if "--write" in arguments:
        LABELS.write_text(labels(), encoding="utf-8")
        return 0
    measured = {PARTS[part]: Measurement() for part in PARTS} if not folders else {}
    with tempfile.TemporaryDirectory() as cache, Confinement(Path(cache)) as confinement:
        checker = ContentChecker(confinement, rule_files.load_rules())
        for plan in plans() if not folders else ():
            measured[PARTS[plan.part]].add(plan, checker.check_document(printed(plan)))
        for folder in folders or FOLDERS:
            measured[folder.name] = Measurement()
            for contract in contracts(folder):
                measured[folder.name].add_annotated(contract, checker.check_document(printed(contract)))
    for name, part in measured.items():
        mistakes = part.mistakes if "--mistakes" in arguments else ()
        show(f"{name}: {part.contracts} contracts", *part.table(), *mistakes)
    for name, part in measured.items():
        show(f"{'PASS' if part.good else 'FAIL'}: {part.line(name)}")
    return 0 if all(part.good for part in measured.values()) else 1


def show(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
