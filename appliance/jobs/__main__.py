"""``python -m appliance.jobs``: the scheduler process, until SIGTERM or SIGINT."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from appliance.captures.live_views import LiveViewServer
from appliance.config import Settings, load
from appliance.errors import StateRefused
from appliance.guests import CodeDelivery
from appliance.home import Home
from appliance.jobs.table import (
    ReportingJob,
    administration_jobs,
    build_scheduler,
    feeding_job,
    health_jobs,
    held_during_maintenance,
    jobs_of,
    liveness_job,
)
from appliance.listing import add_missing_rows
from appliance.logs import set_up_logging_at
from appliance.model.notice import ChannelKind
from appliance.notices.delivery import MailOptions, OutboxDelivery
from appliance.notices.gateway import GatewayClient
from appliance.notices.mail import MailClient
from appliance.sharing import make_directory, open_file
from appliance.store import outbox
from appliance.wiring import Appliance, open_appliance
from hsm.errors import RefusalError
from hsm.process import ServiceManager

LONGEST_WRITE = timedelta(hours=1)
"""A document that is still half-written after this long was left by a process that is no more."""


def main() -> int:
    """Exit status 0 after a signal, 1 when it cannot start, with the reason."""
    home = Home.of(os.environ)
    set_up_logging_at(home, "vermilion-scheduler")
    try:
        settings = load(home).of_run(os.environ)
        manager = ServiceManager.taken_from(os.environ)
        with (
            alone(settings.home.scheduler_lock),
            open_appliance(settings, role="scheduler") as appliance,
        ):
            _run(settings, appliance, manager)
    except RefusalError as error:
        logging.error("%s", error)
        return 1
    return 0


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Holds *lock* (flock). Raises :class:`StateRefused` when another scheduler does: mail has one sender."""
    make_directory(lock.parent)
    with os.fdopen(open_file(lock, os.O_RDWR), "w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StateRefused("Another scheduler runs already; there is one only.") from error
        yield


def _run(settings: Settings, appliance: Appliance, manager: ServiceManager) -> None:
    delivery = _delivery(settings, appliance)
    if delivery is not None:
        delivery.recover_interrupted()
    texts = code_delivery(settings, appliance)
    if texts is not None:
        texts.recover_interrupted()
    else:  # nothing of another time goes out when there is a gateway once more
        appliance.database.commit(outbox.withdraw_all, ChannelKind.GATEWAY, appliance.now())
    add_missing_rows(appliance.database)
    appliance.recovery.run()
    appliance.blobs.sweep(before=appliance.now() - LONGEST_WRITE)
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: asked.append(received))
    with ExitStack() as stack:
        if settings.capture.enabled and settings.capture.live_view:
            live = appliance.live_log_ins, appliance.captures.cancel
            stack.enter_context(LiveViewServer(settings.home.live_socket, *live))
        held = held_during_maintenance(appliance, jobs_of(appliance, delivery, texts))
        jobs = [*held, *administration_jobs(appliance, stack), *health_jobs(appliance, stack)]
        feed = ReportingJob(feeding_job(appliance))
        feed()  # before READY, for which the timestamp service waits
        scheduler = build_scheduler([*jobs, liveness_job(appliance, manager)])
        scheduler.start()
        manager.ready()
        while not asked:
            time.sleep(0.2)
        scheduler.shutdown(wait=True)  # what is under way ends before the databases are closed
        appliance.webhook_delivery.close()
        feed()  # the timestamp service has ended before: a copy of the database has all that it issued


def _delivery(settings: Settings, appliance: Appliance) -> OutboxDelivery | None:
    if not settings.mail.configured:
        return None
    return OutboxDelivery(
        appliance.database,
        MailClient(settings.mail, settings.mail_password(os.environ)),
        appliance.reminders.mails,
        addresses=appliance.addresses,
        issuer=settings.organisation.name,
        now=appliance.now,
        options=MailOptions(settings.mail.reply_to_initiator, settings.gateway.configured),
    )


def code_delivery(settings: Settings, appliance: Appliance) -> CodeDelivery | None:
    """What sends codes of outside signers; None without a message gateway. Raises ConfigurationError."""
    if not settings.gateway.configured:
        return None
    return CodeDelivery(
        appliance.database,
        GatewayClient(settings, settings.gateway_key(os.environ), appliance.now),
        appliance.guest_codes,
        appliance.now,
        organisation=settings.organisation.name,
        host=settings.web.relying_party,
    )


if __name__ == "__main__":
    sys.exit(main())
