"""Keys and certificates as the real authority has them; without it, the sentence why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.operations.inventory import ExpiringItem, ExpiringKind
from hsm.client import AuthorityClient
from hsm.errors import AuthorityError
from tests.console.conftest import Console, opened
from webui.console.keys import KeyRow


def test_everything_that_runs_out_is_there(console: Console) -> None:
    text = console.browser("wu").get("/keys").text
    for title in ("Timestamp authority", "Evidence packages", "Root certification authority", "Revocation list"):
        assert title in text
    assert "days left: 1,824" in text or "days left: 1,825" in text
    assert f"<h3>{datetime.now(UTC) + timedelta(days=7):%Y-%m}</h3>" in text


def test_without_the_authority_pages_say_so_and_go_on(tmp_path: Path) -> None:
    with opened(tmp_path, tmp_path / "nobody.sock") as lonely:
        browser = lonely.browser("sun")
        text = browser.get("/keys").text
        assert "The authority does not tell" in text
        assert "does not answer at" in text
        for path in ("/", "/operations", "/queues", "/clients", "/history", "/administrators", "/settings"):
            answer = browser.get(path)
            assert answer.status_code == 200
            assert "The timestamp authority does not answer; nothing is dated now." in answer.text
        failed = lonely.act("sun", "crl.issue")
        assert "does not answer at" in browser.get(failed.headers["Location"]).text


def test_that_nobody_unlocks_is_said_only_when_the_authority_said_so(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "<dt>Keepers of the PIN</dt><dd>nobody</dd>" in console.browser("wu").get("/keys").text
    monkeypatch.setattr(AuthorityClient, "pin_custodians", unanswered)
    text = console.browser("wu").get("/keys").text
    assert "Timestamp policies" in text and "Keepers of the PIN" not in text


def unanswered(_client: AuthorityClient) -> list[str]:
    raise AuthorityError("The authority does not answer.")


@pytest.mark.parametrize(
    ("kind", "days", "tone"),
    [
        (ExpiringKind.SERVICE, 400, ""),
        (ExpiringKind.SERVICE, 60, "soon"),
        (ExpiringKind.AUTHORITY, 5, "over"),
        (ExpiringKind.LIST, 5, ""),
        (ExpiringKind.LIST, -1, "over"),
    ],
)
def test_what_ends_soon_is_coloured(kind: ExpiringKind, days: int, tone: str) -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    it = ExpiringItem(kind, "tsa", "示例", "", now - timedelta(days=10), now + timedelta(days=days, hours=1))
    assert KeyRow(it, "示例", it.days_left(now), 50).tone == tone


def test_the_share_that_is_left_is_between_nothing_and_all() -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    it = ExpiringItem(ExpiringKind.SERVICE, "tsa", "示例", "", now, now + timedelta(days=4))
    shares = [it.share_left(now + timedelta(days=days)) for days in (-1, 0, 3, 9)]
    assert shares == [1.0, 1.0, 0.25, 0.0]
