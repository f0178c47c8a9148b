"""Every question of health, once: the console, ``/readyz``, the metrics, the alarms and ``vermilion diagnose`` ask
these and no others. The order is the one in which people read them."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.health import authority_checks, contract_checks, machine_checks, record_checks, service_checks
from appliance.health.check_context import Check

CHECKS: tuple[Check, ...] = (
    Check("authority", "Signing authority", authority_checks.authority, serving=True, at_once=True),
    Check("hsm", "HSM", authority_checks.hsm, serving=True, at_once=True),
    Check("clock", "Clock", authority_checks.clock, serving=True, at_once=True),
    Check("database", "Database", record_checks.database, serving=True),
    Check("log", "Log", record_checks.log, serving=True, at_once=True),
    Check("journal", "Administrators' journal", record_checks.journal),
    Check("passkeys", "Administrators' passkeys", machine_checks.passkeys),
    Check("ceremonies", "Records of key ceremonies", authority_checks.ceremonies),
    Check("officer-recovery", "Recovery of officers", authority_checks.recovery),
    Check("disk", "Disks", machine_checks.disk, serving=True, at_once=True),
    Check("web", "Portal", service_checks.portal),
    Check("tsa", "Timestamp service", service_checks.timestamps),
    Check("refusals", "Refused timestamp requests", contract_checks.refusals),
    Check("maintenance", "Maintenance", service_checks.maintenance),
    Check("services", "Services of the machine", service_checks.services),
    Check("queue", "Queues", record_checks.queue),
    Check("mail", "Mail server", record_checks.mail, network=True),
    Check("mail-lost", "Mail that was sent", record_checks.mail_lost),
    Check("certificates", "Certificates", authority_checks.certificates),
    Check("revocation-lists", "Revocation lists", authority_checks.revocation_lists),
    Check("root-list", "The root's revocation list", authority_checks.root_list),
    Check("keeping", "Long keeping", contract_checks.keeping),
    Check("backup", "Backups", machine_checks.backup),
    Check("drill", "Restore drills", machine_checks.drill),
    Check("reminders", "Reminders to people", contract_checks.reminders),
    Check("calendar", "Working-day calendar", contract_checks.calendar),
    Check("outside-timestamps", "Timestamps by others", contract_checks.outside_timestamps),
    Check("settings", "Settings", machine_checks.settings),
    Check("permissions", "Permissions of files", machine_checks.permissions),
    Check("versions", "Releases", service_checks.versions),
    Check("provisioned", "Provisioning", machine_checks.drift),
)

SERVES: tuple[Check, ...] = tuple(
    check for check in CHECKS if check.name in ("settings", "database", "authority", "hsm")
)
"""What a release is asked after an upgrade."""

TITLES: Mapping[str, str] = {"watch": "Watch", **{check.name: check.title for check in CHECKS}}
"""What people read for the name of a finding, that about the watch itself among them."""
