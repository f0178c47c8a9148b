"""The scheduler: APScheduler only ticks; what is due stands in the tables, so a missed tick loses nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from appliance.errors import ApplianceError
from hsm.errors import AuthorityError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do every so many seconds, ``at_once`` for the first time when the scheduler starts.

    ``work`` leaves everything as it was when it raises.
    """

    name: str
    seconds: float
    work: Callable[[], object]
    at_once: bool = False


class ReportingJob:
    """Runs a job and says when it begins to fail and when it works again, not every second in between.

    Nothing on the way of signing or recording ends here: those acts fail where they are asked for. A job that
    fails finds its work still in the table at the next tick.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self.failing: str | None = None

    def __call__(self) -> None:
        try:
            self._job.work()
        except (ApplianceError, AuthorityError, OSError) as error:
            if self.failing != str(error):
                log.warning("%s: %s", self._job.name, error)
            self.failing = str(error)
        else:
            if self.failing is not None:
                log.info("%s: works again", self._job.name)
            self.failing = None


def build_scheduler(jobs: Sequence[Job]) -> BackgroundScheduler:
    """A scheduler with *jobs*, one at a time each; late ticks are merged into one."""
    scheduler = BackgroundScheduler(
        executors={"default": ThreadPoolExecutor(max(1, len(jobs)))},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone="UTC",
    )
    for job in jobs:
        when = {"next_run_time": datetime.now(UTC)} if job.at_once else {}
        scheduler.add_job(ReportingJob(job), "interval", seconds=job.seconds, id=job.name, name=job.name, **when)
    return scheduler
