"""Whether the service captures, asked now and then beside the rounds of the health monitor."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from appliance.capture_service.client import CaptureService
from appliance.config import Settings
from appliance.errors import ApplianceError
from appliance.health.findings import HealthFinding, RunbookPage, failing, good

AGAIN: Final = timedelta(minutes=10)
"""Until a browser is started again to see whether captures can be made."""

SOON: Final = timedelta(minutes=1)
"""The same where they could not."""


class CaptureProbe:
    """What the service said last, asked by a thread of its own: no round waits for a browser. Thread-safe."""

    def __init__(self, ask: Callable[[Settings], HealthFinding] | None = None) -> None:
        self._ask = ask or ask_service
        self._turn = threading.Lock()
        self._asking = False
        self._found: HealthFinding | None = None
        self._at: datetime | None = None

    def latest(self, settings: Settings, now: datetime) -> HealthFinding | None:
        """None until the service has said something for the first time."""
        with self._turn:
            pause = AGAIN if self._found is not None and self._found.page is None else SOON
            if not self._asking and (self._at is None or now - self._at >= pause):
                self._asking, self._at = True, now
                threading.Thread(target=self._run, args=(settings,), name="capture probe", daemon=True).start()
            return self._found

    def _run(self, settings: Settings) -> None:
        found = None
        try:
            found = self._ask(settings)
        finally:
            with self._turn:
                self._asking, self._found = False, found


def ask_service(settings: Settings) -> HealthFinding:
    """Starts a browser in the service, and says whether it answers."""
    try:
        means = CaptureService(settings, settings.home.capture_socket).check()
    except ApplianceError as error:
        return failing(RunbookPage.CAPTURE_SERVICE_DOWN, error.template, **error.values)
    return good("Web pages can be captured ({product}).", product=means.product)
