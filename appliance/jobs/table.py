"""The table of jobs: what is done by itself, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from appliance.jobs.scheduler import Job
from appliance.notices.delivery import OutboxDelivery
from appliance.wiring import Appliance
from hsm.process import ServiceManager

SEQUENCING = 1.0
RECOVERY = 2.0
DEADLINES = 10.0
OUTBOX = 1.0
SEAL_REQUESTS = 10.0
DISPOSAL = 600.0
REMINDERS = 10.0
REVOCATION_LISTS = 3600.0
SIGN_OF_LIFE = 15.0
KEEPING = 60.0
CEREMONIES = 60.0


def jobs_of(appliance: Appliance, delivery: OutboxDelivery | None) -> list[Job]:
    """All jobs; mail goes out only where a server is configured, and waits in the outbox otherwise."""
    jobs = [
        Job("sequencing", SEQUENCING, appliance.sequencer.run_once),
        Job("recovery", RECOVERY, appliance.recovery.run),
        Job("deadlines", DEADLINES, appliance.endings.expire),
        Job("seal requests", SEAL_REQUESTS, appliance.seal_requests.sweep),
        Job("disposal", DISPOSAL, appliance.retention.disposal.remove_doomed_blobs),
        Job("ownerless documents", DISPOSAL, appliance.retention.disposal.remove_ownerless_blobs),
        Job("reminders", REMINDERS, appliance.reminders.ticker.tick),
        Job("keeping", KEEPING, appliance.archive_renewal.run_round),
        Job("ceremonies", CEREMONIES, appliance.ceremonies.record_ceremonies, at_once=True),
        Job("revocation lists", REVOCATION_LISTS, appliance.authority.issue_crl),
    ]
    if delivery is not None:
        jobs.append(Job("outbox", OUTBOX, delivery.deliver_due))
    return jobs


GOES_ON: Final = frozenset({"sequencing", "ceremonies", "revocation lists"})
"""What is done during a maintenance too: the log stays true, and no revocation list runs out."""


def held_during_maintenance(appliance: Appliance, jobs: Sequence[Job]) -> list[Job]:
    """*jobs*, but those that change contracts or tell people hold while a maintenance is under way.

    Nothing is lost by that: what is due stands in the tables.
    """

    def held(job: Job) -> Job:
        def work() -> None:
            if appliance.maintenance.under_way() is None:
                job.work()

        return job if job.name in GOES_ON else replace(job, work=work)

    return [held(job) for job in jobs]


def liveness_job(appliance: Appliance, manager: ServiceManager) -> Job:
    """Tells *manager* that the loop ticks and the database lets itself be written, which all other jobs need."""

    def look() -> None:
        with appliance.database.transaction():
            manager.alive()

    return Job("sign of life", SIGN_OF_LIFE, look)
