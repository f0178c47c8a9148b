"""The answer to one question of health: how it stands, in a sentence of the catalogue, and the page of the runbook
(``docs/runbook/PAGE.md``) that says what to do about it.

A remedy may name the values of the finding that it belongs to; a test holds the pages against the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple

from hsm.errors import Sentence
from hsm.rows import fields_of


class _Page(NamedTuple):
    name: str
    remedy: str


class RunbookPage(StrEnum):
    """The pages, by the names of their files; ``remedy`` is what to do first, and the page says more."""

    remedy: str

    def __new__(cls, name: str, remedy: str = "") -> RunbookPage:
        page = str.__new__(cls, name)
        page._value_ = name
        page.remedy = remedy
        return page

    SETTINGS_WRONG = _Page("settings-wrong", "Fix the file that is named, and restart the appliance.")
    PERMISSION_WRONG = _Page(
        "permission-wrong", "Run `chmod {mode} {path}`, and find out who could read or change it."
    )
    CONFINEMENT_MISSING = _Page(
        "confinement-missing",
        "Start the kernel with Landlock (`cat /sys/kernel/security/lsm` lists what it has), then the appliance.",
    )
    PASSKEY_UNREADABLE = _Page(
        "passkey-unreadable",
        "As root remove it (`rm {path}`), find out how that came about, and have the passkey confirmed anew"
        " (`vermilion administrators confirm`).",
    )
    DISK_FULL = _Page("disk-full", "Make room on the disk of {path}, or enlarge it; `df -h {path}` shows it.")
    DATABASE_LOCKED = _Page(
        "database-locked",
        "Find the process that holds {path} (`fuser -v {path}`), and end it; the appliance goes on by itself.",
    )
    DATABASE_UNUSABLE = _Page(
        "database-unusable",
        "Put right what the sentence names; a damaged database is restored from the newest backup.",
    )
    AUTHORITY_GONE = _Page(
        "authority-gone", "See `journalctl -u vermilion-authority`, then `systemctl restart vermilion-authority`."
    )
    NOT_PROVISIONED = _Page("not-provisioned", "Hold the key ceremony (`vermilion-authority ceremony`).")
    ORIGINS_WRONG = _Page(
        "origins-wrong",
        'In {path} set `activation.origins` to `["{own}"]`, and restart the authority.',
    )
    HSM_GONE = _Page(
        "hsm-gone", "Connect or restart the HSM; signing goes on by itself, no restart of the appliance is needed."
    )
    HSM_LOCKED = _Page(
        "hsm-locked",
        "Unlock with two keepers of the PIN (in the console, or `vermilion-unlock 2`); after a wrong PIN,"
        " `vermilion-authority release-latch` first.",
    )
    CLOCK_UNSYNCHRONISED = _Page(
        "clock-unsynchronised",
        "Check the time service (`chronyc tracking`, `chronyc sources`); timestamps go on once it is in step.",
    )
    CLOCK_STEPPED = _Page(
        "clock-stepped", "Set the clock right (`chronyc makestep`); if it is right now, restart the authority."
    )
    CERTIFICATE_ENDING = _Page(
        "certificate-ending",
        "Hold a renewal for {subject} (`vermilion-authority renew`) before the certificate ends.",
    )
    CRL_EXPIRED = _Page(
        "crl-expired",
        "See why the scheduler does not issue a new list (`journalctl -u vermilion-scheduler`), and restart it.",
    )
    ROOT_LIST_ENDING = _Page(
        "root-list-ending", "Hold a renewal with the step root-crl (`vermilion-authority renew`)."
    )
    LOG_BEHIND = _Page(
        "log-behind",
        "Stop the appliance; restore the database that belongs to this authority, from the newest backup.",
    )
    LOG_DAMAGED = _Page("log-damaged", "Stop the appliance, run `vermilion log check`, and restore a backup.")
    LOG_BEHIND_WITNESS = _Page(
        "log-behind-witness",
        "Find what is newer than this database; where it is lost for good, root says `vermilion log gate --accept`"
        " and `systemctl start vermilion-authority.service`.",
    )
    LOG_FORKED = _Page(
        "log-forked",
        "Stop the appliance (`vermilion-stop`), and keep its disks and backups as they are: {name} has cosigned"
        " another log under this log's key.",
    )
    WITNESS_REFUSES = _Page(
        "witness-refuses",
        "Ask whoever runs {name} whether it has this log's key (`trust/log.vkey`), and compare the key in"
        " the witness policy with its own.",
    )
    WITNESS_SILENT = _Page(
        "witness-silent", "See that {url} can be reached from the scheduler; ask whoever runs {name}."
    )
    QUORUM_MISSING = _Page(
        "quorum-missing",
        "See what the check Witnesses of the log says of each; take cosignatures over by hand where there is no"
        " network (`vermilion log cosignatures`).",
    )
    JOURNAL_CHANGED = _Page(
        "journal-changed",
        "Keep `administration/administration.db` aside for the auditors, suspect the console, and look at what"
        " was done since: `vermilion acts --all`.",
    )
    CEREMONY_CHANGED = _Page(
        "ceremony-changed",
        "Keep `authority/` aside for the auditors, compare with the signed transcripts on paper, and suspect"
        " who was root: `vermilion ceremonies`.",
    )
    OFFICER_RECOVERY = _Page(
        "officer-recovery",
        "Ask whether an officer lost the passkey; if nobody knows of it, suspect who was root and who keeps"
        " the PIN of the root's token (`vermilion ceremonies`).",
    )
    QUEUE_STUCK = _Page(
        "queue-stuck",
        "See what holds it (`journalctl -u vermilion-scheduler`); what waits goes on when that is put right.",
    )
    BACKUP_FAILED = _Page("backup-failed", "Put right what the sentence names, and run `vermilion backup create`.")
    BACKUP_OLD = _Page(
        "backup-old",
        "Run `vermilion backup create`; see why the nightly one fails (`systemctl status vermilion-backup`).",
    )
    BACKUP_UNSET = _Page(
        "backup-unset",
        "Make a recovery key on another machine (`vermilion backup key FILE`), and name it in backup.recipients.",
    )
    DRILL_FAILED = _Page("drill-failed", "Run `vermilion backup create`, then `vermilion drill` again.")
    DRILL_OLD = _Page("drill-old", "Run `vermilion drill`; see why the weekly one does not run.")
    MAIL_DOWN = _Page(
        "mail-down", "Check the mail server and the settings mail.*; mail waits meanwhile and goes out afterwards."
    )
    GATEWAY_DOWN = _Page(
        "gateway-down",
        "Check the message gateway, the settings gateway.* and its key; initiators tell the codes meanwhile.",
    )
    MAIL_LOST = _Page(
        "mail-lost", "Look at the mail of the contracts concerned, and send again what did not arrive."
    )
    WEBHOOKS_FAILING = _Page(
        "webhooks-failing",
        "See that {host} can be reached from here and answers with 2xx; then `vermilion do webhooks.test`.",
    )
    CLIENT_UNUSED = _Page(
        "client-unused", "Ask who runs {name}; suspend it if nobody needs it (`vermilion do api.suspend_client`)."
    )
    CLIENT_REFUSED = _Page(
        "client-refused",
        "Ask who runs {name} whether its secret or key is the right one; if nobody knows of it, suspend it"
        " (`vermilion do api.suspend_client`).",
    )
    CLIENT_LIMITED = _Page(
        "client-limited",
        "Have {name} wait as `Retry-After` says, or raise api.requests_per_minute if the machine carries it.",
    )
    BATCH_STUCK = _Page(
        "batch-stuck",
        "See what holds it (`journalctl -u vermilion-scheduler`); it goes on when that is put right.",
    )
    CLIENT_CERTIFICATE_ENDING = _Page(
        "client-certificate-ending",
        "Ask whoever runs {name} for a new certificate, and register it"
        " (`vermilion api certificate {client} FILE`).",
    )
    DIRECTORY_DOWN = _Page(
        "directory-down",
        "Run `vermilion directory check` on the machine: it says at which step reading {url} fails. No account was"
        " touched.",
    )
    DIRECTORY_REMOVALS = _Page(
        "directory-removals",
        "Ask whether so many people have left. If so, two administrators release them on the page Directory; if"
        " not, have the directory put right: then nothing has to be done here.",
    )
    DIRECTORY_HELD = _Page(
        "directory-held",
        "Look at them on the page Directory; two administrators release those that belong to the people named.",
    )
    DIRECTORY_PROBLEMS = _Page(
        "directory-problems",
        "The page Directory says of each what is wrong; put it right in the directory, and it follows by itself.",
    )
    DIRECTORY_AUTHORITY = _Page(
        "directory-authority",
        "Put the new authorities of {place} into the file that the settings of the provisioning name, and run the"
        " playbook again.",
    )
    CAPTURE_SERVICE_DOWN = _Page(
        "capture-service-down",
        "See `journalctl -u 'vermilion-capture@*'`, and that the packages chromium-headless-shell and bubblewrap"
        " are installed.",
    )
    CAPTURES_FAILING = _Page(
        "captures-failing",
        "See what the last ones say, and whether what they reach is open to them"
        " (`systemctl cat vermilion-capture@.service`).",
    )
    CAPTURES_WAITING = _Page(
        "captures-waiting",
        "See why the scheduler makes none (`journalctl -u vermilion-scheduler`); they go on by themselves.",
    )
    CAPTURES_UNPACKED = _Page(
        "captures-unpacked",
        "See why the portal makes none (`journalctl -u vermilion-web`); they are tried again by themselves.",
    )
    CAPTURES_ROOM = _Page(
        "captures-room",
        "Enlarge the disk of {path}, or keep captures for a shorter time (`capture.keep_days`).",
    )
    PROVIDER_DOWN = _Page(
        "provider-down",
        "See that {issuer} answers; people sign in by passkey meanwhile, or by the password of their account.",
    )
    DEPARTURES_WAITING = _Page(
        "departures-waiting",
        "Ask officers to let them go (in the portal: Officers, People); until then their certificates count.",
    )
    SCIM_SILENT = _Page(
        "scim-silent",
        "Ask whoever runs {name} why it pushes nothing; who has left meanwhile can still sign in.",
    )
    REMINDERS_LATE = _Page("reminders-late", "Restart the scheduler (`systemctl restart vermilion-scheduler`).")
    CALENDAR_MISSING = _Page("calendar-missing", "Add the year to the file {file} in config/calendars.")
    TIMESTAMPS_REFUSED = _Page(
        "timestamps-refused",
        "Find the client that asks wrongly, or fix what the other lines name; the runbook says what {reason}"
        " means.",
    )
    MAINTENANCE_LONG = _Page(
        "maintenance-long",
        "End it (`vermilion do maintenance.end`), or end it and announce another one with a later end.",
    )
    OUTSIDE_TIMESTAMPS = _Page(
        "outside-timestamps", "See that {url} can be reached and that its tokens are trusted."
    )
    KEEPING_LATE = _Page(
        "keeping-late", "See the reason; where a new timestamp key is missing, hold a renewal with the step tsa."
    )
    SERVICE_FAILED = _Page(
        "service-failed", "See `journalctl -u {unit}`; when it is dealt with, remove its file in {folder}."
    )
    WEB_DOWN = _Page(
        "web-down", "See `journalctl -u vermilion-{service}`, then `systemctl restart vermilion-{service}`."
    )
    VERSIONS_DIFFER = _Page("versions-differ", "Restart the appliance (`systemctl restart vermilion.target`).")
    ROLLBACK_INTERRUPTED = _Page(
        "rollback-interrupted",
        "Run the playbook `rollback` of the older bundle again, on two machines `cluster_rollback`; the runbook"
        " says how it is done by hand.",
    )
    PROVISIONED_DRIFT = _Page(
        "provisioned-drift",
        "Undo the change, or make it in the settings of the provisioning, and run the playbook again.",
    )
    CLUSTER_UNOBSERVED = _Page(
        "cluster-unobserved",
        "See `systemctl status vermilion-cluster.timer` and `journalctl -u vermilion-cluster`.",
    )
    CLUSTER_DEGRADED = _Page(
        "cluster-degraded",
        "See what is missing (`vermilion-cluster status`), and bring it back; until then nothing takes over.",
    )
    CLUSTER_SYNCING = _Page(
        "cluster-syncing",
        "Wait until both copies are equal, and leave both machines running (`vermilion-cluster status`).",
    )
    CLUSTER_SPLIT = _Page(
        "cluster-split",
        "Leave both disks as they are: the runbook says how to find out which copy counts, and how to connect"
        " them.",
    )
    CLUSTER_FENCING = _Page(
        "cluster-fencing",
        "The runbook says how to put right what cuts {node} off. While it does not work, nothing takes over.",
    )
    CLUSTER_RING = _Page("cluster-ring", "Check the network between {here} and {there} (`corosync-cfgtool -n`).")
    CLUSTER_QUORUM = _Page("cluster-quorum", "See who is missing (`corosync-quorumtool -s`), and bring them back.")
    CLUSTER_SETTINGS = _Page(
        "cluster-settings",
        "Run `install --cluster INVENTORY` of the bundle, which makes both machines equal; where an upgrade broke"
        " off, run that one again.",
    )
    CLUSTER_STANDBY_UNREADY = _Page(
        "cluster-standby-unready",
        "Put right on {node} what the sentence names (`vermilion-cluster status` there); until then it takes"
        " nothing over.",
    )
    CLUSTER_DRILL_OLD = _Page(
        "cluster-drill-old",
        "Hold a failover drill (the action cluster.drill): nobody is served for some seconds.",
    )
    WATCH_DEAD = _Page(
        "watch-dead", "Restart the scheduler (`systemctl restart vermilion-scheduler`); it does the watching."
    )
    CHECK_BROKEN = _Page("check-broken", "See the journal, and report it: the other questions were answered.")


class Condition(StrEnum):
    """Good; not configured: neither good nor bad, since nobody asked for it; attention: nothing is lost yet,
    somebody should act in days; failing: something does not work now."""

    GOOD = "good"
    NOT_CONFIGURED = "not-configured"
    ATTENTION = "attention"
    FAILING = "failing"

    @property
    def rank(self) -> int:
        """0, 1 or 2, the worse the higher; what is not configured is 0, as what is good."""
        return max(0, tuple(Condition).index(self) - 1)

    @property
    def calm(self) -> bool:
        """Whether nobody has to do anything about it."""
        return self.rank == 0


@dataclass(frozen=True, slots=True)
class HealthFinding:
    """The state of the thing called ``name``, in the sentence ``template`` with its ``values``. The name is set by
    the caller of the check.

    ``page`` is that of the runbook; None when all is good. ``mark`` tells one occurrence from another that has the
    same page: a certificate with 30 days left, and with 3.
    """

    condition: Condition
    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    page: RunbookPage | None = None
    mark: str = ""
    name: str = ""

    def __str__(self) -> str:
        return self.template.format(**self.values) if self.values else self.template

    def named(self, name: str) -> HealthFinding:
        """The same, about the thing called *name*."""
        return replace(self, name=name)

    @property
    def well(self) -> bool:
        """Whether it works now."""
        return self.condition is not Condition.FAILING

    @property
    def occurrence(self) -> tuple[Condition, RunbookPage | None, str]:
        """What makes it another occurrence, with another beginning, when it changes."""
        return self.condition, self.page, self.mark

    @property
    def remedy(self) -> Sentence:
        """What to do; an empty sentence when all is good."""
        return Sentence(self.page.remedy, self.values) if self.page else Sentence("")

    @property
    def advice(self) -> str:
        """The remedy in English."""
        return str(self.remedy)

    def columns(self) -> dict[str, Any]:
        """What observations and alarms keep of it, by the names of their fields."""
        said = {"sentence": Sentence(self.template, self.values), "remedy": self.remedy}
        return said | fields_of(self, "name condition page mark")


def good(template: str, /, **values: Any) -> HealthFinding:
    """All is as it should be."""
    return HealthFinding(Condition.GOOD, template, values)


def unset(template: str, /, **values: Any) -> HealthFinding:
    """It is not configured, and works in no way; nothing is wrong with that."""
    return HealthFinding(Condition.NOT_CONFIGURED, template, values)


def failing(page: RunbookPage, template: str, mark: str = "", /, **values: Any) -> HealthFinding:
    """It does not work; the remedy is the page's."""
    return HealthFinding(Condition.FAILING, template, values, page, mark)


def attention(page: RunbookPage, template: str, mark: str = "", /, **values: Any) -> HealthFinding:
    """It works, but somebody should act; the remedy is the page's."""
    return HealthFinding(Condition.ATTENTION, template, values, page, mark)
