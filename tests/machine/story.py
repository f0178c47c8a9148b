"""The whole story on a booted machine, from the first officer to evidence that others can check.

    nsenter --net --target LEADER .venv/bin/python -m tests.machine.story HOME [zh|en]

LEADER is a process of the machine: browsers and mail server stand in its network, which has nothing but a loopback
interface, and everything else here is this checkout's. HOME is a folder with ``trust/`` of the machine, and
``secrets/setup.code`` with two set-up codes of its ceremony. The machine's ``[mail]`` names 127.0.0.1, port 2525.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from appliance.config import OrganisationSettings, Settings
from appliance.demonstration.participants import ALPHA
from appliance.home import Home
from appliance.language import Language
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.house import House, mail_server
from tests.browser.test_first_contract import gathered, tell

MAIL = 2525


def main(home: Path, language: Language) -> None:
    """Raises AssertionError where the machine does not do what people expect of it."""
    started = time.monotonic()
    settings = Settings(home=Home(home), organisation=OrganisationSettings(ALPHA))
    with (
        mail_server(MAIL) as room,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS) as chromium,
        gathered(House(settings, room), language, chromium) as company,
        tempfile.TemporaryDirectory() as folder,
    ):
        codes = settings.home.setup_code.read_text(encoding="utf-8").split()
        tell(company, codes, Path(folder))
    print(f"the story was told in {time.monotonic() - started:.0f} s: signed, sealed, verified")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Language(sys.argv[2] if len(sys.argv) > 2 else "zh"))
