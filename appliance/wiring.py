"""The one place that puts the parts together; everything else receives its collaborators."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from appliance.accounts.context import AccountsContext, accounts_context
from appliance.accounts.links import LinkTokens
from appliance.accounts.registry import PeopleRegistry
from appliance.accounts.service import AccountsService, open_accounts
from appliance.accounts.sessions import PortalSessions
from appliance.appearances import SealPictures, SignatureAppearances
from appliance.archive_renewal import ArchiveRenewal, CeremonyRecords
from appliance.clock import utc_now
from appliance.config import Settings
from appliance.confinement import Confinement
from appliance.contracts.access import Contracts
from appliance.contracts.agreement import Agreements
from appliance.contracts.agreement_text import load_text
from appliance.contracts.authorisation_basis import BasisFinder, IdentityVerified, PowerCoversSignature
from appliance.contracts.crash_safety import FailpointHook, ProcessLeases, ignore_failpoint
from appliance.contracts.dependencies import ContractRecords, SigningBackend, SigningRules
from appliance.contracts.drafting import Drafting, Resending
from appliance.contracts.endings import Endings, Extending, Voiding
from appliance.contracts.finalisation import Finalisation
from appliance.contracts.handing_over import Departures, HandingOver
from appliance.contracts.preconditions import ContentCheckPassed, SealConditions, standard_preconditions
from appliance.contracts.recovery import Recovery, StuckContracts
from appliance.contracts.sending import Sending
from appliance.contracts.signing import SigningCycle, SigningService
from appliance.directory import Directory
from appliance.documents.blobs import BlobStore, DiskSpace
from appliance.documents.intake import Intake
from appliance.documents.layout import DocumentLayouts
from appliance.documents.page_pictures import PagePictures, PictureCache
from appliance.earlier_signatures import EarlierSignatures, require_unbroken
from appliance.evidence.verification import verify_package
from appliance.guests import GuestCorrection, GuestEntry, Guests, invite, link_for
from appliance.guests.entering import GuestEntryContext
from appliance.guests.inviting import GuestCodes
from appliance.identity import IdentityChecks
from appliance.ledger import LogProofs, Sequencer
from appliance.ledger.audit_trail import AuditTrail
from appliance.ledger.disclosure import Disclosing
from appliance.listing import ContractLists
from appliance.maintenance import Maintenance
from appliance.model.accounts import LinkPurpose
from appliance.notices.delivery import MailChannel, NoticeQueue
from appliance.notices.messages import PortalAddresses
from appliance.office import Appointing, Office, OfficeContext, open_office
from appliance.ownership import Ownership
from appliance.ownership.deposits import OwnershipDependencies
from appliance.pdf.workshop import PdfWorkshop
from appliance.policy import Policy, load_policy
from appliance.powers import Powers
from appliance.powers.register import PowerArchive
from appliance.reminders.services import MailOrigin, ReminderServices, open_reminders
from appliance.retention import RetentionServices, open_retention
from appliance.review.review_status import open_review_statuses
from appliance.review.reviewing import ContentChecker, Reviewing
from appliance.seal_requests.register import SealUses
from appliance.seal_requests.requests import SealRequests
from appliance.store.database import Database
from appliance.submissions import Submissions
from appliance.timestamping import TimestampIssuer
from appliance.trust import CurrentCrls, outside_authority, trust_anchors
from appliance.verification import Verifier
from appliance.writing import (
    DocumentConverter,
    Issuing,
    Templates,
    TextPreviews,
    Texts,
    TextTypesetter,
    Writing,
    open_converter,
)
from hsm.client import AuthorityClient

LINKS_KEY = "links.key"
"""The secret that links to people are made with; the portal and the scheduler read it."""


@dataclass(frozen=True, slots=True)
class Appliance:
    """The running appliance as one process sees it; every part is thread-safe."""

    settings: Settings
    policy: Policy
    now: Callable[[], datetime]
    database: Database
    blobs: BlobStore
    confinement: Confinement
    workshop: PdfWorkshop
    verifier: Verifier
    authority: AuthorityClient
    timestamps: TimestampIssuer
    sequencer: Sequencer
    proofs: LogProofs
    registry: PeopleRegistry
    links: LinkTokens
    sessions: PortalSessions
    accounts: AccountsService
    appointing: Appointing
    office: Office
    agreements: Agreements
    drafting: Drafting
    sending: Sending
    cycle: SigningCycle
    finalisation: Finalisation
    endings: Endings
    handing_over: HandingOver
    departures: Departures
    extending: Extending
    resending: Resending
    voiding: Voiding
    listing: ContractLists
    recovery: Recovery
    reviewing: Reviewing
    contracts: Contracts
    disclosing: Disclosing
    ownership: Ownership
    submissions: Submissions
    layouts: DocumentLayouts
    earlier: EarlierSignatures
    directory: Directory
    writing: Writing
    converter: DocumentConverter
    signing: SigningService
    seal_requests: SealRequests
    seal_uses: SealUses
    guests: Guests
    entering: GuestEntry
    correcting: GuestCorrection
    addresses: PortalAddresses
    mail: MailChannel
    pictures: PagePictures
    appearances: SignatureAppearances
    seal_pictures: SealPictures
    retention: RetentionServices
    identity: IdentityChecks
    powers: Powers
    reminders: ReminderServices
    archive_renewal: ArchiveRenewal
    ceremonies: CeremonyRecords
    maintenance: Maintenance
    stuck: StuckContracts


@dataclass(frozen=True, slots=True)
class _Core:
    """What commands on contracts work with; the other parts take from it what they need."""

    settings: Settings
    links: LinkTokens
    confinement: Confinement
    records: ContractRecords
    rules: SigningRules
    backend: SigningBackend


@contextmanager
def open_appliance(
    settings: Settings,
    *,
    role: str = "web",
    now: Callable[[], datetime] = utc_now,
    reach: FailpointHook = ignore_failpoint,
    confinement: Confinement | None = None,
) -> Iterator[Appliance]:
    """The parts of one process, which asks the authority as *role* (one of ``home.ROLES``); closed on leaving.

    *now* is the clock of deadlines and expiries (the authority has its own); *reach* is called at each failpoint
    of the signing cycle; *confinement* is one that the caller has running already.
    Raises :class:`ApplianceError` when the state on disk is not this release's.
    """
    home = settings.home
    with ExitStack() as stack:
        authority = stack.enter_context(AuthorityClient(home.authority_socket(role)))
        confinement = confinement or stack.enter_context(Confinement(home.cache))
        database = Database(home.database)
        stack.callback(database.close)
        records = ContractRecords(database, AuditTrail(), NoticeQueue(invite), now)
        core = _Core(
            settings=settings,
            links=LinkTokens(home.secret(LINKS_KEY, os.environ)),
            confinement=confinement,
            records=records,
            rules=_rules(settings),
            backend=_backend(settings, records, authority, confinement, reach),
        )
        yield _appliance(core)


def _rules(settings: Settings) -> SigningRules:
    policy, agreement = load_policy(settings.home.policy), load_text(settings.home.agreement)
    basis_finder = BasisFinder(policy, settings.organisation.name)
    reviews = open_review_statuses(settings.home.rules, policy)
    seals = SealConditions(policy, reviews)
    return SigningRules(
        policy=policy,
        preconditions=(
            *standard_preconditions(agreement.version),
            seals,
            IdentityVerified(basis_finder),
            PowerCoversSignature(basis_finder),
            ContentCheckPassed(reviews),
        ),
        basis_finder=basis_finder,
        reviews=reviews,
        seals=seals,
        agreement=agreement,
    )


def _backend(
    settings: Settings,
    records: ContractRecords,
    authority: AuthorityClient,
    confinement: Confinement,
    reach: FailpointHook,
) -> SigningBackend:
    verifier = Verifier(
        confinement,
        trust_anchors(settings),
        evidence=verify_package,
        crls=CurrentCrls(authority),
        clock=records.now,
    )
    return SigningBackend(
        authority=authority,
        timestamps=TimestampIssuer(records.database, authority),
        workshop=PdfWorkshop(confinement, timeout=float(settings.documents.patience)),
        verifier=verifier,
        blobs=BlobStore(settings.home.blobs),
        leases=ProcessLeases(settings.home.run / "claimants"),
        outside=outside_authority(settings, verifier),
        reach=reach,
    )


def _appliance(core: _Core) -> Appliance:
    settings, confinement, links = core.settings, core.confinement, core.links
    records, rules, backend = core.records, core.rules, core.backend
    cycle, finalisation = SigningCycle(records, rules, backend), Finalisation(records, backend)
    signing, endings = SigningService(records, rules, cycle), Endings(records, rules)
    recovery = Recovery(records, backend, cycle, finalisation)
    renewal = ArchiveRenewal(records, backend, settings.keeping)
    codes = GuestCodes(links.derive_key("guest code"))
    sessions = PortalSessions(records.database, records.audit, settings.sessions, records.now)
    accounts = accounts_context(settings, records.database, records.audit, backend.authority, links, records.now)
    mail = MailChannel(records.database, settings.mail)
    layouts = DocumentLayouts(backend.workshop, backend.blobs)
    earlier = EarlierSignatures(backend.verifier, backend.blobs, layouts)
    pictures = PagePictures(
        PictureCache(settings.home.cache / "pages"), backend.workshop, backend.blobs, records.database
    )
    return Appliance(
        settings=settings,
        policy=rules.policy,
        now=records.now,
        database=records.database,
        blobs=backend.blobs,
        confinement=confinement,
        workshop=backend.workshop,
        verifier=backend.verifier,
        authority=backend.authority,
        timestamps=backend.timestamps,
        sequencer=Sequencer(records.database, backend.authority),
        proofs=LogProofs(records.database),
        registry=PeopleRegistry(records.database, records.audit, records.now),
        links=links,
        sessions=sessions,
        accounts=open_accounts(accounts),
        appointing=Appointing(accounts, backend.authority),
        office=open_office(
            OfficeContext(records.database, records.audit, backend.authority, sessions, records.now)
        ),
        agreements=Agreements(records, rules, backend),
        drafting=Drafting(records, rules, backend, _intake(core)),
        sending=Sending(records, rules, backend, earlier),
        earlier=earlier,
        cycle=cycle,
        finalisation=finalisation,
        endings=endings,
        handing_over=HandingOver(records, rules),
        departures=Departures(records, HandingOver(records, rules)),
        extending=Extending(records, rules),
        resending=Resending(records),
        voiding=Voiding(records, rules, backend),
        listing=ContractLists(records.database, records.now),
        recovery=recovery,
        reviewing=_reviewing(core),
        contracts=Contracts(records.database, backend.blobs, records.now),
        disclosing=Disclosing(records.database),
        ownership=Ownership(_workplace(core)),
        submissions=Submissions(records.database, records.now),
        layouts=layouts,
        directory=Directory(records.database),
        writing=_writing(core),
        converter=open_converter(settings.home.converter),
        signing=signing,
        seal_requests=SealRequests(records, rules, backend, signing),
        seal_uses=SealUses(records.database),
        guests=Guests(records.database, codes, mail.works, records.now),
        entering=_entering(core, accounts, codes),
        correcting=GuestCorrection(records.database, records.audit, records.now),
        addresses=_addresses(core),
        mail=mail,
        pictures=pictures,
        appearances=SignatureAppearances(records.database, backend.workshop, confinement, records.now),
        seal_pictures=SealPictures(records.database, backend.workshop, confinement),
        retention=open_retention(
            records.database, records.audit, (backend.blobs, pictures), rules.policy, records.now
        ),
        identity=IdentityChecks(records.database, records.audit, rules.policy, records.now),
        powers=_powers(core),
        reminders=_reminders(core),
        archive_renewal=renewal,
        ceremonies=CeremonyRecords(records.database, records.audit, backend.authority, records.now),
        maintenance=Maintenance(records.database, records.now),
        stuck=StuckContracts(records, recovery, endings, renewal.renew_contract),
    )


def _intake(core: _Core) -> Intake:
    backend = core.backend
    unbroken = partial(require_unbroken, backend.verifier)
    return Intake(backend.workshop, backend.blobs, DiskSpace(core.settings.home.blobs), unbroken)


def _reminders(core: _Core) -> ReminderServices:
    records, url = core.records, core.settings.web.public_url
    house = MailOrigin(core.settings.organisation.name, url, _addresses(core), PortalAddresses("", core.links))
    return open_reminders(records.database, core.rules.policy, core.settings.home.calendars, house, records.now)


def _powers(core: _Core) -> Powers:
    records = core.records
    return Powers(
        PowerArchive(records.database, core.backend.blobs, _intake(core), records.audit),
        core.rules.policy,
        records.now,
    )


def _reviewing(core: _Core) -> Reviewing:
    records, rules = core.records, core.rules
    checker = ContentChecker(core.confinement, rules.reviews.book, timeout=float(core.settings.documents.patience))
    return Reviewing(records.database, core.backend.blobs, records.audit, checker, rules.reviews, records.now)


def _addresses(core: _Core) -> PortalAddresses:
    """The addresses in mails: a guest's is one by which the guest can come in."""
    return PortalAddresses(
        core.settings.web.public_url, core.links, lambda tx, guest: link_for(tx, guest, core.records.now())
    )


