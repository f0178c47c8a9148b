"""The pictures of the user guide: each is the part of a screen that a step speaks of. A new one is a line here."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.demonstration.participants import CUSTODIAN, LI, ZHANG
from scripts.screenshots.others import GUEST, OWN_GUEST, REPRESENTATIVE
from scripts.screenshots.screens import Screen

WECHAT = (
    "Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0"
    " Chrome/140.0 Mobile Safari/537.36 MicroMessenger/8.0.60 Language/zh_CN"
)


@dataclass(frozen=True, slots=True)
class Cut:
    """What is kept of a ``screen``: the box around all that ``parts`` (a selector) finds, at most ``height``
    pixels of it; what ``drops`` finds is left out, such as the rest of a long list. ``width`` is that of a
    desktop's window."""

    screen: Screen
    parts: str = "main"
    phone: bool = False
    height: int = 640
    drops: str = ""
    width: int = 820


_ZHANG, _ZHAO = ZHANG.subject, CUSTODIAN.subject

CUTS = (
    Cut(Screen("sign-in", "/login"), "main", phone=True, height=560),
    Cut(Screen("set-up", "/welcome/{welcome}"), "main", phone=True, height=690),
    Cut(Screen("new-contract", "/contracts/new", _ZHANG), height=1000),
    Cut(Screen("place-fields", "/contracts/{draft}/draft/fields", _ZHANG), height=600),
    Cut(Screen("check", "/contracts/{draft}/draft/check", _ZHANG), height=560),
    Cut(Screen("sign", "/contracts/{to_sign}/sign", _ZHANG), "#what", phone=True, height=620),
    Cut(
        Screen("confirm", "/contracts/{to_sign}/sign", _ZHANG, presses="form.way button"),
        ".deed",
        phone=True,
        height=700,
    ),
    Cut(Screen("several", "/?bucket=to-sign", _ZHANG), ".rows, .selected", drops=".rows > li:nth-child(n+4)"),
    Cut(Screen("ask-for-seal", "/contracts/{to_seal}/sign", _ZHANG), "#what", phone=True, height=760),
    Cut(Screen("approve-seal", "/seals/requests/{seal_request}", _ZHAO), "#what", phone=True),
    Cut(Screen("seal-requests", "/seals/requests", _ZHAO), "section:has(form)"),
    Cut(
        Screen(
            "outside-signer",
            "/contracts/{draft}/draft/parties",
            _ZHANG,
            opens="details:has([name=guest-name])",
        ),
        "details:has([name=guest-name])",
        height=760,
    ),
    Cut(
        Screen(
            "code-and-link",
            "/contracts/{inviting}/guests/{guest_party}",
            _ZHANG,
            sends="form[action$='/show'] button",
        ),
        height=760,
    ),
    Cut(
        Screen("vouch", "/contracts/{to_vouch}", _ZHANG, presses="main a[href$='/vouch']"), phone=True, height=640
    ),
    Cut(Screen("invitation", "/guest/{guest_link}"), phone=True, height=560),
    Cut(Screen("wechat", "/guest/{guest_link}", agent=WECHAT), phone=True, height=420),
    Cut(Screen("guest-passkey", "/guest/credentials", GUEST), phone=True, height=440),
    Cut(Screen("own-certificate", "/contracts/{elsewhere}/own", OWN_GUEST), height=640),
    Cut(Screen("partner", "/partners/{partner}", _ZHANG), height=440),
    Cut(Screen("company", "/company", REPRESENTATIVE), phone=True, height=640),
    Cut(Screen("ledger", "/contracts/ledger", _ZHANG), height=620, width=1080),
    Cut(Screen("many", "/merges/{merge}", _ZHANG), height=480),
    Cut(Screen("annexes", "/contracts/{annexed}/draft/document", _ZHANG), "#annexes", height=540),
    Cut(Screen("terminate", "/contracts/{completed}/amend/termination", _ZHANG), height=640),
    Cut(Screen("acts", "/contracts/{waiting}", _ZHANG), "aside .card:last-child", phone=True),
    Cut(Screen("absence", "/settings/absence", _ZHANG), height=560),
    Cut(
        Screen("remote", "/remote/{remote}", LI.subject),
        height=480,
        drops=".card dt:nth-of-type(n+2), .card dd:nth-of-type(n+2)",  # it waits for longer than any other would
    ),
    Cut(Screen("content-check", "/reviews/{reviewing}", _ZHAO), "main", height=560),
    Cut(Screen("verdict", "/verify", verifies=True), height=560),
    Cut(Screen("new-capture", "/captures/new", _ZHANG), ".form", height=450),
    Cut(Screen("capture", "/captures/{capture}", _ZHANG), height=720, width=1080),
    Cut(Screen("deposit", "/ownership/{deposit}", LI.subject), ".pagehead, .columns dl", height=420),
    Cut(Screen("evidence", "/contracts/{completed}", _ZHANG), ".pagehead, .pages", height=420),
)
