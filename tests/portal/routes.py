"""Every address of the portal: an example of it, who is let in, and what its form sends.

``{name}`` stands for a name of :class:`tests.portal.estate.Estate`. Whoever is not named is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field

VISITORS = (
    *("nobody", "signer", "initiator", "reviewer", "investigator", "guest", "representative"),
    *("auditor", "officer", "operator"),
)
"""Those who have nothing to do with the estate's contracts; what the sides of a contract may see of each other is
tried in tests/portal/test_both_sides.py."""

EVERYBODY = frozenset(VISITORS)
ACCOUNTS = EVERYBODY - {"nobody", "guest"}
PEOPLE = frozenset({"signer", "initiator", "reviewer", "investigator"})
COMPANY = frozenset({"representative"})
SIGNERS = PEOPLE | COMPANY
SIGNING = SIGNERS | {"guest"}
WRITERS = frozenset({"initiator"})
LEDGER = PEOPLE | {"auditor"}
OFFICE = frozenset({"officer"})
READERS = OFFICE | {"auditor"}
AUDITOR = frozenset({"auditor"})
REVIEWER = frozenset({"reviewer"})
INVESTIGATOR = frozenset({"investigator"})
CHECKERS = OFFICE | REVIEWER
REGISTRARS = CHECKERS | WRITERS
KEEPERS = WRITERS | OFFICE
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Row:
    """``keeper`` is the kind of visitor whose page it is; ``form`` are the fields besides the token, ``files``
    those that are files. With ``any_words`` the form takes whatever is typed."""

    path: str
    let_in: frozenset[str]
    keeper: str = "keeper"
    form: dict[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    any_words: bool = False


CONTRACT, DRAFT, VOID = "/contracts/{contract}", "/contracts/{draft}/draft", "/contracts/{completed}/void"
GUESTS = "/contracts/{inviting}/guests/{guest_party}"
OF_SEAL = "/office/seals/{seal}"
SEAL_REQUEST = "/seals/requests/{seal_request}"
PERSON = "/office/people/person-passing-by"
FRAMED = "guest in a frame"
PARTNER, OWN = "/partners/{partner}", "own representative"
REPRESENTATIVE = PARTNER + "/representatives/{representative}"
CAPTURE, CAPTURE_PLAN = "/captures/{capture}", "/captures/plans/{capture_plan}"
REVIEW, POWER, IDENTITY = "/reviews/{reviewing}", "/powers/{power}", "/identity/{checked}"
TEXT, TEMPLATE = "/writing/{text}", "/templates/{template}"
PASSKEY = {"ticket": "x", "credential": "{{}}"}
SEEN = {"seen": "{seen}", "once": "{once}"}
OF_DRAFT = {"seen": "{draft_seen}"}
OF_REVIEW = {"document": "{reviewed_document}"}
OF_TEXT = {"seen": "{text_seen}"}

GET: dict[str, Row] = {
    "home.home": Row("/", EVERYBODY),
    "clock.page": Row("/clock", EVERYBODY),
    "mark.picture": Row("/mark", EVERYBODY),
    "static": Row("/static/page.css", EVERYBODY),
    "health.livez": Row("/livez", EVERYBODY),
    "health.readyz": Row("/readyz", EVERYBODY),
    "guide.contents": Row("/guide", EVERYBODY),
    "guide.page": Row("/guide/sign", EVERYBODY),
    "guide.picture": Row("/guide/pictures/sign.zh.webp", EVERYBODY),
    "verify.form": Row("/verify", EVERYBODY),
    "verify.offline": Row("/verify.html", EVERYBODY),
    "document_codes.ask": Row("/verify/code?code={code}", EVERYBODY),
    "document_codes.show": Row("/verify/{code}", EVERYBODY),
    "ownership.find": Row("/ownership/find", EVERYBODY),
    "ownership.declaration": Row("/ownership/declarations/1.json", EVERYBODY),
    "log.checkpoint": Row("/log/checkpoint", EVERYBODY),
    "log.checkpoint_timestamp": Row("/log/checkpoint.tst", EVERYBODY),
    "log.key": Row("/log/key", EVERYBODY),
    "log.entry": Row("/log/entry?index=0", EVERYBODY),
    "log.inclusion": Row("/log/proof/inclusion?index=0&size=1", EVERYBODY),
    "log.consistency": Row("/log/proof/consistency?from=1&to=1", EVERYBODY),
    "log.proof_file": Row("/log/proof/file?index=0", EVERYBODY),
    "log.tile": Row("/log/tile/0/000.p/{log_size}", EVERYBODY),
    "trust.root": Row("/certs/ca.pem", EVERYBODY),
    "trust.chain": Row("/certs/chain.pem", EVERYBODY),
    "trust.certificate": Row("/certs/root.cer", EVERYBODY),
    "trust.revocations": Row("/crl/root.crl", EVERYBODY),
    "trust.answer_encoded": Row("/ocsp/MAA=", EVERYBODY),
    "accounts.login": Row("/login", EVERYBODY),
    "accounts.to_provider": Row("/login/provider", EVERYBODY),
    "accounts.from_provider": Row("/login/provider/done", EVERYBODY),
    "accounts.recovery": Row("/recover", EVERYBODY),
    "accounts.welcome": Row("/welcome/{welcome_link}", EVERYBODY),
    "accounts.registered_passkey": Row("/welcome/{welcome_link}/registered", EVERYBODY),
    "accounts.recover": Row("/recover/{recover_link}", EVERYBODY),
    "signing.guest_entry": Row("/guest/{guest_link}", EVERYBODY),
    "signing.guest_vouched": Row("/guest/{guest_link}/vouched", EVERYBODY),
    "embedded.page": Row("/embedded/{embedded}", EVERYBODY),
    "embedded.state": Row("/embedded/{embedded}/state", EVERYBODY),
    "embedded.fill": Row("/embedded/{embedded}/fill", NOBODY, FRAMED),
    "embedded.picture": Row("/embedded/{embedded}/pages/1.png", NOBODY, FRAMED),
    "setup.setup": Row("/setup", EVERYBODY),
    "setup.recovery": Row("/setup/recovery?login=wang", EVERYBODY),
    "setup.registered": Row("/setup/registered/none", EVERYBODY),
    "accounts.settings": Row("/settings", ACCOUNTS),
    "accounts.login_code": Row("/settings/code", ACCOUNTS),
    "accounts.new_passkey": Row("/settings/passkeys/new", ACCOUNTS),
    "accounts.remove_passkey": Row("/settings/passkeys/{passkey}/remove", NOBODY),
    "accounts.means": Row("/settings/signing", SIGNERS),
    "accounts.registered": Row("/settings/signing/registered", SIGNERS),
    "signing.agreement": Row("/agreement", SIGNING),
    "signing.framework": Row("/agreement/framework.pdf", SIGNING),
    "signing.agree": Row(CONTRACT + "/agreement", AUDITOR),
    "signing.accepted": Row(CONTRACT + "/agreement/{agreement}/activated", AUDITOR),
    "signing.guest_credentials": Row("/guest/credentials", frozenset({"guest"}), "own guest"),
    "signing.guest_registered": Row("/guest/registered", frozenset({"guest"}), "own guest"),
    "signing.guest_settings": Row("/guest/settings", frozenset({"guest"}), "own guest"),
    "signing.guest_waiting": Row("/guest/waiting", frozenset({"guest"}), "own guest"),
    "ledger.ledger": Row("/contracts/ledger?c=title&c=department&c=expiry", LEDGER),
    "ledger.export": Row("/contracts/ledger.csv", LEDGER),
    "contracts.page": Row(CONTRACT, AUDITOR),
    "contracts.ask": Row(CONTRACT + "/recall", NOBODY),
    "contracts.copies": Row(CONTRACT + "/copies", NOBODY),
    "contracts.annex": Row("/contracts/{draft}/annexes/{annex}", AUDITOR),
    "amending.amend": Row("/contracts/{completed}/amend/termination", NOBODY),
    "contracts.revisions": Row(CONTRACT + "/revisions", AUDITOR),
    "contracts.document": Row(CONTRACT + "/document.pdf", AUDITOR),
    "contracts.evidence": Row("/contracts/{completed}/evidence.zip", AUDITOR),
    "pictures.page": Row(CONTRACT + "/pages/1.png", AUDITOR),
    "signing.sign": Row(CONTRACT + "/sign", AUDITOR),
    "signing.read": Row(CONTRACT + "/read", NOBODY),
    "signing.vouch": Row(CONTRACT + "/vouch", NOBODY),
    "signing.vouched": Row(CONTRACT + "/vouched", AUDITOR),
    "signing.picture": Row(CONTRACT + "/sign/{intent}/1.png", NOBODY),
    "signing.activated": Row(CONTRACT + "/sign/{intent}/activated", AUDITOR),
    "signing.batch_page": Row("/batches/{batch}", NOBODY),
    "signing.confirmation": Row("/contracts/{completed}/signed", AUDITOR),
    "signing.guest_code": Row(GUESTS, NOBODY),
    "signing.guest_correction": Row(GUESTS + "/correct", NOBODY),
    "voiding.answer": Row(VOID + "/answer", NOBODY),
    "voiding.activated": Row(VOID + "/{declaration}/activated", NOBODY),
    "reminders.notices": Row("/notices", ACCOUNTS),
    "reminders.wishes": Row("/settings/reminders", ACCOUNTS),
    "reminders.calendar": Row("/calendar/{calendar}.ics", EVERYBODY),
    "reminders.dates": Row(CONTRACT + "/dates", NOBODY),
    "reminders.mail": Row(CONTRACT + "/mail", AUDITOR),
    "drafting.new": Row("/contracts/new", WRITERS),
    "drafting.document": Row(DRAFT + "/document", NOBODY),
    "drafting.parties": Row(DRAFT + "/parties", NOBODY),
    "drafting.fields": Row(DRAFT + "/fields", NOBODY),
    "drafting.check": Row(DRAFT + "/check", NOBODY),
    "signing.seal_requests": Row("/seals/requests", SIGNERS),
    "signing.seal_request": Row(SEAL_REQUEST, NOBODY),
    "signing.seal_activated": Row(SEAL_REQUEST + "/activated", NOBODY, "custodian"),
    "signatures.overview": Row("/signatures", SIGNERS),
    "signatures.preview": Row("/signatures/preview/{picture}.png", NOBODY),
    "signatures.seal": Row("/signatures/seals/{seal}.svg", REVIEWER),
    "ownership.all_of_mine": Row("/ownership", PEOPLE),
    "ownership.new": Row("/ownership/new", PEOPLE),
    "ownership.table_form": Row("/ownership/table", PEOPLE),
    "ownership.batch": Row("/ownership/batches/{deposits}", NOBODY),
    "ownership.archive": Row("/ownership/batches/{deposits}/deposits.zip", NOBODY),
    "ownership.show": Row("/ownership/{deposit}", NOBODY),
    "ownership.certificate": Row("/ownership/{deposit}/certificate.pdf", NOBODY),
    "ownership.token": Row("/ownership/{deposit}/token.tsr", NOBODY),
    "captures.everything": Row("/captures", LEDGER),
    "captures.new": Row("/captures/new", INVESTIGATOR),
    "captures.show": Row(CAPTURE, AUDITOR),
    "captures.picture": Row(CAPTURE + "/picture.jpg", AUDITOR),
    "captures.package": Row(CAPTURE + "/package.zip", AUDITOR),
    "captures.file": Row(CAPTURE + "/files/page.png", AUDITOR),
    "captures.plan": Row(CAPTURE_PLAN, AUDITOR),
    "live_views.show": Row(CAPTURE + "/live", NOBODY),
    "live_views.state": Row(CAPTURE + "/live/state", NOBODY),
    "live_views.picture": Row(CAPTURE + "/live/picture.jpg", NOBODY),
    "ownership.manifest": Row("/ownership/{deposit}/manifest.json", NOBODY),
    "writing.listed": Row("/writing", WRITERS),
    "writing.edit": Row(TEXT, NOBODY),
    "writing.ask": Row(TEXT + "/discard", NOBODY),
    "writing.fields": Row(TEXT + "/fields", NOBODY),
    "writing.form": Row(TEXT + "/use", NOBODY),
    "writing.preview": Row(TEXT + "/preview", NOBODY),
    "writing.picture": Row(TEXT + "/preview/1.png", NOBODY),
    "writing.document": Row(TEXT + "/preview.pdf", NOBODY),
    "writing.all_templates": Row("/templates", WRITERS),
    "writing.template": Row(TEMPLATE, NOBODY),
    "writing.template_form": Row(TEMPLATE + "/use", NOBODY),
    "signing.fill": Row(CONTRACT + "/fill", NOBODY),
    "writing.template_parties": Row(TEMPLATE + "/parties", NOBODY),
    "writing.template_preview": Row(TEMPLATE + "/1/preview", NOBODY),
    "writing.template_picture": Row(TEMPLATE + "/1/1.png", NOBODY),
    "writing.template_document": Row(TEMPLATE + "/1/preview.pdf", NOBODY),
    "writing.merge_form": Row(TEMPLATE + "/merge", NOBODY),
    "writing.merge_workbook": Row(TEMPLATE + "/merge.xlsx", NOBODY),
    "writing.merges": Row("/merges", WRITERS),
    "writing.merge": Row("/merges/{merge}", NOBODY),
    "writing.merge_report": Row("/merges/{merge}/report.xlsx", NOBODY),
    "remote_signing.listed": Row("/remote", PEOPLE),
    "remote_signing.page": Row("/remote/{remote}", NOBODY),
    "discussion.listed": Row("/discussions", PEOPLE),
    "discussion.contract": Row("/contracts/{draft}/discussion", NOBODY),
    "discussion.text": Row(TEXT + "/discussion", NOBODY),
    "discussion.propose_form": Row(TEXT + "/proposals/new", NOBODY),
    "discussion.proposal": Row(TEXT + "/proposals/{proposal}", NOBODY),
    "discussion.compare": Row(TEXT + "/compare", NOBODY),
    "reviews.queue": Row("/reviews", REVIEWER, "reviewer"),
    "reviews.case": Row(REVIEW, REVIEWER, "reviewer"),
    "reviews.picture": Row(REVIEW + "/pages/1.png", REVIEWER, "reviewer"),
    "reviews.result": Row(CONTRACT + "/review", AUDITOR),
    "powers.everything": Row("/powers", REGISTRARS | AUDITOR | COMPANY),
    "powers.new": Row("/powers/new?agent={checked}", REGISTRARS),
    "partners.everything": Row("/partners", KEEPERS | CHECKERS | AUDITOR),
    "partners.company": Row("/company", COMPANY, OWN),
    "partners.new": Row("/partners/new", KEEPERS),
    "partners.page": Row(PARTNER, KEEPERS | CHECKERS | AUDITOR, OWN),
    "partners.edit": Row(PARTNER + "/edit", KEEPERS, OWN),
    "partners.document": Row(PARTNER + "/documents/{partner_document}", KEEPERS | CHECKERS | AUDITOR, OWN),
    "partners.new_seal": Row(PARTNER + "/seals/new", NOBODY, OWN),
    "partners.new_representative": Row(PARTNER + "/representatives/new", KEEPERS, OWN),
    "departures.left_by_representative": Row(REPRESENTATIVE + "/contracts", NOBODY, OWN),
    "powers.power": Row(POWER, CHECKERS | AUDITOR),
    "powers.letter": Row(POWER + "/letter.pdf", CHECKERS | AUDITOR),
    "identity.person": Row(IDENTITY, CHECKERS | AUDITOR, "officer"),
    "office.everything": Row("/office", READERS, "officer"),
    "office.departed": Row("/office/departed", READERS, "officer"),
    "office.person": Row(PERSON, READERS, "officer"),
    "departures.left_behind": Row(PERSON + "/contracts", OFFICE, "officer"),
    "departures.captures_left": Row("/office/captures", READERS, "officer"),
    "departures.captures_of": Row(PERSON + "/captures", OFFICE, "officer"),
    "absences.absence": Row("/settings/absence", PEOPLE),
    "absences.everything": Row("/settings/hand-over", PEOPLE),
    "absences.open_parts": Row("/deputy/{absent}", NOBODY),
    "departures.stand_in": Row(CONTRACT + "/stand-in", NOBODY),
    "audit.overview": Row("/audit", AUDITOR, "auditor"),
    "audit.history": Row(CONTRACT + "/history", AUDITOR),
    "audit.exported": Row(CONTRACT + "/history.json", AUDITOR),
    "audit.table": Row(CONTRACT + "/history.csv", AUDITOR),
    "office.new_person": Row("/office/people/new", OFFICE, "officer"),
    "office.enrolment_request": Row("/office/requests/{request}", READERS, "officer"),
    "office.act": Row("/office/acts/{act}", READERS, "officer"),
    "office.activated": Row("/office/acts/{act}/activated", OFFICE, "officer"),
    "office.seal": Row("/office/seals/{seal}", READERS, "officer"),
    "office.seal_look": Row("/office/seals/{seal}/look.png", READERS, "officer"),
    "office.seal_destruction": Row("/office/seals/{destroyed}/destruction", READERS, "officer"),
    "signing.seal_uses": Row("/seals/uses", READERS | COMPANY, "officer"),
    "signing.seal_uses_table": Row("/seals/uses.csv", READERS | COMPANY, "officer"),
    "office.retained": Row("/office/retention", READERS, "officer"),
    "office.authorities": Row("/office/authorities", READERS, "officer"),
    "office.authority": Row("/office/authorities/{anchor}", READERS, "officer"),
    "signing.own": Row("/contracts/{elsewhere}/own", NOBODY, "guest elsewhere"),
    "signing.own_document": Row("/contracts/{elsewhere}/own/document.pdf", NOBODY, "guest elsewhere"),
    "office.erasure": Row(PERSON + "/erase", OFFICE, "officer"),
    "office.new_seal": Row("/office/seals/new", OFFICE, "officer"),
}

_PASSWORDS = {"password": "a", "again": "a"}
_TYPED_PARTIES = {"order": "parallel", "date": "2035-01-01", "time": "18:00", "zone": "Asia/Shanghai"}
_TYPED_PARTIES |= {
    "act": "guest",
    "guest-name": "",
    "guest-organisation": "",
    "guest-email": "",
    "guest-phone": "",
}
_TYPED_PARTIES |= {"seal": "", "requester": "", "query": ""}
_PLACES = {
    "party": "",
    "pages": "1",
    "x": "1",
    "y": "1",
    "width": "10",
    "height": "10",
    "act": "save",
    "unit": "mm",
}
_PLACES |= {"phrase": "", "keyword-party": "", "side": "after", "from": "1", "cross": "", "go": ""}
_FIELD = {"name": "", "kind": "text", "label": "x", "required": "1", "help": "", "default": "", "least": ""}
_FIELD |= {"most": "", "choices": "", "currency": "CNY", "before": ""}
_PERSON = {
    "kind": "person",
    "login": "",
    "name": "某人",
    "organisation": "",
    "email": "x@y.example",
    "role": "signer",
}
_RECOVERY = {"login": "wang"}
_OFFICER = {
    "login": "wu",
    "name": "吴",
    "organisation": "",
}
_SIGNED = {"intent": "{intent}", "place": "", "reason": "x"}
_WISHES = {"quiet_start": "x", "quiet_until": "x", "daily": "x"}
_SEAL = {"organisation": "", "kind": "CONTRACT", "width": "40", "custodian": "x", "once": "{once}"}
_POWER = {"agent": "{checked}", "basis": "letter", "grantor": "示例", "principal": "某人", "contract": ""}
_POWER |= {"since": "2099-01-01", "until": "2098-01-01", "kinds": "", "counterparties": "", "amount": "x"}
_POWER |= {"currency": "CNY", "seal": "x", "replaces": ""}
_PARTNER = {"name": "", "code": "1", "registration": "", "address": "", "contact": "", "email": "", "phone": ""}
_CHECK = {"document": "x", "number": "", "against": "original", "expires": "", "note": ""}

MACHINES = frozenset({"trust.answer", "accounts.end_by_provider"})
"""What programs send, without any form; tests/portal/test_addresses.py and tests/single_sign_on ask."""

POST: dict[str, Row] = {
    "verify.verify": Row("/verify", EVERYBODY, form={"form": "page"}, files=("file", "data", "trust")),
    "accounts.password": Row(
        "/login", EVERYBODY, form={"login": "x", "password": "x", "next": "/", "carried": ""}
    ),
    "accounts.code": Row("/login/code", EVERYBODY, form={"ticket": "x", "code": "123456", "next": "/"}),
    "accounts.passkey": Row("/login/passkey", EVERYBODY, form=PASSKEY),
    "accounts.logout": Row("/logout", EVERYBODY, any_words=True),
    "language.switch": Row("/language/zh", EVERYBODY, form={"back": "/"}, any_words=True),
    "signing.save_guest_settings": Row(
        "/guest/settings", frozenset({"guest"}), "own guest", {"language": "zh", "zone": "x"}
    ),
    "accounts.welcome_password": Row("/welcome/{welcome_link}", EVERYBODY, form=_PASSWORDS),
    "accounts.set_up_for_signing": Row("/welcome/{welcome_link}/set-up", EVERYBODY, any_words=True),
    "accounts.welcome_code": Row("/welcome/{welcome_link}/code", EVERYBODY, form={"sealed": "00", "code": "1"}),
    "accounts.welcome_passkey": Row("/welcome/{welcome_link}/passkey", EVERYBODY, form={**PASSKEY, "label": "x"}),
    "accounts.recover_password": Row("/recover/{recover_link}", EVERYBODY, form=_PASSWORDS),
    "accounts.recover_code": Row("/recover/{recover_link}/code", EVERYBODY, form={"sealed": "00", "code": "1"}),
    "accounts.recover_passkey": Row("/recover/{recover_link}/passkey", EVERYBODY, form={**PASSKEY, "label": "x"}),
    "signing.guest_enter": Row("/guest/{guest_link}", EVERYBODY, form={"code": "1"}),
    "embedded.enter": Row("/embedded/{embedded}", EVERYBODY, form={"code": "1"}),
    "embedded.keep_filled": Row("/embedded/{embedded}/fill", NOBODY, FRAMED, any_words=True),
    "signing.guest_passkey": Row("/guest/{guest_link}/passkey", EVERYBODY, form=PASSKEY),
    "signing.another_guest_link": Row("/guest/{guest_link}/another", EVERYBODY),
    "signing.text_guest_code": Row("/guest/{guest_link}/text", EVERYBODY),
    "signing.ask_for_guest_code": Row("/guest/{guest_link}/ask", EVERYBODY, any_words=True),
    "setup.appoint": Row("/setup", EVERYBODY, form=_OFFICER),
    "setup.finish": Row("/setup/registered/none", EVERYBODY, form={"email": "x", "password": "a", "offer": "x"}),
    "setup.recover": Row("/setup/recovery", EVERYBODY, form=_RECOVERY),
    "accounts.profile": Row("/settings/profile", ACCOUNTS, form={"name": "", "language": "zh", "zone": "UTC"}),
    "accounts.told": Row("/settings/told", ACCOUNTS, form={"back": "/"}, any_words=True),
    "accounts.change_password": Row("/settings/password", ACCOUNTS, form={**_PASSWORDS, "old": "x"}),
    "accounts.change_code": Row("/settings/code", ACCOUNTS, form={"old": "x", "sealed": "00", "code": "1"}),
    "accounts.proven": Row("/settings/passkeys/new", ACCOUNTS, form={"old": "x"}),
    "accounts.add_passkey": Row("/settings/passkeys", ACCOUNTS, form={**PASSKEY, "label": "x"}),
    "accounts.removed": Row("/settings/passkeys/{passkey}/remove", NOBODY, form={"old": "x"}),
    "accounts.end_session": Row("/settings/sessions/end", NOBODY, form={"session": "00"}),
    "accounts.end_others": Row("/settings/sessions/end-others", ACCOUNTS, any_words=True),
    "accounts.set_up": Row("/settings/signing", SIGNERS, any_words=True),
    "accounts.withdraw": Row("/settings/signing/withdraw", NOBODY, form={"request": "{request}"}),
    "signing.accept": Row(CONTRACT + "/agreement", AUDITOR, form={"agreement": "00"}, any_words=True),
    "signing.set_up_credentials": Row("/guest/credentials", frozenset({"guest"}), "own guest", any_words=True),
    "reminders.seen": Row("/notices/seen", ACCOUNTS, form={"until": ""}, any_words=True),
    "reminders.keep": Row("/settings/reminders", ACCOUNTS, form=_WISHES, any_words=True),
    "reminders.renew": Row("/settings/reminders/calendar", ACCOUNTS, any_words=True),
    "reminders.end": Row("/settings/reminders/calendar/end", ACCOUNTS, any_words=True),
    "reminders.change": Row(CONTRACT + "/dates", NOBODY, form={"effective": "x"}, any_words=True),
    "reminders.resend": Row(CONTRACT + "/mail/resend", NOBODY, form={"message": "999999"}),
    "contracts.do": Row(CONTRACT + "/recall", NOBODY, form={**SEEN, "reason": "", "party": "", "to": ""}),
    "contracts.change_copies": Row(CONTRACT + "/copies", NOBODY, form={"person": "x", "act": "add"}),
    "contracts.correct": Row(CONTRACT + "/correct", NOBODY, form=SEEN),
    "amending.draft_agreement": Row(
        "/contracts/{completed}/amend/termination",
        NOBODY,
        form={"seen": "1", "title": "", "effective": "x", "settlement": "x", "surviving": "x", "once": "{once}"},
        files=("document",),
    ),
    "amending.duplicate": Row(CONTRACT + "/duplicate", NOBODY, form=SEEN),
    "signing.activate": Row(CONTRACT + "/sign", AUDITOR, form=_SIGNED, any_words=True),
    "signing.choose": Row("/batches", SIGNERS, form={"contract": "{contract}"}),
    "signing.choose_requests": Row("/batches/seals", SIGNERS, form={"request": "{seal_request}"}),
    "signing.new_guest_code": Row(GUESTS + "/code", NOBODY, any_words=True),
    "signing.new_guest_link": Row(GUESTS + "/link", NOBODY, any_words=True),
    "signing.correct_guest": Row(GUESTS + "/correct", NOBODY, form={"name": "a", "email": "a", "phone": "1"}),
    "signing.show_guest_link": Row(GUESTS + "/show", NOBODY, any_words=True),
    "voiding.declare": Row(VOID + "/declare", NOBODY, form={"declaration": "{declaration}"}),
    "voiding.refuse": Row(VOID + "/refuse", NOBODY, form={"seen": "{void_seen}", "reason": "", "once": "{once}"}),
    "drafting.create": Row(
        "/contracts/new", WRITERS, form={"title": "示例", "once": "{once}"}, files=("document",)
    ),
    "drafting.save_document": Row(
        DRAFT + "/document",
        NOBODY,
        form={**OF_DRAFT, "title": "", "kind": "x", "purpose": "x", "amount": "", "currency": "CNY"},
    ),
    "drafting.replace_document": Row(
        DRAFT + "/replace", NOBODY, form={**OF_DRAFT, "once": "{once}"}, files=("document",)
    ),
    "drafting.attach": Row(DRAFT + "/annexes", NOBODY, form={**OF_DRAFT, "once": "{once}"}, files=("annex",)),
    "drafting.detach": Row(DRAFT + "/annexes/remove", NOBODY, form={**OF_DRAFT, "annex": "{annex}"}),
    "drafting.save_parties": Row(DRAFT + "/parties", NOBODY, form={**OF_DRAFT, **_TYPED_PARTIES}),
    "drafting.save_fields": Row(DRAFT + "/fields", NOBODY, form={**OF_DRAFT, **_PLACES}),
    "drafting.send": Row(
        DRAFT + "/check", NOBODY, form={**OF_DRAFT, "act": "send", "once": "{once}"}, any_words=True
    ),
    "signing.approve_seal": Row(SEAL_REQUEST + "/approve", NOBODY, "custodian", any_words=True),
    "signing.refuse_seal": Row(SEAL_REQUEST + "/refuse", NOBODY, "custodian", {"answer": ""}),
    "signing.take_approval_back": Row(SEAL_REQUEST + "/take-back", NOBODY, "custodian", any_words=True),
    "signing.withdraw_seal": Row(SEAL_REQUEST + "/withdraw", NOBODY, any_words=True),
    "signing.finish_seal": Row(SEAL_REQUEST + "/finish", NOBODY),
    "signatures.draw": Row("/signatures/drawn", SIGNERS, form={"strokes": "[]"}),
    "signatures.take": Row("/signatures/image", SIGNERS, files=("image",)),
    "signatures.use": Row("/signatures/use", NOBODY, form={"picture": "x"}),
    "signatures.remove": Row("/signatures/remove", NOBODY, form={"picture": "x"}),
    "captures.order": Row(
        "/captures/new",
        INVESTIGATOR,
        form={"address": "x", "purpose": "", "plan": "plan", "every": "0", "times": "0", "at": "09:00"}
        | {f"{name}{row}": "" for name in ("kind", "target", "seconds") for row in range(1, 6)},
    ),
    "captures.change": Row(CAPTURE + "/keep", NOBODY, form={"reason": ""}),
    "live_views.act": Row(CAPTURE + "/live", NOBODY, form={"actions": "x"}),
    "live_views.finish": Row(CAPTURE + "/live/record", NOBODY, any_words=True),
    "captures.stop": Row(CAPTURE_PLAN + "/stop", NOBODY, any_words=True),
    "ownership.table": Row("/ownership/table.xlsx", PEOPLE, any_words=True),
    "ownership.upload_table": Row("/ownership/table", PEOPLE),
    "captures.share": Row(CAPTURE + "/sharing", NOBODY, form={"act": "share", "person": ""}),
    "captures.share_plan": Row(CAPTURE_PLAN + "/sharing", NOBODY, form={"act": "share", "person": ""}),
    "ownership.retry": Row("/ownership/batches/{deposits}/retry", NOBODY, any_words=True),
    "ownership.deposit": Row("/ownership", PEOPLE, form={"title": "", "kind": "data", "sums": "00"}),
    "writing.new": Row(
        "/writing/new", WRITERS, form={"title": "x" * 201, "kind": "x", "language": "zh", "once": "{once}"}
    ),
    "discussion.change_contract": Row(
        "/contracts/{draft}/discussion",
        NOBODY,
        form={"act": "comment", "comment": "", "person": "x", "place": "0", "words": "", "once": "{once}"},
    ),
    "discussion.change_text": Row(
        TEXT + "/discussion",
        NOBODY,
        form={"act": "comment", "comment": "", "person": "x", "place": "0", "words": "", "once": "{once}"},
    ),
    "discussion.propose": Row(
        TEXT + "/proposals/new", NOBODY, form={"plain": "", "words": "长" * 501, "seen": "1", "once": "{once}"}
    ),
    "discussion.decide": Row(TEXT + "/proposals/{proposal}", NOBODY, form={"accept": "x", "reject": ""}),
    "writing.save": Row(TEXT, NOBODY, form={"seen": "0", "plain": "x"}, files=("text",)),
    "writing.describe": Row(TEXT + "/about", NOBODY, form={**OF_TEXT, "title": "", "kind": "x", "language": "zh"}),
    "writing.discard": Row(TEXT + "/discard", NOBODY, form={"seen": "0"}),
    "writing.upload_list": Row(
        TEMPLATE + "/merge", NOBODY, form={"once": "{once}"}, files=("list",), any_words=True
    ),
    "writing.go_on": Row("/merges/{merge}/make", NOBODY, any_words=True),
    "writing.publish": Row(TEXT + "/publish", NOBODY, form={**OF_TEXT, "once": "{once}"}),
    "writing.define": Row(TEXT + "/fields", NOBODY, form={**OF_TEXT, **_FIELD}),
    "writing.undefine": Row(TEXT + "/fields/remove", NOBODY, form={"seen": "0", "name": "x"}),
    "writing.use": Row(
        TEXT + "/use", NOBODY, form={**OF_TEXT, "filled": "1", "f-买方": "", "once": "{once}"}, any_words=True
    ),
    "writing.new_template": Row("/templates/new", NOBODY, form={"sample": "x", "once": "{once}"}),
    "writing.edit_template": Row(TEMPLATE + "/edit", NOBODY, any_words=True),
    "writing.keep_parties": Row(TEMPLATE + "/parties", NOBODY, form={"seen": "1", "contract": ""}),
    "writing.retire_template": Row(TEMPLATE + "/retire", NOBODY, any_words=True),
    "writing.offer_template": Row(TEMPLATE + "/offer", NOBODY, any_words=True),
    "writing.use_template": Row(
        TEMPLATE + "/use", NOBODY, form={"number": "1", "title": "", "f-买方": "x", "once": "{once}"}
    ),
    "reviews.waive": Row(
        REVIEW + "/waive", REVIEWER, "reviewer", {**OF_REVIEW, "item": "{missing_clause}", "reason": "x"}
    ),
    "reviews.sign_off": Row(REVIEW + "/sign-off", REVIEWER, "reviewer", OF_REVIEW),
    "reviews.send_back": Row(REVIEW + "/return", REVIEWER, "reviewer", {**OF_REVIEW, "words": ""}),
    "partners.register": Row(
        "/partners/new", KEEPERS, form=_PARTNER | {"means": "x", "note": "", "once": "{once}"}
    ),
    "partners.change": Row(PARTNER + "/edit", KEEPERS, OWN, _PARTNER | {"email": "x"}, any_words=True),
    "partners.vouch": Row(PARTNER + "/vouch", KEEPERS, form={"means": "x", "note": ""}),
    "partners.add_document": Row(PARTNER + "/documents", KEEPERS, OWN, {"kind": "x"}, files=("file",)),
    "partners.invite": Row(
        PARTNER + "/representatives/new",
        KEEPERS,
        OWN,
        {"name": "", "email": "x", "phone": "", "language": "zh", "zone": "UTC", "once": "{once}"},
    ),
    "partners.ask_for_seal": Row(
        PARTNER + "/seals/new", NOBODY, OWN, {"kind": "x", "width": "40", "needed": "1", "once": "{once}"}
    ),
    "partners.withdraw_seal": Row(PARTNER + "/seals/{partner_seal}/withdraw", NOBODY, OWN, any_words=True),
    "partners.look_after": Row(REPRESENTATIVE + "/administrator", KEEPERS, OWN, any_words=True),
    "departures.take_over_for_partner": Row(
        REPRESENTATIVE + "/contracts", NOBODY, OWN, {"contract": "x", "party": "", "to": "x", "reason": "x"}
    ),
    "powers.register": Row("/powers/new", REGISTRARS, form={**_POWER, "once": "{once}"}, files=("letter",)),
    "powers.decide": Row(POWER + "/refuse", CHECKERS, "officer", {"reason": ""}, any_words=True),
    "identity.record": Row(IDENTITY, CHECKERS, "officer", {**_CHECK, "once": "{once}"}),
    "identity.withdraw": Row(IDENTITY + "/{check}/withdraw", CHECKERS, "officer", {"reason": ""}, any_words=True),
    "office.change_roles": Row(PERSON + "/roles", OFFICE, "officer", {"role": "officer"}),
    "ledger.save_view": Row(
        "/contracts/ledger/views",
        LEDGER,
        form={"name": "x", "query": "q=x", "role": "", "shared": "yes"},
        any_words=True,
    ),
    "ledger.remove_view": Row("/contracts/ledger/views/remove", NOBODY, form={"view": "{ledger_view}"}),
    "office.change_department": Row(PERSON + "/department", OFFICE, "officer", {"department": ""}, any_words=True),
    "office.change_account": Row(PERSON + "/suspend", OFFICE, "officer", any_words=True),
    "office.add_remote_key": Row(PERSON + "/remote-key", OFFICE, "officer", {"use": "document"}),
    "remote_signing.confirm": Row("/remote/{remote}/confirm", NOBODY, any_words=True),
    "remote_signing.refuse": Row("/remote/{remote}/refuse", NOBODY, any_words=True),
    "remote_signing.admit": Row("/remote/admit", NOBODY, form={"client": "client-blocked"}),
    "office.revoke_credential": Row(PERSON + "/credential", OFFICE, "officer", {"credential": "x"}),
    "office.leave": Row(PERSON + "/leave", OFFICE, "officer", any_words=True),
    "office.invite": Row("/office/people/new", OFFICE, "officer", {**_PERSON, "once": "{once}"}),
    "office.approve_request": Row(
        "/office/requests/{request}/approve", OFFICE, "officer", {"verified": ""}, any_words=True
    ),
    "office.refuse_request": Row("/office/requests/{request}/refuse", OFFICE, "officer", {"reason": ""}),
    "office.activate": Row("/office/acts/{act}", OFFICE, "officer", any_words=True),
    "office.refuse": Row("/office/acts/{act}/refuse", OFFICE, "officer", {"reason": "x"}, any_words=True),
    "office.make_seal": Row("/office/seals/new", OFFICE, "officer", _SEAL),
    "signing.keep_filled": Row(CONTRACT + "/fill", NOBODY, any_words=True),
    "signing.go_on": Row(CONTRACT + "/read", NOBODY, form={"page": "1"}),
    "absences.enter": Row("/settings/absence", PEOPLE, form={"since": "", "until": "", "deputy": ""}),
    "absences.end": Row("/settings/absence/end", PEOPLE),
    "absences.hand_everything_over": Row("/settings/hand-over", PEOPLE, form={"to": "", "reason": "示例"}),
    "absences.take_over": Row("/deputy/{absent}", NOBODY, form={"contract": "{contract}", "party": ""}),
    "departures.take_over_captures": Row(
        PERSON + "/captures", OFFICE, "officer", form={"to": "person-li", "reason": "离职"}
    ),
    "departures.take_over": Row(
        "/office/people/person-zhang/contracts",
        OFFICE,
        "officer",
        {"contract": "{contract}", "party": "", "to": "x", "reason": "x"},
    ),
    "departures.stand_in_for": Row(
        CONTRACT + "/stand-in", NOBODY, form={"party": "", "to": "x", "reason": "x"}, any_words=True
    ),
    "office.retain": Row("/office/retention/hold", OFFICE, "officer", {"contract": "x", "reason": "x"}),
    "office.erase": Row(PERSON + "/erase", OFFICE, "officer", {"reason": ""}, any_words=True),
    "office.register_authority": Row(
        "/office/authorities", OFFICE, "officer", {"organisation": "x", "reason": ""}, files=("certificate",)
    ),
    "office.approve_authority": Row("/office/authorities/{anchor}/approve", OFFICE, "officer", any_words=True),
    "office.end_authority": Row("/office/authorities/{anchor}/end", OFFICE, "officer", {"ended_because": ""}),
    "signing.hand_in": Row(
        "/contracts/{elsewhere}/own", NOBODY, "guest elsewhere", {"accepts": "1"}, files=("document",)
    ),
    "office.suspend_seal": Row(OF_SEAL + "/suspend", OFFICE, "officer", {"reason": ""}),
    "office.resume_seal": Row(OF_SEAL + "/resume", OFFICE, "officer", {"reason": ""}),
    "office.change_custodians": Row(OF_SEAL + "/custodians/add", OFFICE, "officer", {"custodian": "x"}),
    "office.change_needed": Row(OF_SEAL + "/needed", OFFICE, "officer", {"needed": "1"}),
    "office.change_picture": Row(OF_SEAL + "/picture", OFFICE, "officer", files=("picture",)),
    "office.set_seal_rules": Row(OF_SEAL + "/rules", OFFICE, "officer", {"kinds": "长" * 61}, any_words=True),
    "office.file_seal": Row(OF_SEAL + "/filing", OFFICE, "officer", {"authority": "", "number": ""}),
    "office.draw_seal": Row(OF_SEAL + "/picture/drawn", OFFICE, "officer", any_words=True),
    "office.destroy_seal": Row(OF_SEAL + "/destroy", OFFICE, "officer", {"destroyed_because": ""}, any_words=True),
}
