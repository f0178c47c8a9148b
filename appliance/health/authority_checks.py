"""The authority and what it holds: it answers, the HSM signs, the clock is right, certificates and lists last, and
the records of key ceremonies are as they were written."""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509

from appliance.health.check_context import CheckContext, NotAnswerable
from appliance.health.findings import HealthFinding, RunbookPage, attention, failing, good, unset
from appliance.store import ledger
from appliance.store import ledger as store
from appliance.store.database import Transaction
from hsm import canonical
from hsm.config import TimeSourceKind
from hsm.errors import AuthorityError
from hsm.operation_types import AuthorityState, ClockState, HeldCeremony

STAGES = (90, 30, 14, 3)
"""Days that a certificate has left when somebody is told, each time anew."""

URGENT = 14
"""Days below which it is no longer only worth a look."""

ROOT_LIST_RUNNING_OUT = timedelta(days=30)
"""The root's list counts for 400 days; a ceremony takes time to arrange."""

_HSM = {
    AuthorityState.UNPROVISIONED: RunbookPage.NOT_PROVISIONED,
    AuthorityState.LOCKED: RunbookPage.HSM_LOCKED,
    AuthorityState.UNAVAILABLE: RunbookPage.HSM_GONE,
}


def authority(context: CheckContext) -> HealthFinding:
    """The authority answers."""
    try:
        status = context.status()
    except AuthorityError as error:
        return failing(RunbookPage.AUTHORITY_GONE, error.template, **error.values)
    return good("The authority answers (release {version}).", version=status.version)


def hsm(context: CheckContext) -> HealthFinding:
    """The HSM signs."""
    status = context.authority()
    if status.state is AuthorityState.OPERATIONAL:
        return good(status.sentence.template, **status.sentence.values)
    return failing(_HSM[status.state], status.sentence.template, **status.sentence.values)


def clock(context: CheckContext) -> HealthFinding:
    """The clock is one that timestamps are given by."""
    report = context.authority().clock
    template, values = report.sentence.template, report.sentence.values
    if report.state is ClockState.STEPPED:
        return failing(RunbookPage.CLOCK_STEPPED, template, **values)
    if not report.trusted:
        return failing(RunbookPage.CLOCK_UNSYNCHRONISED, template, **values)
    if report.state is ClockState.SOON_OUT:
        return attention(RunbookPage.CLOCK_UNSYNCHRONISED, template, **values)
    if report.source == TimeSourceKind.DECLARED:  # nothing measures it: an operator says that it is right
        return unset(template, **values)
    return good(template, **values)


def origins(context: CheckContext) -> HealthFinding:
    """The authority takes confirmations made on the activation service's pages, and none made on the portal's."""
    taken, settings = context.authority().activation_origins, context.configured()
    if not taken:
        raise NotAnswerable  # an earlier release, which another finding tells
    own, portal = settings.activation.origin, settings.web.origin
    values = {"path": context.home.authority_settings, "own": own, "portal": portal}
    if portal in taken:
        template = "The portal's pages could confirm signatures: activation.origins in {path} names {portal}."
        return failing(RunbookPage.ORIGINS_WRONG, template, portal, **values)
    if own not in taken:
        template = "Nobody can confirm a signature: activation.origins in {path} does not name {own}."
        return failing(RunbookPage.ORIGINS_WRONG, template, own, **values)
    return good("Signatures are confirmed on {own}, and nowhere in the portal.", own=own)


def certificates(context: CheckContext) -> HealthFinding:
    """No certificate of a service key ends soon; the finding names the one that ends first."""
    status, now = context.authority(), context.now
    if not status.keys:
        return failing(RunbookPage.NOT_PROVISIONED, "The authority has no certificates; hold the key ceremony.")
    first = min(status.keys, key=lambda key: key.not_after)
    values = {"subject": first.subject, "days": (first.not_after - now).days}
    stage = next((days for days in reversed(STAGES) if first.not_after - now <= timedelta(days=days)), None)
    if stage is None:
        return good("The next certificate to end is that of {subject}; days left: {days}.", **values)
    mark = f"{first.subject} {stage}"
    if first.not_after <= now:
        template = "The certificate of {subject} has ended."
        return failing(RunbookPage.CERTIFICATE_ENDING, template, f"{first.subject} ended", **values)
    template = "The certificate of {subject} ends soon; days left: {days}."
    finding = failing if stage <= URGENT else attention
    return finding(RunbookPage.CERTIFICATE_ENDING, template, mark, **values)


