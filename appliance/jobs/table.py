"""The table of jobs: what is done by itself, and how often; also admin requests, and the health monitor.

APScheduler only ticks; what is due stands in the database, so a missed tick loses nothing.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from appliance.administration import Administration, Process, open_administration
from appliance.administration.action import ExecutedBy
from appliance.config import Settings
from appliance.guests import CodeDelivery
from appliance.health import Observations
from appliance.health.alarms import KEY, MAIL, WEBHOOK, AlarmDelivery, raise_alarms
from appliance.health.surveys import HealthMonitor
from appliance.notices.delivery import OutboxDelivery
from appliance.notices.mail import MailClient
from appliance.wiring import Appliance
from hsm.errors import RefusalError
from hsm.process import ServiceManager

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

    A failure of signing or recording is not caught here: it is raised to the caller. A job that fails finds its
    work still in the table at the next tick.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self.failing: str | None = None

    def __call__(self) -> None:
        try:
            self._job.work()
        except (RefusalError, OSError) as error:
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


IDLE: Final = 300.0
"""Seconds without a job after which the scheduler's confined processes end. They take some 70 MB and start in
two seconds, by which the first contract after a pause is completed later; nobody waits for their other jobs."""


def jobs_of(appliance: Appliance, delivery: OutboxDelivery | None, texts: CodeDelivery | None = None) -> list[Job]:
    """All jobs; mail goes out only where a server is configured, and waits in the outbox otherwise. Text messages
    have a job of their own, so that a slow gateway holds up no mail."""
    jobs = [
        feeding_job(appliance),
        Job("sequencing", 1.0, appliance.sequencer.run_once),
        Job("recovery", 2.0, appliance.recovery.run),
        Job("deadlines", 10.0, appliance.endings.expire),
        Job("registrations", 2.0, appliance.office.requests.collect),
        Job("vouchings", 10.0, appliance.vouchings.run),
        Job("seal requests", 10.0, appliance.seal_requests.sweep),
        Job("remote signing", 10.0, appliance.remote_requests.sweep),
        Job("departures", 10.0, appliance.provisioning.catch_up),
        Job("pushed people", 60.0, appliance.directory_rounds.run_due, at_once=True),
        Job("directory as asked", 1.0, appliance.directory_operation.run_asked),
        Job("kept answers", 60.0, appliance.keyed_requests.forget_old),
        Job("mail merges", 1.0, appliance.merge_rounds.run_round),
        Job("deposits", 1.0, appliance.deposit_batches.run_round),
        *capture_jobs(appliance),
        Job("disposal", 600.0, appliance.retention.remove_doomed_blobs),
        Job("ownerless documents", 600.0, appliance.retention.remove_ownerless_blobs),
        Job("reminders", 10.0, appliance.reminders.ticker.tick),
        Job("keeping", 60.0, appliance.archive_renewal.run_round),
        Job("ceremonies", 60.0, appliance.ceremonies.record_ceremonies, at_once=True),
        Job("revocation lists", 3600.0, appliance.authority.issue_crl),
        Job("webhooks", 1.0, appliance.webhook_delivery.run_round),
        Job("confined processes", 60.0, partial(appliance.confinement.end_when_idle, IDLE)),
    ]
    if appliance.settings.ldap.configured:
        minutes = float(appliance.settings.ldap.minutes)
        jobs.append(Job("directory", 60.0 * minutes, appliance.directory_rounds.read_again, at_once=True))
    if appliance.submitting is not None:
        jobs.append(Job("witnesses", 1.0, appliance.submitting.run_round))
    if delivery is not None:
        jobs.append(Job("outbox", 1.0, delivery.deliver_due))
    if texts is not None:
        jobs.append(Job("text messages", 1.0, texts.deliver_due))
    return jobs


def capture_jobs(appliance: Appliance) -> list[Job]:
    """Two captures at a time: while one waits for a server, the other one goes on. One more, where somebody logs
    in first, holds up none of them."""
    queue = appliance.capture_queue
    return [
        Job("capture plans", 10.0, appliance.capture_schedules.enqueue_due),
        *(Job(name, 1.0, queue.run_next) for name in ("web captures", "further web captures")),
        Job("captures with a log-in", 1.0, partial(queue.run_next, log_in=True)),
        Job("captures compared", 1.0, appliance.capture_finishing.run_round),
        Job("packages renewed", 60.0, appliance.package_renewal.run_round),
        Job("disposal of captures", 600.0, appliance.capture_retention.dispose_due),
        Job("captures to decide about", 600.0, appliance.capture_retention.tell_officers),
    ]


def feeding_job(appliance: Appliance) -> Job:
    """Takes what the timestamp service issued into the log, and tells that service what it has to know."""
    return Job("timestamps", 0.5, appliance.timestamp_feed.run_round)


GOES_ON: Final = frozenset(
    {"timestamps", "sequencing", "witnesses", "ceremonies", "revocation lists", "confined processes"}
)
"""What is done during a maintenance too: the log stays true, no revocation list runs out, memory is given back."""


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

    return Job("sign of life", 15.0, look)


class AdministrationJobs:
    """Opens the administration's database at its first tick: without it, everything else goes on."""

    def __init__(self, appliance: Appliance, stack: ExitStack) -> None:
        self._appliance = appliance
        self._stack = stack
        self._turn = threading.Lock()
        self._opened: Administration | None = None

    def execute_requests(self) -> None:
        """Performs what waits for this process, ends what waited for too long, and sees the journal into the
        log."""
        administration = self._administration()
        try:
            administration.requests.expire_requests()
            administration.executor.execute_waiting()
        finally:  # whatever is wrong with an admin request, what was done does not wait to be told
            administration.journal.forward_to_log()

    def send_approval_mail(self, mail: MailClient) -> None:
        """Mails whom an admin request waits for."""
        self._administration().approval_mail.deliver_queued(mail)

    def publish_stuck_contracts(self) -> None:
        """Tells the console which contracts are stuck."""
        self._administration().stuck.publish(self._appliance.stuck.all())

    def publish_api_clients(self) -> None:
        """Tells the console which programs use the API, and where their events go."""
        administration = self._administration()
        administration.api_clients.publish(self._appliance.api_clients.list_clients())
        administration.webhooks.publish(self._appliance.webhooks.published())

    def publish_directory(self) -> None:
        """Tells the console what the organisation's directories have, and what waits of them."""
        self._administration().directory.publish(self._appliance.directory_operation.status())

    def publish_witnesses(self) -> None:
        """Tells the console who outside watches the log."""
        submitting = self._appliance.submitting
        if submitting is not None:
            self._administration().witnesses.publish(submitting.status())

    def _administration(self) -> Administration:
        with self._turn:
            if self._opened is None:
                process = Process("scheduler", frozenset({ExecutedBy.SCHEDULER}), self._appliance)
                settings, now = self._appliance.settings, self._appliance.now
                self._opened = self._stack.enter_context(open_administration(settings, now=now, process=process))
            return self._opened


