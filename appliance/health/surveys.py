"""Every health check, once, and all of them at once: in each round of the health monitor, by ``vermilion
diagnose``, and for ``/readyz``.

The console, the metrics and the alarms know these questions and no others. What a visitor depends on is asked anew
for ``/readyz``; everything else is as the health monitor found it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from appliance.errors import ApplianceError
from appliance.health import (
    api_checks,
    authority_checks,
    capture_checks,
    cluster_checks,
    contract_checks,
    directory_checks,
    machine_checks,
    record_checks,
    service_checks,
    witness_checks,
)
from appliance.health.capture_probe import CaptureProbe
from appliance.health.check_context import (
    Check,
    CheckContext,
    JournalCursor,
    NotAnswerable,
    ask_all,
    ask_check,
    open_check_context,
)
from appliance.health.figures import counted, kept_by_the_hour, measure_figures, tally
from appliance.health.findings import Condition, HealthFinding
from appliance.health.observations import Observations, Observed, Survey
from appliance.home import Home, role_of_command

CHECKS: tuple[Check, ...] = (
    Check("authority", "Signing authority", authority_checks.authority, serving=True, at_once=True),
    Check("hsm", "HSM", authority_checks.hsm, serving=True, at_once=True),
    Check("origins", "Where signatures are confirmed", authority_checks.origins, serving=True, at_once=True),
    Check("clock", "Clock", authority_checks.clock, serving=True, at_once=True),
    Check("time-sources", "Time sources", machine_checks.time_sources),
    Check("database", "Database", record_checks.database, serving=True),
    Check("log", "Log", record_checks.log, serving=True, at_once=True),
    Check("witnesses", "Witnesses of the log", witness_checks.witnesses),
    Check("quorum", "Quorum of witnesses", witness_checks.quorum),
    Check("journal", "Administrators' journal", record_checks.journal),
    Check("passkeys", "Administrators' passkeys", machine_checks.passkeys),
    Check("ceremonies", "Records of key ceremonies", authority_checks.ceremonies),
    Check("officer-recovery", "Recovery of officers", authority_checks.recovery),
    Check("disk", "Disks", machine_checks.disk, serving=True, at_once=True),
    Check("confinement", "Confinement of documents", machine_checks.confinement, serving=True, at_once=True),
    Check("web", "Portal", service_checks.portal),
    Check("tsa", "Timestamp service", service_checks.timestamps),
    Check("activation", "Activation service", service_checks.activation),
    Check("refusals", "Refused timestamp requests", contract_checks.refusals),
    Check("maintenance", "Maintenance", service_checks.maintenance),
    Check("services", "Services of the machine", service_checks.services),
    Check("queue", "Queues", record_checks.queue),
    Check("mail", "Mail server", record_checks.mail, network=True),
    Check("gateway", "Message gateway", record_checks.gateway, network=True),
    Check("mail-lost", "Mail that was sent", record_checks.mail_lost),
    Check("webhooks", "Events to other programs", contract_checks.webhooks),
    Check("api-unused", "Programs that use the API", api_checks.unused),
    Check("api-refused", "Credentials of programs", api_checks.refused),
    Check("api-limits", "Limits of programs", api_checks.limited),
    Check("batches", "Lists that become contracts", api_checks.batches),
    Check("client-certificates", "Certificates of API clients", contract_checks.client_certificates),
    Check("directory", "Directory", directory_checks.directory),
    Check("directory-removals", "People who are gone from a directory", directory_checks.removals),
    Check("directory-held", "Accounts from directories that wait", directory_checks.held),
    Check("directory-problems", "Users of directories", directory_checks.problems),
    Check("directory-authorities", "Authorities of directories", directory_checks.authorities),
    Check("identity-provider", "Identity provider", directory_checks.provider),
    Check("departures", "People who have left", directory_checks.departures),
    Check("scim", "Programs that push people", directory_checks.pushing),
    Check("captures", "Web captures", capture_checks.service, network=True),
    Check("captures-failing", "Web captures that fail", capture_checks.failures),
    Check("captures-waiting", "Web captures that wait", capture_checks.queue),
    Check("captures-unpacked", "Packages of web captures", capture_checks.packages),
    Check("captures-room", "Room for web captures", capture_checks.room),
    Check("certificates", "Certificates", authority_checks.certificates),
    Check("revocation-lists", "Revocation lists", authority_checks.revocation_lists),
    Check("root-list", "The root's revocation list", authority_checks.root_list),
    Check("keeping", "Long keeping", contract_checks.keeping),
    Check("backup", "Backups", machine_checks.backup),
    Check("drill", "Restore drills", machine_checks.drill),
    Check("cluster", "Cluster", cluster_checks.observed),
    Check("cluster-machines", "Machines of the cluster", cluster_checks.machines),
    Check("cluster-copies", "Copies of the data", cluster_checks.copies),
    Check("cluster-fencing", "Fencing", cluster_checks.fencing),
    Check("cluster-rings", "Rings of the cluster", cluster_checks.rings),
    Check("cluster-quorum", "Quorum of the cluster", cluster_checks.quorum),
    Check("cluster-settings", "Equal settings in the cluster", cluster_checks.equal_settings),
    Check("cluster-standby", "Standby", cluster_checks.standby),
    Check("cluster-drill", "Failover drills", cluster_checks.failover_drill),
    Check("reminders", "Reminders to people", contract_checks.reminders),
    Check("calendar", "Working-day calendar", contract_checks.calendar),
    Check("outside-timestamps", "Timestamps by others", contract_checks.outside_timestamps),
    Check("settings", "Settings", machine_checks.settings),
    Check("permissions", "Permissions of files", machine_checks.permissions),
    Check("versions", "Releases", service_checks.versions),
    Check("rollback", "Rollback", machine_checks.rollback),
    Check("provisioned", "Provisioning", machine_checks.drift),
)

SERVES: tuple[Check, ...] = tuple(
    check for check in CHECKS if check.name in ("settings", "database", "authority", "hsm")
)
"""What a release is asked after an upgrade, which serves with the settings of the release before until Ansible has
written its own: where signatures are confirmed (``origins``) is asked after that, by the role ``verify``."""

TITLES: Mapping[str, str] = {"watch": "Watch", **{check.name: check.title for check in CHECKS}}
"""What people read for the name of a finding, that about the health monitor itself among them."""


class HealthMonitor:
    """There is one, the scheduler's."""

    def __init__(
        self,
        home: Home,
        observations: Observations,
        now: Callable[[], datetime],
        checks: Sequence[Check] = CHECKS,
    ) -> None:
        self._home = home
        self._observations = observations
        self._now = now
        self._checks = checks
        self._cursor = JournalCursor()
        self._captures = CaptureProbe()

    def run_round(self) -> list[HealthFinding]:
        """One round; what it found, which is kept on return. Raises StorageError when it cannot be."""
        with open_check_context(
            self._home, role="scheduler", now=self._now(), cursor=self._cursor, captures=self._captures
        ) as opened:
            found = ask_all(self._checks, opened)
            figures = measure_figures(opened) | self._tallied(opened) | counted(opened, self._observations)
        names = [check.name for check in self._checks if check.name not in opened.silent]
        self._observations.save_round(found, opened.now, figures, names=names)
        self._observations.add_figures(kept_by_the_hour(figures), opened.now)
        return found

    def _tallied(self, opened: CheckContext) -> dict[str, float]:
        try:
            return tally(opened, self._observations)
        except (NotAnswerable, ApplianceError):  # the database does not answer, which was found above
            return {}