def _entering(core: _Core, accounts: AccountsContext, codes: GuestCodes) -> GuestEntry:
    records = core.records
    surroundings = GuestEntryContext(
        read_link=lambda token: core.links.read_token(LinkPurpose.GUEST, token),
        codes=codes,
        passkeys=accounts.passkeys,
        authority=core.backend.authority,
        sessions=accounts.sessions,
        mail=core.settings.mail.configured,
    )
    return GuestEntry(records.database, surroundings, records.now)


def _writing(core: _Core) -> Writing:
    records, backend = core.records, core.backend
    texts, templates = (Texts(records.database, records.now), Templates(records.database, records.now))
    drafting = Drafting(records, core.rules, backend, _intake(core))
    press = TextTypesetter()
    issuing = Issuing(drafting, press, (texts, templates))
    previews = TextPreviews(core.settings.home.cache / "previews", press, backend.workshop)
    return Writing(texts, templates, issuing, previews)


def _workplace(core: _Core) -> OwnershipDependencies:
    records, backend = core.records, core.backend
    return OwnershipDependencies(
        database=records.database,
        blobs=backend.blobs,
        workshop=backend.workshop,
        verifier=backend.verifier,
        authority=backend.authority,
        timestamps=backend.timestamps,
        audit=records.audit,
        issuer=core.settings.organisation.name,
        address=core.settings.web.public_url,
    )