def administration_jobs(appliance: Appliance, stack: ExitStack) -> list[Job]:
    """The jobs; what they opened is closed with *stack*."""
    administering = AdministrationJobs(appliance, stack)
    jobs = [
        Job("acts", 1.0, administering.execute_requests),  # somebody at the console waits for it
        Job("stuck contracts", 15.0, administering.publish_stuck_contracts),
        Job("API clients", 15.0, administering.publish_api_clients),
        Job("directory page", 5.0, administering.publish_directory),
        Job("witnesses page", 5.0, administering.publish_witnesses),
    ]
    settings = appliance.settings
    if settings.mail.configured:
        mail = MailClient(settings.mail, settings.mail_password(os.environ))
        jobs.append(Job("letters about acts", 2.0, partial(administering.send_approval_mail, mail)))
    return jobs


ALARM_SECONDS = 5.0
"""Seconds between two looks at what is to be told."""


def health_jobs(appliance: Appliance, stack: ExitStack) -> list[Job]:
    """The jobs; what they open is closed by *stack*. They run apart: a mail server that hangs stops no round."""
    settings, now = appliance.settings, appliance.now
    observations = Observations(settings.home.health)
    stack.callback(observations.close)
    watch = HealthMonitor(settings.home, observations, now)

    def look() -> None:
        watch.run_round()
        raise_alarms(observations, settings.alarms, now())

    jobs = [Job("watch", float(settings.health.seconds), look, at_once=True)]
    if settings.alarms.mail or settings.alarms.webhook or settings.alarms.heartbeat:
        delivery = AlarmDelivery(settings, observations, mail=_mail(settings), key=_key(settings), now=now)
        jobs.append(Job("alarms by mail", ALARM_SECONDS, partial(delivery.deliver, MAIL)))
        jobs.append(Job("alarms by webhook", ALARM_SECONDS, partial(delivery.deliver, WEBHOOK)))
        if settings.alarms.heartbeat:
            jobs.append(Job("heartbeat", float(settings.alarms.heartbeat_seconds), delivery.beat, at_once=True))
    return jobs


def _mail(settings: Settings) -> MailClient | None:
    return MailClient(settings.mail, settings.mail_password(os.environ)) if settings.mail.host else None


def _key(settings: Settings) -> bytes | None:
    """The secret that signs what the webhook gets, where there is one."""
    return settings.home.optional_secret(KEY, os.environ)
