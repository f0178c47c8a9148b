"""``make review-corpus``: precision and recall of the content check, for the variants of fresh.yaml apart.

``--write`` writes ``labels.yaml`` anew, ``--known`` leaves those of fresh.yaml alone, ``--mistakes`` names each
mistake.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import yaml

from appliance.confinement import Confinement
from appliance.review import rule_files
from appliance.review.checker import Checker
from tests.review.corpus.contracts import HERE, plans
from tests.review.corpus.measure import Measurement
from tests.review.corpus.printing import printed

LABELS = HERE / "labels.yaml"
HEAD = "# What is in each contract of the corpus; written by `python -m tests.review.corpus --write`.\n"


def labels() -> str:
    """The content of ``labels.yaml``."""
    told = {plan.name: plan.label() for plan in plans()}
    return HEAD + yaml.safe_dump(told, allow_unicode=True, sort_keys=True, default_flow_style=None, width=120)


def main(arguments: list[str]) -> int:
    if "--write" in arguments:
        LABELS.write_text(labels(), encoding="utf-8")
        return 0
    known, held = Measurement(), Measurement()
    with tempfile.TemporaryDirectory() as cache, Confinement(Path(cache)) as confinement:
        checker = Checker(confinement, rule_files.load())
        for plan in plans():
            if not (plan.held and "--known" in arguments):
                (held if plan.held else known).add(plan, checker.check(printed(plan)))
    for name, part in (("known variants", known), ("later variants (fresh.yaml)", held)):
        show(
            f"{name}: {part.contracts} contracts",
            *part.table(),
            *(part.mistakes if "--mistakes" in arguments else ()),
        )
    whole = known.total() + held.total()
    good = whole.recall >= 0.95 and whole.precision >= 0.9
    apart = held.total()
    show(
        f"fresh.yaml alone: precision {apart.precision:.3f}, recall {apart.recall:.3f}",
        f"{'PASS' if good else 'FAIL'}: {known.contracts + held.contracts} contracts, "
        f"precision {whole.precision:.3f} (at least 0.9), recall {whole.recall:.3f} (at least 0.95)",
    )
    return 0 if good else 1


def show(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
