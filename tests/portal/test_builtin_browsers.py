"""Pages that need a passkey, read inside WeChat and 企业微信: they say how to open them in a browser."""

from __future__ import annotations

import pytest

from tests.portal.estate import Estate

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
)
WECHAT = f"{IPHONE} MicroMessenger/8.0.60(0x18003c2f) NetType/WIFI Language/zh_CN"
WECOM = f"{IPHONE} wxwork/4.1.36 MicroMessenger/7.0.1 Language/zh ColorScheme/Light"
SAFARI = f"{IPHONE} Version/18.5 Safari/604.1"


@pytest.mark.parametrize("page", ["/guest/{guest_link}", "/welcome/{welcome_link}", "/login"])
def test_the_way_out_is_told_where_passkeys_do_not_work(estate: Estate, page: str) -> None:
    told = {}
    for name, agent in {"WeChat": WECHAT, "WeCom": WECOM, "": SAFARI}.items():
        wanted = {"User-Agent": agent, "Accept-Language": "en"}
        told[name] = estate.browser("nobody").get(page.format(**estate.names), headers=wanted).text
    assert "inside WeChat" in told["WeChat"] or "微信内打开" in told["WeChat"]
    assert "inside WeCom" in told["WeCom"] or "企业微信内打开" in told["WeCom"]
    assert "data-copy" not in told[""]


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        ("representative", "/settings/signing"),
        ("keeper", "/settings/passkeys/new"),
        ("own guest", "/guest/credentials"),
    ],
)
def test_so_do_pages_that_lead_to_a_passkey(estate: Estate, kind: str, page: str) -> None:
    inside, outside = (
        estate.browser(kind).get(page, headers={"User-Agent": agent}).text for agent in (WECHAT, SAFARI)
    )
    assert any(word in inside for word in ("inside WeChat", "微信"))
    assert not any(word in outside for word in ("inside WeChat", "微信"))
