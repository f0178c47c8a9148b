"""Actions on the machine: backups, releases, services. Root does them, in the privileged helper's units."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from appliance.administration.action import (
    AUTHORITY,
    BOTH,
    SECURITY,
    SERVICES,
    SYSTEM,
    Action,
    ActionContext,
    Argument,
    ArgumentKind,
    ExecutedBy,
)
from appliance.errors import StateRefused
from appliance.model.administration import Actor, AdminRequestOutcome
from hsm.errors import AuthorityError
from hsm.operation_types import AuthorityState

_YES = "yes"
_FORGET = Argument("forget_newer", "Although newer acts would be lost", ArgumentKind.CHOICE, False, (_YES,))


def _restart(parts: ActionContext, arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    service = arguments["service"]
    if service == AUTHORITY and _is_locked(parts):
        raise StateRefused(
            "The authority is locked, and one person's restart leaves it so: keepers of its PIN unlock it, or two"
            " persons restart it (the action authority.restart)."
        )
    return parts.host.restart(service)


def _is_locked(parts: ActionContext) -> bool:
    """Whether it says so. One that says nothing is to be started again: if somebody locked it, it starts locked
    (:mod:`hsm.home`)."""
    try:
        return parts.authority.status().state is AuthorityState.LOCKED
    except AuthorityError:
        return False


def _restore(parts: ActionContext, arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    forget = arguments.get("forget_newer") == _YES
    return parts.host.restore(arguments["archive"], arguments["identity"], forget_newer=forget)


_alone = partial(Action, who=SYSTEM, executed_by=ExecutedBy.PRIVILEGED_HELPER)
_by_two = partial(_alone, approvers=SECURITY)

ACTIONS = (
    _alone(
        "backup.now",
        "Make a backup",
        "A backup is made now, while everything runs; older ones that the settings do not keep are removed.",
        perform=lambda parts, _arguments, _by: parts.host.back_up(),
    ),
    _alone(
        "drill.now",
        "Try the newest backup",
        "The newest backup is opened beside the running system, and verified.",
        perform=lambda parts, _arguments, _by: parts.host.drill(),
    ),
    _by_two(
        "restore",
        "Restore a backup",
        "Everything stops; the backup {archive}, opened with {identity}, takes the place of all data, which"
        " is put aside; everything starts again. What was signed since that backup is gone. Newer acts may be"
        " lost: {forget_newer}.",
        undo="What was there before is put aside beside the home; `vermilion restore` brings another backup.",
        arguments=(
            Argument("archive", "The backup, by its name"),
            Argument("identity", "The file with the recovery key, on this machine"),
            _FORGET,
        ),
        perform=_restore,
    ),
    _by_two(
        "release.upgrade",
        "Upgrade",
        "Release {version}, whose bundle root has put on this machine, becomes the current one by the"
        " playbook upgrade: backup, stop, migration, its own units and settings, start; or the one that serves now"
        " goes on.",
        undo="The action release.rollback goes back.",
        arguments=(Argument("version", "The release"),),
        perform=lambda parts, arguments, _by: parts.host.upgrade(arguments["version"]),
    ),
    _by_two(
        "release.rollback",
        "Go back to the release before",
        "Everything stops, and the release before the last upgrade serves again by the playbook rollback,"
        " with its own units and settings. Newer acts may be lost, and witnesses that know them no longer cosign"
        " this log: {forget_newer}. The result then says up to which entry they may know what is lost.",
        undo="The action release.upgrade goes forward again.",
        arguments=(_FORGET,),
        perform=lambda parts, arguments, _by: parts.host.roll_back(
            forget_newer=arguments.get("forget_newer") == _YES
        ),
    ),
    _alone(
        "service.restart",
        "Restart a service",
        "The service {service} ends in order and starts again. An authority that somebody locked stays locked.",
        arguments=(Argument("service", "Service", ArgumentKind.CHOICE, choices=SERVICES),),
        perform=_restart,
    ),
    _by_two(
        "authority.restart",
        "Restart the authority, locked or not",
        "The signing authority ends in order and starts again; where its PIN is kept, it is operational"
        " again, also after somebody locked it.",
        undo="The action authority.lock.",
        perform=lambda parts, _arguments, _by: parts.host.unlock_and_restart(),
    ),
    _alone(
        "alarm.dismiss",
        "Take an alarm back",
        "The alarm that {unit} raised counts as dealt with.",
        undo="Where the cause is still there, the alarm comes back by itself.",
        who=BOTH,
        arguments=(Argument("unit", "The unit that failed"),),
        perform=lambda parts, arguments, _by: parts.host.dismiss_alarm(arguments["unit"]),
    ),
)
