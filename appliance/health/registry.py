"""Every question of health, once: the console, ``/readyz``, the metrics, the alarms and ``vermilion diagnose`` ask
these and no others. The order is the one in which people read them."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.health import (
    backups,
    ceremonies,
    dating,
    keys,
    lasting,
    machine,
    maintaining,
    provisioned,
    queues,
    records,
    refusing,
    reminding,
    services,
)
from appliance.health.check import Check

CHECKS: tuple[Check, ...] = (
    Check("authority", "Signing authority", keys.authority, serving=True, at_once=True),
    Check("hsm", "HSM", keys.hsm, serving=True, at_once=True),
    Check("clock", "Clock", keys.clock, serving=True, at_once=True),
    Check("database", "Database", records.database, serving=True),
    Check("log", "Log", records.log, serving=True, at_once=True),
    Check("journal", "Administrators' journal", records.journal),
    Check("passkeys", "Administrators' passkeys", machine.passkeys),
    Check("ceremonies", "Records of key ceremonies", ceremonies.ceremonies),
    Check("officer-recovery", "Recovery of officers", ceremonies.recovery),
    Check("disk", "Disks", machine.disk, serving=True, at_once=True),
    Check("web", "Portal", services.portal),
    Check("tsa", "Timestamp service", services.timestamps),
    Check("refusals", "Refused timestamp requests", refusing.refusals),
    Check("maintenance", "Maintenance", maintaining.maintenance),
    Check("services", "Services of the machine", services.services),
    Check("queue", "Queues", queues.queue),
    Check("mail", "Mail server", queues.mail, network=True),
    Check("mail-lost", "Mail that was sent", queues.mail_lost),
    Check("certificates", "Certificates", keys.certificates),
    Check("revocation-lists", "Revocation lists", keys.revocation_lists),
    Check("root-list", "The root's revocation list", keys.root_list),
    Check("keeping", "Long keeping", lasting.keeping),
    Check("backup", "Backups", backups.backup),
    Check("drill", "Restore drills", backups.drill),
    Check("reminders", "Reminders to people", reminding.reminders),
    Check("calendar", "Working-day calendar", reminding.calendar),
    Check("outside-timestamps", "Timestamps by others", dating.outside_timestamps),
    Check("settings", "Settings", machine.settings),
    Check("permissions", "Permissions of files", machine.permissions),
    Check("versions", "Releases", services.versions),
    Check("provisioned", "Provisioning", provisioned.drift),
)

SERVES: tuple[Check, ...] = tuple(
    check for check in CHECKS if check.name in ("settings", "database", "authority", "hsm")
)
"""What a release is asked after an upgrade."""

TITLES: Mapping[str, str] = {"watch": "Watch", **{check.name: check.title for check in CHECKS}}
"""What people read for the name of a finding, that about the watch itself among them."""
