"""Actions on directories: to read one takes one person; what a directory may not decide alone takes two."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Final

from appliance.administration.action import (
    BOTH,
    SECURITY,
    Action,
    ActionContext,
    Argument,
    ArgumentKind,
    ExecutedBy,
)
from appliance.config import Settings
from appliance.errors import PreconditionRefused
from appliance.model.administration import Actor, AdminRequestOutcome
from appliance.model.directories import HeldKind
from appliance.model.directory_status import NOTHING_TO_READ

SYNCHRONISE: Final = "directory.synchronise"
DRY_RUN: Final = "directory.dry_run"
RELEASE: Final = "directory.release"


def _require_directory(parts: ActionContext) -> None:
    if not parts.appliance.directory_rounds.sources():
        raise PreconditionRefused(NOTHING_TO_READ)


def _require_digest(_settings: Settings, arguments: Mapping[str, str]) -> None:
    if not re.fullmatch("[0-9a-f]{64}", arguments["digest"]):
        raise PreconditionRefused(
            "The digest of what waits has 64 hexadecimal digits, as the page Directory has it."
        )


def _synchronise(parts: ActionContext, _arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    _require_directory(parts)
    parts.appliance.directory_operation.ask_for_round()
    return AdminRequestOutcome("The directory is read now; the page Directory says what came of it.")


def _dry_run(parts: ActionContext, _arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    _require_directory(parts)
    parts.appliance.directory_operation.ask_for_dry_run()
    return AdminRequestOutcome("The directory is read now; the page Directory says what it would change.")


def _release(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
    _require_digest(parts.settings, arguments)
    second = parts.act.decided_by if parts.act else None
    done = parts.appliance.directory_accounts.release(
        HeldKind(arguments["kind"]),
        count=int(arguments["count"]),
        digest=arguments["digest"],
        by=", ".join(each for each in (by.login, second) if each),
    )
    return AdminRequestOutcome("Done as the directory asks; users: {count}.", {"count": done})


_alone = partial(Action, who=BOTH, executed_by=ExecutedBy.SCHEDULER)

ACTIONS = (
    _alone(
        SYNCHRONISE,
        "Synchronise now",
        "The LDAP directory, and what programs have pushed by SCIM, are read at once, and accounts follow them, as"
        " by itself every few minutes.",
        undo="Nothing takes it back; accounts follow what the directory has next.",
        perform=_synchronise,
    ),
    _alone(
        DRY_RUN,
        "Dry run",
        "The LDAP directory, and what programs have pushed by SCIM, are read at once and compared with the"
        " accounts; nothing is changed.",
        perform=_dry_run,
    ),
    _alone(
        RELEASE,
        "Release what waits of a directory",
        "What waits of the kind {kind} is done as the directory asks, for exactly the users that were shown (how"
        " many: {count}; SHA-256 of the list: {digest}); if other users wait by then, nothing is done. Accounts"
        " that are removed are suspended, and their sessions and powers end.",
        undo="Accounts follow the directory: who is in it again has the account again, but no powers.",
        approvers=SECURITY,
        arguments=(
            Argument("kind", "What waits", ArgumentKind.CHOICE, choices=tuple(HeldKind)),
            Argument("count", "How many users the list has", ArgumentKind.NUMBER),
            Argument("digest", "SHA-256 of the list, as the page Directory has it"),
        ),
        perform=_release,
        precheck=_require_digest,
    ),
)
