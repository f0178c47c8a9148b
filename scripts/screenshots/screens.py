"""The screens that are taken. A new one is one line here."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.demonstration.participants import CUSTODIAN, LI, OFFICER, ZHANG
from scripts.screenshots.operators import AUDITOR as ADMINISTRATION_AUDITOR
from scripts.screenshots.operators import SECURITY, SYSTEM
from scripts.screenshots.others import OWN_GUEST, REPRESENTATIVE

AUDITOR = "auditor-qian"


@dataclass(frozen=True, slots=True)
class Screen:
    """``path`` may name things of the stage in braces, or its ``invitation``; ``who`` is a subject, None for
    nobody signed in; on the ``console`` it is an administrator's login. ``verifies``: its form gets the signed
    contract. ``missing``: there is no such page. ``presses``: the button (a selector) that leads from it to the
    activation service's page that is taken. ``opens``: what is folded away and shown, ``sends``: the button of a
    form that is sent before (selectors). ``agent``: as which browser the visitor comes."""

    name: str
    path: str
    who: str | None = None
    dark: bool = False
    verifies: bool = False
    missing: bool = False
    console: bool = False
    presses: str = ""
    opens: str = ""
    sends: str = ""
    agent: str | None = None


SCREENS = (
    Screen("01-welcome", "/"),
    Screen("02-login", "/login"),
    Screen("03-contracts", "/", ZHANG.subject),
    Screen("04-new-contract", "/contracts/new", ZHANG.subject),
    Screen("05-fields", "/contracts/{draft}/draft/fields", ZHANG.subject),
    Screen("06-sign", "/contracts/{to_sign}/sign", ZHANG.subject),
    Screen("07-contract", "/contracts/{completed}", ZHANG.subject),
    Screen("08-templates", "/templates", ZHANG.subject),
    Screen("09-signatures", "/signatures", ZHANG.subject),
    Screen("10-seal-requests", "/seals/requests", CUSTODIAN.subject),
    Screen("11-office", "/office", OFFICER),
    Screen("12-verification", "/verify"),
    Screen("13-ownership", "/ownership", LI.subject),
    Screen("14-settings", "/settings", ZHANG.subject),
    Screen("15-recall", "/contracts/{waiting}/recall", ZHANG.subject),
    Screen("16-audit", "/", AUDITOR),
    Screen("17-parties", "/contracts/{draft}/draft/parties", ZHANG.subject),
    Screen("18-check-and-send", "/contracts/{draft}/draft/check", ZHANG.subject),
    Screen("19-verdict", "/verify", verifies=True),
    Screen("20-invitation", "/guest/{invitation}"),
    Screen("21-nothing-here", "/nothing-here", ZHANG.subject, missing=True),
    Screen("22-contracts-dark", "/", ZHANG.subject, dark=True),
    Screen("23-contract-dark", "/contracts/{waiting}", ZHANG.subject, dark=True),
    Screen("24-content-check", "/reviews/{reviewing}", CUSTODIAN.subject),
    Screen("25-reviews", "/reviews", CUSTODIAN.subject),
    Screen("26-powers", "/powers", ZHANG.subject),
    Screen("27-power", "/powers/{power}", OFFICER),
    Screen("28-new-power", "/powers/new?agent=person-li", ZHANG.subject),
    Screen("29-identity", "/identity/person-li", OFFICER),
    Screen("30-notices", "/notices", ZHANG.subject),
    Screen("31-reminders", "/settings/reminders", ZHANG.subject),
    Screen("32-dates", "/contracts/{waiting}/dates", ZHANG.subject),
    Screen("33-mails", "/contracts/{waiting}/mail", ZHANG.subject),
    Screen("34-revisions", "/contracts/{completed}/revisions", ZHANG.subject),
    Screen("35-retention", "/office/retention", OFFICER),
    Screen("36-seal", "/office/seals/{seal}", OFFICER),
    Screen("37-console-state", "/", SYSTEM, console=True),
    Screen("38-console-keys", "/keys", SYSTEM, console=True),
    Screen("39-console-operations", "/operations", SECURITY, console=True),
    Screen("40-console-queues", "/queues", SYSTEM, console=True),
    Screen("41-console-history", "/history?span=week", ADMINISTRATION_AUDITOR, console=True),
    Screen("42-console-administrators", "/administrators", SECURITY, console=True),
    Screen("43-console-act", "/requests/{waiting_act}", SECURITY, console=True),
    Screen("44-console-state-dark", "/", SYSTEM, dark=True, console=True),
    Screen("45-confirm", "/contracts/{to_sign}/sign", ZHANG.subject, presses="form.way button"),
    Screen("46-passkey", "/settings/signing", ZHANG.subject, presses="form[action='/settings/signing'] button"),
    Screen("47-partners", "/partners", ZHANG.subject),
    Screen("48-partner", "/partners/{partner}", ZHANG.subject),
    Screen("49-company", "/company", REPRESENTATIVE),
    Screen("50-representative", "/contracts/{with_partner}", REPRESENTATIVE),
    Screen("51-vouching", "/contracts/{to_vouch}", ZHANG.subject, presses="main a[href$='/vouch']"),
    Screen("52-own-certificate", "/contracts/{elsewhere}/own", OWN_GUEST),
    Screen("53-ledger", "/contracts/ledger?kind=服务合同", ZHANG.subject),
    Screen("54-list-for-many", "/templates/{template}/merge", ZHANG.subject),
    Screen("55-many-contracts", "/merges/{merge}", ZHANG.subject),
    Screen("56-annexes", "/contracts/{annexed}/draft/document", ZHANG.subject),
    Screen("57-termination", "/contracts/{completed}/amend/termination", ZHANG.subject),
    Screen("58-absence", "/settings/absence", ZHANG.subject),
    Screen("59-authorities", "/office/authorities", OFFICER),
    Screen("60-guide", "/guide"),
    Screen("61-guide-sign", "/guide/counterparty"),
    Screen("62-guide-dark", "/guide/sign", ZHANG.subject, dark=True),
    Screen("63-discussion", "/contracts/{draft}/discussion", ZHANG.subject),
    Screen("64-discussed-text", "/writing/{discussed}/discussion", CUSTODIAN.subject),
    Screen("65-redline", "/writing/{discussed}/proposals/{proposal}", ZHANG.subject),
    Screen("66-console-clients", "/clients", SECURITY, console=True),
    Screen("67-console-directory", "/directory", SECURITY, console=True),
)
