"""Every page of the portal, who visits it and with what, and what is no page; a test compares it with the code."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.demonstration.cast import CUSTODIAN, LI, OFFICER, ZHANG
from tests.browser.estate import GUEST, WAITING_GUEST
from tests.browser.troupe import AUDITOR

_ZHANG, _LI, _ZHAO, _QIAN = ZHANG.subject, LI.subject, CUSTODIAN.subject, AUDITOR.subject


@dataclass(frozen=True, slots=True)
class Stop:
    """One visit. Braces in ``path`` are names of the estate; ``who`` is a subject, a guest, or nobody."""

    path: str
    who: str = ""
    status: int = 200


STOPS = (
    Stop("/"),
    Stop("/login"),
    Stop("/recover"),
    Stop("/setup"),
    Stop("/verify"),
    Stop("/clock"),
    Stop("/welcome/{welcome}"),
    Stop("/recover/{recover}"),
    Stop("/guest/{guest_link}"),
    Stop("/ownership/find?digest={digest}"),
    Stop("/guest/credentials", GUEST),
    Stop("/guest/waiting", WAITING_GUEST),
    Stop("/contracts/{invited}", GUEST),
    Stop("/", _ZHANG),
    Stop("/?q=没有这样的合同", _ZHANG),
    Stop("/contracts/new", _ZHANG),
    Stop("/contracts/{draft}", _ZHANG),
    Stop("/contracts/{draft}/draft/document", _ZHANG),
    Stop("/contracts/{draft}/draft/parties", _ZHANG),
    Stop("/contracts/{draft}/draft/fields", _ZHANG),
    Stop("/contracts/{draft}/draft/check", _ZHANG),
    Stop("/contracts/{draft}/discard", _ZHANG),
    Stop("/contracts/{fresh}/sign", _ZHANG),
    Stop("/contracts/{fresh}/sign", _LI),
    Stop("/contracts/{sealed}/sign", _ZHANG),
    Stop("/contracts/{waiting}/signed", _ZHANG),
    Stop("/contracts/{waiting}/recall", _ZHANG),
    Stop("/contracts/{waiting}/extend", _ZHANG),
    Stop("/contracts/{waiting}/sign", _LI),
    Stop("/contracts/{waiting}/decline", _LI),
    Stop("/contracts/{waiting}/hand-over", _LI),
    Stop("/contracts/{declined}", _ZHANG),
    Stop("/contracts/{completed}", _ZHANG),
    Stop("/contracts/{completed}/void", _ZHANG),
    Stop("/contracts/{disputed}", _LI),
    Stop("/contracts/{disputed}/void/answer", _LI),
    Stop("/contracts/{invited}/guests/{guest_party}", _ZHANG),
    Stop("/contracts/{draft}/dates", _ZHANG),
    Stop("/contracts/{completed}/mail", _ZHANG),
    Stop("/contracts/none", _ZHANG, 404),
    Stop("/agreement", _ZHANG),
    Stop("/notices", _ZHANG),
    Stop("/seals/requests", _ZHAO),
    Stop("/seals/requests/{seal_request}", _ZHAO),
    Stop("/seals/requests/{seal_request}", _ZHANG),
    Stop("/signatures", _ZHANG),
    Stop("/templates", _ZHANG),
    Stop("/templates/{template}", _ZHANG),
    Stop("/templates/{template}/1/preview", _ZHANG),
    Stop("/templates/{template}/use", _ZHANG),
    Stop("/writing", _ZHANG),
    Stop("/writing/{text}", _ZHANG),
    Stop("/writing/{text}/fields", _ZHANG),
    Stop("/writing/{text}/preview", _ZHANG),
    Stop("/writing/{text}/use", _ZHANG),
    Stop("/writing/{text}/discard", _ZHANG),
    Stop("/ownership", _LI),
    Stop("/ownership/{deposit}", _LI),
    Stop("/settings", _ZHANG),
    Stop("/settings/code", _ZHANG),
    Stop("/settings/reminders", _ZHANG),
    Stop("/settings/signing", _ZHANG),
    Stop("/settings/passkeys/new", _ZHANG),
    Stop("/settings/passkeys/{passkey}/remove", _ZHANG),
    Stop("/powers", _ZHANG),
    Stop("/powers/new", _ZHANG),
    Stop("/powers/new?search=李", _ZHANG),
    Stop("/powers/new?agent=person-li", _ZHANG),
    Stop("/powers/{power}", _ZHANG),
    Stop("/powers/{power}", OFFICER),
    Stop("/identity/person-li", OFFICER),
    Stop("/office", OFFICER),
    Stop("/office/acts/{act}", OFFICER),
    Stop("/office/people/new", OFFICER),
    Stop("/office/people/{newcomer}", OFFICER),
    Stop("/office/requests/{request}", OFFICER),
    Stop("/office/people/{newcomer}/erase", OFFICER),
    Stop("/office/retention", OFFICER),
    Stop("/office/seals/new", OFFICER),
    Stop("/office/seals/{seal}", OFFICER),
    Stop("/office/seals/{destroyed}/destruction", OFFICER),
    Stop("/seals/uses", OFFICER),
    Stop("/seals/uses", _ZHAO),
    Stop("/", _QIAN),
    Stop("/office", _QIAN),
)

NO_PAGES = frozenset(
    {
        "/calendar/<token>.ics",
        "/certs/<name>.cer",
        "/certs/ca.pem",
        "/certs/chain.pem",
        "/contracts/<contract_id>/document.pdf",
        "/contracts/<contract_id>/evidence.zip",
        "/contracts/<contract_id>/pages/<int:number>.png",
        "/contracts/<contract_id>/sign/<intent_id>/<int:number>.png",
        "/crl/<name>.crl",
        "/language/<chosen>",
        "/livez",
        "/log/checkpoint",
        "/log/checkpoint.tst",
        "/log/entry",
        "/log/key",
        "/log/proof/consistency",
        "/log/proof/file",
        "/log/proof/inclusion",
        "/log/tile/<path:path>",
        "/mark",
        "/ownership/<deposit_id>/certificate.pdf",
        "/ownership/<deposit_id>/token.tsr",
        "/powers/<power_id>/letter.pdf",
        "/readyz",
        "/signatures/preview/<picture>.png",
        "/office/seals/<subject>/look.png",
        "/seals/uses.csv",
        "/signatures/seals/<subject>.svg",
        "/static/<asked>/<filename>",
        "/static/<filename>",
        "/templates/<template_id>/<int:version>/<int:number>.png",
        "/templates/<template_id>/<int:version>/preview.pdf",
        "/writing/<text_id>/preview.pdf",
        "/writing/<text_id>/preview/<int:number>.png",
    }
)
"""Files, pictures, data and a redirect: addresses that answer with no page."""
