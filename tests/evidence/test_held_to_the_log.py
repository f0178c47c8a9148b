"""What a package shows is what the log has, and what the log tells is there: whoever has taken the portal over
writes the one and packs the other, and chooses the reader whom the package is shown to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest

from appliance.ledger.entry import LedgerEntry
from tests.evidence.authority import TestAuthority
from tests.evidence.test_checked_alike import REFUSED
from tests.evidence.test_told import BOTH, CONTRACT, Judges, judges

__all__ = ["judges"]
pytestmark = pytest.mark.usefixtures("pages_of_the_true_log")


def test_nobody_voids_by_what_the_other_refused(judges: Judges, authority: TestAuthority) -> None:
    """Each has declared it at a proposal of their own, which the other one has refused."""
    said = {each: judges.declaration(each, voiding=f"voiding-{each}") for each in BOTH}

    def voided(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            yield each
            if each.kind == "contract-completed":
                for person, record in said.items():
                    public = {"contract": CONTRACT, "actor": person, "voiding": f"voiding-{person}"}
                    declared = {"signer": person, "signed": hashlib.sha256(record).hexdigest()}
                    yield LedgerEntry("void-declared", authority.now, public | declared)
                    yield LedgerEntry("contract-voided", authority.now, public)

    evidence = judges.with_log(voided)
    signed = [judges._signed(*each, by="") for each in enumerate(said.items(), start=1)]
    assert judges.verdicts(replace(evidence, records=(*evidence.records, *signed))) == REFUSED