def diagnose(home: Home, now: datetime) -> Sequence[Observed]:
    """All answers, with the moment since when the health monitor has found the same.

    What asks another machine is taken from the health monitor while that runs: it may be all that has a
    network.
    """
    observations = Observations(home.health)
    try:
        survey = observations.survey(now)
    finally:
        observations.close()
    known = {each.finding.name: each for each in survey.observed}
    asked = [check for check in CHECKS if not (check.network and _is_awake(survey) and check.name in known)]
    with open_check_context(home, role=role_of_command(), now=now) as opened:
        found = {finding.name: finding for finding in ask_all(asked, opened)}
    told = [known["watch"]] if "watch" in known else []
    for check in CHECKS:
        if check.name in found:
            told.append(Observed.from_finding(found[check.name], now, known.get(check.name)))
        elif check.name in known and check not in asked:
            told.append(known[check.name])
    return told


def _is_awake(survey: Survey) -> bool:
    return any(
        each.finding.name == "watch" and each.finding.condition is Condition.GOOD for each in survey.observed
    )


@dataclass(frozen=True, slots=True)
class ServiceReadiness:
    """``observed`` is everything, ``serving`` the names of what nothing works without."""

    observed: tuple[Observed, ...]
    serving: frozenset[str]

    @property
    def reasons(self) -> list[str]:
        """Why nobody is served; empty when ready."""
        return [str(each.finding) for each in self._failing if each.finding.name in self.serving]

    @property
    def ready(self) -> bool:
        """Whether people are served: documents signed, dated and recorded."""
        return not self.reasons

    @property
    def _failing(self) -> list[Observed]:
        return [each for each in self.observed if each.finding.condition is Condition.FAILING]

    def report(self) -> dict[str, Any]:
        """As JSON: the reasons for not being ready, then what fails without standing in the way, then all."""
        return {
            "ready": self.ready,
            "reasons": self.reasons,
            "failing": {each.finding.name: str(each.finding) for each in self._failing},
            "checks": {each.finding.name: _row(each) for each in self.observed},
        }

    def summary(self) -> dict[str, Any]:
        """The same for strangers: what nothing works without, and how it stands. Which file has which mode, what
        fell and what is not as it was provisioned is for those who look after the machine."""
        serving = [each for each in self.observed if each.finding.name in self.serving]
        rows = {each.finding.name: _row(each) for each in serving}
        return {
            "ready": self.ready,
            "reasons": self.reasons,
            "checks": {name: {key: row[key] for key in ("ready", "condition")} for name, row in rows.items()},
        }


def readiness(context: CheckContext, observations: Observations) -> ServiceReadiness:
    """What is found now, by the *context* of whoever serves, over what the health monitor found."""
    now = context.now
    watched = {each.finding.name: each for each in observations.survey(now).observed}
    for check in CHECKS:
        if check.at_once and (finding := ask_check(check, context)) is not None:
            watched[check.name] = Observed.from_finding(finding, now, watched.get(check.name))
    places = {check.name: number for number, check in enumerate(CHECKS)}
    ordered = sorted(watched.values(), key=lambda each: places.get(each.finding.name, -1))
    return ServiceReadiness(tuple(ordered), frozenset(check.name for check in CHECKS if check.serving))


def _row(observed: Observed) -> dict[str, Any]:
    finding = observed.finding
    return {
        "ready": finding.well,
        "condition": finding.condition.value,
        "since": f"{observed.since:%Y-%m-%dT%H:%M:%SZ}",
        "detail": str(finding),
    }