def revocation_lists(context: CheckContext) -> HealthFinding:
    """The lists of the issuing CAs count, and are made anew in time; without one no signature can be verified."""
    context.authority()
    ends = [(crl.next_update_utc, crl) for crl in _lists(context) if crl.next_update_utc is not None]
    if not ends:
        return failing(RunbookPage.CRL_EXPIRED, "There is no revocation list.")
    until, first = min(ends, key=lambda each: each[0])
    values = {"issuer": _name(first), "hours": int(abs(until - context.now) / timedelta(hours=1))}
    if until <= context.now:
        return failing(RunbookPage.CRL_EXPIRED, "The revocation list of {issuer} ran out {hours} h ago.", **values)
    if until - context.now < (until - first.last_update_utc) / 2:
        template = "The revocation list of {issuer} is old and counts for {hours} h only."
        return attention(RunbookPage.CRL_EXPIRED, template, **values)
    return good("The revocation lists count for {hours} h more.", **values)


def root_list(context: CheckContext) -> HealthFinding:
    """The root's revocation list still counts."""
    context.authority()
    crl = x509.load_der_x509_crl(context.client.crl("root"))
    ends = crl.next_update_utc or context.now
    values = {"days": (ends - context.now).days}
    if ends <= context.now:
        return failing(RunbookPage.ROOT_LIST_ENDING, "The root's revocation list has run out.", **values)
    if ends - context.now < ROOT_LIST_RUNNING_OUT:
        template = "Days left of the root's revocation list: {days}."
        return attention(RunbookPage.ROOT_LIST_ENDING, template, **values)
    return good("Days left of the root's revocation list: {days}.", **values)


def _lists(context: CheckContext) -> list[x509.CertificateRevocationList]:
    """Those of the issuing CAs that have not ended: an ended one makes no list any more."""
    issuers = [x509.load_der_x509_certificate(each) for each in context.client.authorities()]
    alive = {each.subject for each in issuers if each.not_valid_after_utc > context.now}
    lists = [x509.load_der_x509_crl(each) for each in context.client.crls()[1:]]
    return [crl for crl in lists if crl.issuer in alive or len(lists) == 1]


def _name(crl: x509.CertificateRevocationList) -> str:
    names = crl.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else crl.issuer.rfc4514_string()


_REPORTED = timedelta(days=7)
"""How long the recovery of an officer is a finding of its own."""


def ceremonies(context: CheckContext) -> HealthFinding:
    """Nobody has changed what was written of them."""
    held = _held(context)
    for each in held:
        if not each.intact:
            template = "The transcript of the ceremony {name} is gone or was changed."
            return failing(RunbookPage.CEREMONY_CHANGED, template, each.name, name=each.name)
    with context.reading() as tx:
        different = _different(tx, {each.number: each for each in held})
    if different is not None:
        template = "The authority's record of ceremony {number} is not the one in the log."
        return failing(RunbookPage.CEREMONY_CHANGED, template, str(different), number=different)
    return good("Ceremonies on record, each as it was written: {count}.", count=len(held))


def recovery(context: CheckContext) -> HealthFinding:
    """Nobody was given an officer's powers by a ceremony of these days: if so, administrators hear of it."""
    held = _held(context)
    recent = [each for each in held if each.recovers_officers and context.now - each.held < _REPORTED]
    if recent:
        template = "Officers were given a new way in by the ceremony {name}, on {day}."
        values = {"name": recent[-1].name, "day": f"{recent[-1].held:%Y-%m-%d}"}
        page = RunbookPage.OFFICER_RECOVERY
        return attention(page, template, str(recent[-1].number), **values)
    return good("No officer was given a new way in these days.")


def _held(context: CheckContext) -> list[HeldCeremony]:
    context.authority()
    try:
        return context.client.ceremonies()
    except AuthorityError as error:
        raise NotAnswerable from error  # not ours to ask; the health monitor and root do


def _different(tx: Transaction, held: dict[int, HeldCeremony]) -> int | None:
    """The first that the log knows otherwise: another transcript, another name, or none at all any more."""
    for number, entry in sorted(store.ceremonies_in_log(tx).items()):
        public = canonical.decode(ledger.leaf(tx, entry))["public"]
        record = held.get(number)
        if record is None or (record.name, record.sha256.hex()) != (public["name"], public["transcript"]):
            return number
    return None
