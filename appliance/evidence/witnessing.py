"""What outside witnesses say of a package's checkpoint: who cosigned it, and whether that meets the quorum.

A package has the policy of its house. That says whom the house asks, and is the house's word: whoever verifies may
have a policy of their own, which then counts alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.errors import ConfigurationError
from appliance.evidence import log_files
from appliance.evidence.model import Files, part
from appliance.verification import SignatureReport, SubIndication
from appliance.verification.model import undecided
from appliance.witnesses import WitnessPolicy, parse_policy
from hsm.errors import Sentence
from hsm.note import NoteKey, parse_vkey

_OF_PACKAGE = (
    "By the policy in the package, outside witnesses who cosigned the log's checkpoint: {count} of {total}"
    " ({names}); its quorum is met. Whom the policy names is the word of the portal alone."
)
_OF_PACKAGE_NOT = (
    "By the policy in the package, outside witnesses who cosigned the log's checkpoint: {count} of {total}"
    " ({names}); its quorum is not met: nobody outside confirms that all see the same log."
)
_OF_PACKAGE_NONE = (
    "The policy in the package asks for no outside witnesses; who cosigned the log's checkpoint: {count} of"
    " {total} ({names}). Whom the policy names is the word of the portal alone."
)
_OWN = (
    "By your policy, outside witnesses who cosigned the log's checkpoint: {count} of {total} ({names}); its quorum"
    " is met."
)
_OWN_NOT = (
    "By your policy, outside witnesses who cosigned the log's checkpoint: {count} of {total} ({names}); its quorum"
    " is not met."
)
_OWN_NONE = (
    "Your policy asks for no outside witnesses; who cosigned the log's checkpoint: {count} of {total} ({names})."
)
_OTHER_LOG = "The log {log} of the package is none of those in your witness policy."
_OF_PACKAGE_OTHER_LOG = "The witness policy in the package is about other logs than {log}."
_UNREADABLE = "The witness policy in the package cannot be read: {why}"
NOBODY = "–"


@dataclass(frozen=True, slots=True)
class WitnessDemand:
    """The policy of whoever verifies; where it is ``demanded``, a package that does not meet it is undecided."""

    policy: WitnessPolicy
    demanded: bool


@dataclass(frozen=True, slots=True)
class WitnessedLog:
    """What there is to remark, and to hold against the package."""

    remarks: tuple[Sentence, ...] = ()
    reports: tuple[SignatureReport, ...] = ()


def judge_witnesses(files: Files, demand: WitnessDemand | None) -> WitnessedLog:
    """The witnesses of the checkpoint in *files*, whose own signature is verified elsewhere. Without any policy
    there is nothing to say."""
    own = None if demand is None else demand.policy
    if own is None:
        return WitnessedLog(tuple(_of_package(files)))
    unmet = list(_unmet(files, own))
    if not unmet:
        return WitnessedLog((_sentence(_OWN if own.demands_witnesses else _OWN_NONE, files, own),))
    if demand is None or not demand.demanded:
        return WitnessedLog(tuple(unmet))
    reports = (undecided(SubIndication.SIG_CONSTRAINTS_FAILURE, each.template, **each.values) for each in unmet)
    return WitnessedLog((), tuple(SignatureReport(log_files.CHECKPOINT, each) for each in reports))


def _of_package(files: Files) -> Iterator[Sentence]:
    if log_files.WITNESS_POLICY not in files:
        return
    try:
        policy = parse_policy(part(files, log_files.WITNESS_POLICY))
    except ConfigurationError as error:
        yield Sentence(_UNREADABLE, {"why": str(error)})
        return
    log = _log(files)
    if policy.logs and log not in policy.logs:
        yield Sentence(_OF_PACKAGE_OTHER_LOG, {"log": log.name})
    elif not policy.demands_witnesses:
        yield _sentence(_OF_PACKAGE_NONE, files, policy)
    else:
        is_met = policy.judge(part(files, log_files.CHECKPOINT)).is_met
        yield _sentence(_OF_PACKAGE if is_met else _OF_PACKAGE_NOT, files, policy)


def _unmet(files: Files, policy: WitnessPolicy) -> Iterator[Sentence]:
    log = _log(files)
    if policy.logs and log not in policy.logs:
        yield Sentence(_OTHER_LOG, {"log": log.name})
    elif not policy.judge(part(files, log_files.CHECKPOINT)).is_met:
        yield _sentence(_OWN_NOT, files, policy)


def _log(files: Files) -> NoteKey:
    return parse_vkey(part(files, log_files.VKEY).decode("ascii", "replace"))


def _sentence(template: str, files: Files, policy: WitnessPolicy) -> Sentence:
    found = policy.judge(part(files, log_files.CHECKPOINT))
    names = ", ".join(each.key.name for each in policy.witnesses if each.name in found.cosigned)
    return Sentence(template, {"count": len(found.cosigned), "total": found.witnesses, "names": names or NOBODY})
