"""The answer to one question of health: how it stands, in a sentence of the catalogue, and the page of the runbook
(``docs/runbook/PAGE.md``) that says what to do about it.

A remedy may name the values of the finding that it belongs to; a test holds the pages against the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from hsm.errors import Sentence


class RunbookPage(StrEnum):
    """The pages, by the names of their files."""

    SETTINGS_WRONG = "settings-wrong"
    PERMISSION_WRONG = "permission-wrong"
    PASSKEY_UNREADABLE = "passkey-unreadable"
    DISK_FULL = "disk-full"
    DATABASE_LOCKED = "database-locked"
    DATABASE_UNUSABLE = "database-unusable"
    AUTHORITY_GONE = "authority-gone"
    NOT_PROVISIONED = "not-provisioned"
    HSM_GONE = "hsm-gone"
    HSM_LOCKED = "hsm-locked"
    CLOCK_UNSYNCHRONISED = "clock-unsynchronised"
    CLOCK_STEPPED = "clock-stepped"
    CERTIFICATE_ENDING = "certificate-ending"
    CRL_EXPIRED = "crl-expired"
    ROOT_LIST_ENDING = "root-list-ending"
    LOG_BEHIND = "log-behind"
    LOG_DAMAGED = "log-damaged"
    JOURNAL_CHANGED = "journal-changed"
    CEREMONY_CHANGED = "ceremony-changed"
    OFFICER_RECOVERY = "officer-recovery"
    QUEUE_STUCK = "queue-stuck"
    BACKUP_FAILED = "backup-failed"
    BACKUP_OLD = "backup-old"
    BACKUP_UNSET = "backup-unset"
    DRILL_FAILED = "drill-failed"
    DRILL_OLD = "drill-old"
    MAIL_DOWN = "mail-down"
    MAIL_LOST = "mail-lost"
    REMINDERS_LATE = "reminders-late"
    CALENDAR_MISSING = "calendar-missing"
    TIMESTAMPS_REFUSED = "timestamps-refused"
    MAINTENANCE_LONG = "maintenance-long"
    OUTSIDE_TIMESTAMPS = "outside-timestamps"
    KEEPING_LATE = "keeping-late"
    SERVICE_FAILED = "service-failed"
    WEB_DOWN = "web-down"
    VERSIONS_DIFFER = "versions-differ"
    PROVISIONED_DRIFT = "provisioned-drift"
    WATCH_DEAD = "watch-dead"
    CHECK_BROKEN = "check-broken"


REMEDIES: Final[Mapping[RunbookPage, Sentence]] = MappingProxyType(
    {
        RunbookPage.SETTINGS_WRONG: Sentence("Mend the file that is named, and restart the appliance."),
        RunbookPage.PERMISSION_WRONG: Sentence(
            "Run `chmod {mode} {path}`, and find out who could read or change it."
        ),
        RunbookPage.PASSKEY_UNREADABLE: Sentence(
            "As root remove it (`rm {path}`), find out how that came about, and have the passkey confirmed anew"
            " (`vermilion administrators confirm`)."
        ),
        RunbookPage.DISK_FULL: Sentence(
            "Make room on the disk of {path}, or enlarge it; `df -h {path}` shows it."
        ),
        RunbookPage.DATABASE_LOCKED: Sentence(
            "Find the process that holds {path} (`fuser -v {path}`), and end it; the appliance goes on by itself."
        ),
        RunbookPage.DATABASE_UNUSABLE: Sentence(
            "Put right what the sentence names; a damaged database is restored from the newest backup."
        ),
        RunbookPage.AUTHORITY_GONE: Sentence(
            "See `journalctl -u vermilion-authority`, then `systemctl restart vermilion-authority`."
        ),
        RunbookPage.NOT_PROVISIONED: Sentence("Hold the key ceremony (`vermilion-authority ceremony`)."),
        RunbookPage.HSM_GONE: Sentence(
            "Connect or restart the HSM; signing goes on by itself, no restart of the appliance is needed."
        ),
        RunbookPage.HSM_LOCKED: Sentence(
            "Unlock with two keepers of the PIN (in the console, or `vermilion-unlock 2`); after a wrong PIN,"
            " `vermilion-authority release-latch` first."
        ),
        RunbookPage.CLOCK_UNSYNCHRONISED: Sentence(
            "Check the time service (`chronyc tracking`, `chronyc sources`); timestamps go on once it is in step."
        ),
        RunbookPage.CLOCK_STEPPED: Sentence(
            "Set the clock right (`chronyc makestep`); if it is right now, restart the authority."
        ),
        RunbookPage.CERTIFICATE_ENDING: Sentence(
            "Hold a renewal for {subject} (`vermilion-authority renew`) before the certificate ends."
        ),
        RunbookPage.CRL_EXPIRED: Sentence(
            "See why the scheduler does not issue a new list (`journalctl -u vermilion-scheduler`),"
            " and restart it."
        ),
        RunbookPage.ROOT_LIST_ENDING: Sentence(
            "Hold a renewal with the step root-crl (`vermilion-authority renew`)."
        ),
        RunbookPage.LOG_BEHIND: Sentence(
            "Stop the appliance; restore the database that belongs to this authority, from the newest backup."
        ),
        RunbookPage.LOG_DAMAGED: Sentence("Stop the appliance, run `vermilion log check`, and restore a backup."),
        RunbookPage.JOURNAL_CHANGED: Sentence(
            "Keep `administration/administration.db` aside for the auditors, suspect the console, and look at what"
            " was done since: `vermilion acts --all`."
        ),
        RunbookPage.CEREMONY_CHANGED: Sentence(
            "Keep `authority/` aside for the auditors, compare with the signed transcripts on paper, and suspect"
            " who was root: `vermilion ceremonies`."
        ),
        RunbookPage.OFFICER_RECOVERY: Sentence(
            "Ask whether an officer lost the passkey; if nobody knows of it, suspect who was root and who keeps"
            " the PIN of the root's token (`vermilion ceremonies`)."
        ),
        RunbookPage.QUEUE_STUCK: Sentence(
            "See what holds it (`journalctl -u vermilion-scheduler`); what waits goes on when that is put right."
        ),
        RunbookPage.BACKUP_FAILED: Sentence(
            "Put right what the sentence names, and run `vermilion backup create`."
        ),
        RunbookPage.BACKUP_OLD: Sentence(
            "Run `vermilion backup create`; see why the nightly one fails (`systemctl status vermilion-backup`)."
        ),
        RunbookPage.BACKUP_UNSET: Sentence(
            "Make a recovery key on another machine (`vermilion backup key FILE`),"
            " and name it in backup.recipients."
        ),
        RunbookPage.DRILL_FAILED: Sentence("Run `vermilion backup create`, then `vermilion drill` again."),
        RunbookPage.DRILL_OLD: Sentence("Run `vermilion drill`; see why the weekly one does not run."),
        RunbookPage.MAIL_DOWN: Sentence(
            "Check the mail server and the settings mail.*; mail waits meanwhile and goes out afterwards."
        ),
        RunbookPage.MAIL_LOST: Sentence(
            "Look at the mail of the contracts concerned, and send again what did not arrive."
        ),
        RunbookPage.REMINDERS_LATE: Sentence("Restart the scheduler (`systemctl restart vermilion-scheduler`)."),
        RunbookPage.CALENDAR_MISSING: Sentence("Add the year to the file {file} in config/calendars."),
        RunbookPage.TIMESTAMPS_REFUSED: Sentence(
            "Find the client that asks wrongly, or mend what the other lines name; the runbook says what {reason}"
            " means."
        ),
        RunbookPage.MAINTENANCE_LONG: Sentence(
            "End it (`vermilion do maintenance.end`), or end it and announce another one with a later end."
        ),
        RunbookPage.OUTSIDE_TIMESTAMPS: Sentence("See that {url} can be reached and that its tokens are trusted."),
        RunbookPage.KEEPING_LATE: Sentence(
            "See the reason; where a new timestamp key is missing, hold a renewal with the step tsa."
        ),
        RunbookPage.SERVICE_FAILED: Sentence(
            "See `journalctl -u {unit}`; when it is dealt with, remove its file in {folder}."
        ),
        RunbookPage.WEB_DOWN: Sentence(
            "See `journalctl -u vermilion-{service}`, then `systemctl restart vermilion-{service}`."
        ),
        RunbookPage.VERSIONS_DIFFER: Sentence("Restart the appliance (`systemctl restart vermilion.target`)."),
        RunbookPage.PROVISIONED_DRIFT: Sentence(
            "Undo the change, or make it in the settings of the provisioning, and run the playbook again."
        ),
        RunbookPage.WATCH_DEAD: Sentence(
            "Restart the scheduler (`systemctl restart vermilion-scheduler`); it does the watching."
        ),
        RunbookPage.CHECK_BROKEN: Sentence("See the journal, and report it: the other questions were answered."),
    }
)
"""What to do first; the page says more."""


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

    @property
    def word(self) -> str:
        """What people read (a sentence of the catalogue)."""
        return _WORDS[self]


_WORDS = {
    Condition.GOOD: "In order",
    Condition.NOT_CONFIGURED: "Not configured",
    Condition.ATTENTION: "Needs attention",
    Condition.FAILING: "Failing",
}


@dataclass(frozen=True, slots=True)
class HealthFinding:
    """How the thing called ``name`` stands: ``template`` with its ``values`` says it, ``remedy`` what to do.

    ``page`` names the page of the runbook (``docs/runbook/PAGE.md``); None when all is good. ``mark`` tells one
    occurrence from another that has the same page: a certificate with 30 days left, and with 3.
    """

    name: str
    condition: Condition
    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    remedy: str = ""
    remedy_values: Mapping[str, Any] = field(default_factory=dict)
    page: RunbookPage | None = None
    mark: str = ""

    def __str__(self) -> str:
        return self.template.format(**self.values) if self.values else self.template

    @property
    def well(self) -> bool:
        """Whether it works now."""
        return self.condition is not Condition.FAILING

    @property
    def occurrence(self) -> tuple[Condition, RunbookPage | None, str]:
        """What makes it another occurrence, with another beginning, when it changes."""
        return self.condition, self.page, self.mark

    @property
    def advice(self) -> str:
        """The remedy in English; empty when all is good."""
        return self.remedy.format(**self.remedy_values) if self.remedy_values else self.remedy


def good(name: str, template: str, values: Mapping[str, Any] | None = None) -> HealthFinding:
    """All is as it should be."""
    return HealthFinding(name, Condition.GOOD, template, values or {})


def unset(name: str, template: str, values: Mapping[str, Any] | None = None) -> HealthFinding:
    """It is not configured, and works in no way; nothing is wrong with that."""
    return HealthFinding(name, Condition.NOT_CONFIGURED, template, values or {})


def failing(
    name: str, page: RunbookPage, template: str, values: Mapping[str, Any] | None = None, *, mark: str = ""
) -> HealthFinding:
    """It does not work; the remedy is the page's."""
    return _told(Condition.FAILING, name, page, (template, values or {}), mark)


def attention(
    name: str, page: RunbookPage, template: str, values: Mapping[str, Any] | None = None, *, mark: str = ""
) -> HealthFinding:
    """It works, but somebody should act; the remedy is the page's."""
    return _told(Condition.ATTENTION, name, page, (template, values or {}), mark)


def _told(
    condition: Condition, name: str, page: RunbookPage, sentence: tuple[str, Mapping[str, Any]], mark: str
) -> HealthFinding:
    template, values = sentence
    return HealthFinding(name, condition, template, values, REMEDIES[page].template, values, page, mark)
