"""Asking the verifier about an attempt, and whether the answer is the right one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import cache

from appliance.verification import Indication, TrustAnchors, VerificationReport, Verifier, confined_verification
from appliance.verification.trust import ValidationContext
from tests.attacks.registry import Attack, Attempt
from tests.attacks.victims import GOOD

Verify = Callable[[Attempt], VerificationReport]


def in_process(attempt: Attempt) -> VerificationReport:
    """The verdict, unconfined: quick, and an exception is raised as it is."""
    given = ValidationContext(attempt.at, _anchors(attempt).certificates, crls=attempt.crls)
    if attempt.data is not None:
        return confined_verification.verify_timestamp(
            attempt.document, given, data=attempt.data, nonce=attempt.nonce
        )
    return confined_verification.verify_pdf(attempt.document, given)


def disagreement(attempt: Attempt, report: VerificationReport) -> str | None:
    """Where the incremental verification of *attempt*, after whichever of its revisions pass by themselves, says
    anything but *report*, which is the full verification's; or None."""
    for length in passing_bases(attempt):
        given = ValidationContext(attempt.at, _anchors(attempt).certificates, crls=attempt.crls)
        if confined_verification.verify_pdf(attempt.document, given, verified=length) != report:
            return f"another report after the {length} bytes that had passed"
    return None


def passing_bases(attempt: Attempt) -> list[int]:
    """The lengths of the beginnings of *attempt* that end like a file and are TOTAL-PASSED."""
    if attempt.data is not None:
        return []
    ends = (match.end() for match in re.finditer(rb"%%EOF(?:\r\n|\r|\n)?", attempt.document))
    return [
        end
        for end in ends
        if end < len(attempt.document) and _passes(replace(attempt, document=attempt.document[:end]))
    ]


@cache
def _passes(attempt: Attempt) -> bool:
    return in_process(attempt).indication is Indication.PASSED


def confined(verifier: Verifier) -> Verify:
    """The verdict as users get it."""

    def verify(attempt: Attempt) -> VerificationReport:
        at: datetime = attempt.at
        if attempt.data is not None:
            return verifier.verify_timestamp(
                attempt.document, data=attempt.data, nonce=attempt.nonce, at=at, trust=_anchors(attempt)
            )
        return verifier.verify_pdf(attempt.document, at=at, trust=_anchors(attempt))

    return verify


def complaint(attack: Attack, report: VerificationReport) -> str | None:
    """What is wrong with the verdict about *attack*, or None."""
    words = (report.indication, report.verdict.subindication)
    told = f"{report.indication} {report.verdict.subindication or ''}: {'; '.join(report.reasons) or 'no reason'}"
    if report.indication is Indication.PASSED:
        return "survives"
    if words not in attack.expected or not report.reasons:
        return told
    if attack.says and not any(attack.says in reason for reason in report.reasons):
        return told
    mute = [each for each in report.signatures if each.verdict.indication is not Indication.PASSED]
    return None if all(each.verdict.reasons for each in mute) else "a signature without a reason"


def _anchors(attempt: Attempt) -> TrustAnchors:
    trusted = (GOOD.root,) if attempt.trust is None else attempt.trust
    return TrustAnchors(tuple(each.certificate for each in trusted), crls=attempt.crls)
