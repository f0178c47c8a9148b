"""Whether this machine can capture at all: a browser is started in its confinement, asked who it is, and ended."""

from __future__ import annotations

from typing import Final

from appliance.web_capture.devtools import BrowserGone, DevTools
from appliance.web_capture.enclosure import enclose
from appliance.web_capture.model import CaptureFailed

_ARGUMENTS: Final = (
    "--headless",
    "--remote-debugging-pipe",
    "--user-data-dir=/home/capture/profile",
    "--no-first-run",
    "--disable-gpu",
)


def try_browser() -> str:
    """The browser and its release, as it says them. Raises :class:`CaptureFailed` where there is no browser, or it
    cannot be confined, or it does not answer (its own sandbox has to work, too)."""
    enclosure = enclose(_ARGUMENTS)
    try:
        return str(DevTools(enclosure.reading, enclosure.writing).ask("Browser.getVersion").get("product", ""))
    except BrowserGone as error:
        raise CaptureFailed("The browser starts, and ends again or does not answer.") from error
    finally:
        enclosure.end()
