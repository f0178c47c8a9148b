"""Actions on the machine: backups, releases, services. Root does them, in the steward's units."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.administration.action import (
    AUTHORITY,
    BOTH,
    NOBODY,
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
from hsm.answers import AuthorityState
from hsm.errors import AuthorityError

_YES = "yes"
_FORGET = Argument("forget_newer", "Although newer acts would be lost", ArgumentKind.CHOICE, False, (_YES,))


def _back_up(parts: ActionContext, _arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    return parts.host.back_up()


def _drill(parts: ActionContext, _arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    return parts.host.drill()


def _restart(parts: ActionContext, arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    service = arguments["service"]
    if service == AUTHORITY and _is_locked(parts):
        raise StateRefused(
            "The authority is locked, and one person's restart leaves it so: keepers of its PIN unlock it, or two"
            " persons restart it (the action authority.restart)."
        )
    return parts.host.restart(service)


def _restart_authority(parts: ActionContext, _arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    return parts.host.unlock_and_restart()


def _is_locked(parts: ActionContext) -> bool:
    """Whether it says so. One that says nothing is to be started again: if somebody locked it, it starts locked
    (:mod:`hsm.lasting_lock`)."""
    try:
        return parts.authority.status().state is AuthorityState.LOCKED
    except AuthorityError:
        return False


def _restore(parts: ActionContext, arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    forget = arguments.get("forget_newer") == _YES
    return parts.host.restore(arguments["archive"], arguments["identity"], forget_newer=forget)


def _upgrade(parts: ActionContext, arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    return parts.host.upgrade(arguments["version"])


def _roll_back(parts: ActionContext, arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    return parts.host.roll_back(forget_newer=arguments.get("forget_newer") == _YES)


def _take_alarm_back(parts: ActionContext, arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    return parts.host.dismiss_alarm(arguments["unit"])


ACTIONS = (
    Action(
        name="backup.now",
        title="Make a backup",
        effect="A backup is made now, while everything runs; older ones that the settings do not keep are"
        " removed.",
        undo="Nothing has to be taken back.",
        who=SYSTEM,
        approvers=NOBODY,
        arguments=(),
        executed_by=ExecutedBy.PRIVILEGED_HELPER,
        perform=_back_up,
    ),
    Action(
        name="drill.now",
        title="Try the newest backup",
        effect="The newest backup is opened beside the running system, and verified.",
        undo="Nothing has to be taken back.",
        who=SYSTEM,
        approvers=NOBODY,
        arguments=(),
        executed_by=ExecutedBy.PRIVILEGED_HELPER,
        perform=_drill,
    ),
    Action(
        name="restore",
        title="Restore a backup",
        effect="Everything stops; the backup {archive}, opened with {identity}, takes the place of all data, which"
        " is put aside; everything starts again. What was signed since that backup is gone. Newer acts may be"
        " lost: {forget_newer}.",
        undo="What was there before is put aside beside the home; `vermilion restore` brings another backup.",
        who=SYSTEM,
        approvers=SECURITY,
        arguments=(
            Argument("archive", "The backup, by its name"),
            Argument("identity", "The file with the recovery key, on this machine"),
            _FORGET,
        ),
        executed_by=ExecutedBy.PRIVILEGED_HELPER,
        perform=_restore,
    ),
    Action(
        name="release.upgrade",
        title="Upgrade",
        effect="Release {version}, whose bundle root has put on this machine, becomes the current one by the"
        " playbook upgrade: backup, stop, migration, its own units and settings, start; or the one that serves now"
        " goes on.",
        undo="The action release.rollback goes back.",
        who=SYSTEM,
        approvers=SECURITY,
        arguments=(Argument("version", "The release"),),
        executed_by=ExecutedBy.PRIVILEGED_HELPER,
        perform=_upgrade,
    ),
    Action(
        name="release.rollback",
        title="Go back to the release before",
        effect="Everything stops, and the release before the last upgrade serves again by the playbook rollback,"
        " with its own units and settings. Newer acts may be lost: {forget_newer}.",
        undo="The action release.upgrade goes forward again.",
        who=SYSTEM,
        approvers=SECURITY,
        arguments=(_FORGET,),
        executed_by=ExecutedBy.PRIVILEGED_HELPER,
        perform=_roll_back,
    ),
    Action(
        name="service.restart",
        title="Restart a service",
        effect="The service {service} ends in order and starts again. An authority that somebody locked stays"
        " locked.",
        undo="Nothing has to be taken back.",
        who=SYSTEM,
        approvers=NOBODY,
        arguments=(Argument("service", "Service", ArgumentKind.CHOICE, choices=SERVICES),),
        executed_by=ExecutedBy.PRIVILEGED_HELPER,
        perform=_restart,
    ),
    Action(
        name="authority.restart",
        title="Restart the authority, locked or not",
        effect="The signing authority ends in order and starts again; where its PIN is kept, it is operational"
        " again, also after somebody locked it.",
        undo="The action authority.lock.",
        who=SYSTEM,
        approvers=SECURITY,
        arguments=(),
        executed_by=ExecutedBy.PRIVILEGED_HELPER,
        perform=_restart_authority,
    ),
    Action(
        name="alarm.dismiss",
        title="Take an alarm back",
        effect="The alarm that {unit} raised counts as dealt with.",
        undo="Where the cause is still there, the alarm comes back by itself.",
        who=BOTH,
        approvers=NOBODY,
        arguments=(Argument("unit", "The unit that failed"),),
        executed_by=ExecutedBy.PRIVILEGED_HELPER,
        perform=_take_alarm_back,
    ),
)
