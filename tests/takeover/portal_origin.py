"""What tests in a real browser share, whose portal is the attacker's."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.takeover.origins import Scene

CONFIRM = "Confirm with passkey"

GONE = "There is nothing to confirm at this address any more; open it again in the portal."


def confirm(page: Page) -> None:
    page.get_by_role("button", name=CONFIRM).click()


def is_at(stage: Scene, page: Page) -> None:
    """The person is back in the portal."""
    expect(page).to_have_url(re.compile(rf"{stage.portal}/"))
