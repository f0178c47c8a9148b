"""The one place that puts the parts together; everything else receives its collaborators."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from appliance.accounts.context import AccountsContext, accounts_context
from appliance.accounts.links import LinkTokens
from appliance.accounts.registry import PeopleRegistry
from appliance.accounts.service import AccountsService, open_accounts
from appliance.accounts.sessions import PortalSessions
from appliance.appearances import SealPictures, SignatureAppearances
from appliance.config import Settings
from appliance.confinement import Confinement
from appliance.contracts.agreement import Agreements
from appliance.contracts.agreement_text import load_text
from appliance.contracts.authorisation_basis import Authorised, BasisFinder, Identified
from appliance.contracts.cycle import SigningCycle
from appliance.contracts.drafting import Drafting, Resending
from appliance.contracts.endings import Endings, Extending
from appliance.contracts.failpoints import FailpointHook, ignore_failpoint
from appliance.contracts.finalisation import Finalisation
from appliance.contracts.handing_over import Departures, HandingOver
from appliance.contracts.leases import ProcessLeases
from appliance.contracts.preconditions import Reviewed, SealConditions, standard_preconditions
from appliance.contracts.reader import Contracts
from appliance.contracts.recovery import Recovery, StuckContracts
from appliance.contracts.seal_requests import SealRequests
from appliance.contracts.seal_uses import SealUses
from appliance.contracts.sending import Sending
from appliance.contracts.services import SigningRoom
from appliance.contracts.signing_service import Finishing, SigningService
from appliance.contracts.voiding import Voiding
from appliance.directory import Directory
from appliance.documents.blobs import BlobStore
from appliance.documents.disk_space import DiskSpace
from appliance.documents.earlier import EarlierSignatures
from appliance.documents.intake import Intake
from appliance.documents.layout import DocumentLayouts
from appliance.documents.picture_cache import PictureCache
from appliance.documents.pictures import PagePictures
from appliance.egress import Egress, ExchangeLimits
from appliance.errors import ConfigurationError
from appliance.evidence.verification import verify_package
from appliance.guests import GuestCorrection, GuestEntry, Guests, invite, link_for
from appliance.guests.entering import GuestEntryContext
from appliance.guests.inviting import GuestCodes
from appliance.history.disclosure import Disclosing
from appliance.identity import IdentityChecks
from appliance.keeping import CeremonyRecords, Keeping
from appliance.ledger import LogProofs, Sequencer
from appliance.ledger.audit_trail import AuditTrail
from appliance.listing import Listing
from appliance.maintenance import Maintenance
from appliance.model.accounts import LinkPurpose
from appliance.notices.addresses import Addresses
from appliance.notices.announcing import Announcing
from appliance.notices.channel import MailChannel
from appliance.office import Appointing, Office, open_office
from appliance.ownership import Ownership
from appliance.ownership.deposits import OwnershipDependencies
from appliance.pdf.workshop import PdfWorkshop
from appliance.policy import Policy, load_policy
from appliance.powers import Powers
from appliance.powers.register import PowerArchive
from appliance.reminders.desk import House, RemindersDesk, open_reminders
from appliance.retention import Retention, open_retention
from appliance.review.checker import ContentChecker
from appliance.review.review_status import open_review_statuses
from appliance.review.reviewing import Reviewing
from appliance.revocation import CurrentCrls
from appliance.store.database import Database
from appliance.submissions import Submissions
from appliance.timestamping import OutsideAuthority, TimestampIssuer
from appliance.timestamping.outside import LARGEST_REPLY
from appliance.verification import TrustAnchors, Verifier
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
    listing: Listing
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
    addresses: Addresses
    mail: MailChannel
    pictures: PagePictures
    appearances: SignatureAppearances
    seal_pictures: SealPictures
    retention: Retention
    identity: IdentityChecks
    powers: Powers
    reminders: RemindersDesk
    keeping: Keeping
    ceremonies: CeremonyRecords
    maintenance: Maintenance
    stuck: StuckContracts


def utc_now() -> datetime:
    """The system's clock, in UTC."""
    return datetime.now(UTC)


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
        timestamps = TimestampIssuer(database, authority)
        policy = load_policy(home.policy)
        agreement = load_text(home.agreement)
        grounding = BasisFinder(policy, settings.organisation.name)
        standings = open_review_statuses(home.rules, policy)
        seals = SealConditions(policy, standings)
        verifier = Verifier(
            confinement,
            _anchors(settings),
            evidence=verify_package,
            crls=CurrentCrls(authority),
            clock=now,
        )
        room = SigningRoom(
            database=database,
            blobs=BlobStore(home.blobs),
            workshop=PdfWorkshop(confinement, timeout=float(settings.documents.patience)),
            verifier=verifier,
            authority=authority,
            timestamps=timestamps,
            audit=AuditTrail(),
            leases=ProcessLeases(home.run / "claimants"),
            now=now,
            preconditions=(
                *standard_preconditions(agreement.version),
                seals,
                Identified(grounding),
                Authorised(grounding),
                Reviewed(standings),
            ),
            notify=Announcing(invite),
            policy=policy,
            basis_finder=grounding,
            standings=standings,
            agreement=agreement,
            seals=seals,
            outside=_outside(settings, verifier),
            reach=reach,
        )
        yield _appliance(settings, room, confinement)


def _anchors(settings: Settings) -> TrustAnchors:
    """Our own root; for timestamps alone, also whom the authority outside leads to."""
    own = TrustAnchors.from_files([settings.home.trust / "ca.pem"])
    outside = _trust_outside(settings)
    return replace(own, stampers=outside.certificates, crls=(*own.crls, *outside.crls))


def _trust_outside(settings: Settings) -> TrustAnchors:
    try:
        return TrustAnchors.from_files(settings.beside(name) for name in settings.outside.trust)
    except OSError as error:
        raise ConfigurationError(
            "The file {name} of the setting outside.trust cannot be read: {why}.",
            name=error.filename,
            why=error.strerror or "unknown error",
        ) from error


def _outside(settings: Settings, verifier: Verifier) -> OutsideAuthority | None:
    """The authority outside, when one is configured: the only thing that ever leaves this machine for it."""
    configured = settings.outside
    if not configured.url:
        return None
    tls = str(settings.beside(configured.tls)) if configured.tls else None
    return OutsideAuthority(
        configured.url,
        Egress(ExchangeLimits(float(configured.seconds), LARGEST_REPLY), trust=tls),
        verify=verifier.verify_timestamp,
        trust=_trust_outside(settings),
        patience=float(configured.seconds),
    )


def _appliance(settings: Settings, room: SigningRoom, confinement: Confinement) -> Appliance:
    cycle = SigningCycle(room)
    sealing = Finalisation(room)
    finishing = Finishing(room, cycle)
    recovery, endings, keeping = Recovery(room, cycle, sealing), Endings(room), Keeping(room, settings.keeping)
    sessions = PortalSessions(room.database, room.audit, settings.sessions, room.now)
    in_accounts = _accounts_room(settings, room)
    mail = MailChannel(room.database, settings.mail)
    layouts = DocumentLayouts(room.workshop, room.blobs)
    earlier = EarlierSignatures(room.verifier, room.blobs, layouts)
    pictures = PagePictures(PictureCache(settings.home.cache / "pages"), room.workshop, room.blobs, room.database)
    return Appliance(
        settings=settings,
        policy=room.policy,
        now=room.now,
        database=room.database,
        blobs=room.blobs,
        confinement=confinement,
        workshop=room.workshop,
        verifier=room.verifier,
        authority=room.authority,
        timestamps=room.timestamps,
        sequencer=Sequencer(room.database, room.authority),
        proofs=LogProofs(room.database),
        registry=PeopleRegistry(room.database, room.audit, room.now),
        links=LinkTokens(settings.home.secret(LINKS_KEY, os.environ)),
        sessions=sessions,
        accounts=open_accounts(in_accounts),
        appointing=Appointing(in_accounts, room.authority),
        office=open_office(room.database, room.audit, room.authority, sessions, room.now),
        agreements=Agreements(room),
        drafting=Drafting(room, _intake(settings, room)),
        sending=Sending(room, earlier),
        earlier=earlier,
        cycle=cycle,
        finalisation=sealing,
        endings=endings,
        handing_over=HandingOver(room),
        departures=Departures(room, HandingOver(room)),
        extending=Extending(room),
        resending=Resending(room),
        voiding=Voiding(room),
        listing=Listing(room.database, room.now),
        recovery=recovery,
        reviewing=_reviewing(settings, room, confinement),
        contracts=Contracts(room.database, room.blobs),
        disclosing=Disclosing(room.database),
        ownership=Ownership(_workplace(settings, room)),
        submissions=Submissions(room.database, room.now),
        layouts=layouts,
        directory=Directory(room.database),
        writing=_writing(settings, room),
        converter=open_converter(settings.home.converter),
        signing=SigningService(room, cycle, finishing),
        seal_requests=SealRequests(room, finishing),
        seal_uses=SealUses(room.database),
        guests=Guests(room.database, _codes(settings), mail.works, room.now),
        entering=_entering(settings, room, in_accounts),
        correcting=GuestCorrection(room.database, room.audit, room.now),
        addresses=_addresses(settings, room),
        mail=mail,
        pictures=pictures,
        appearances=SignatureAppearances(room.database, room.workshop, confinement, room.now),
        seal_pictures=SealPictures(room.database, room.workshop, confinement),
        retention=open_retention(room.database, room.audit, (room.blobs, pictures), room.policy, room.now),
        identity=IdentityChecks(room.database, room.audit, room.policy, room.now),
        powers=_powers(settings, room),
        reminders=_reminders(settings, room),
        keeping=keeping,
        ceremonies=CeremonyRecords(room.database, room.audit, room.authority, room.now),
        maintenance=Maintenance(room.database, room.now),
        stuck=StuckContracts(room, recovery, endings, keeping.renew),
    )


def _intake(settings: Settings, room: SigningRoom) -> Intake:
    return Intake(room.workshop, room.blobs, DiskSpace(settings.home.blobs), room.verifier)


def _reminders(settings: Settings, room: SigningRoom) -> RemindersDesk:
    links, url = LinkTokens(settings.home.secret(LINKS_KEY, os.environ)), settings.web.public_url
    house = House(settings.organisation.name, url, _addresses(settings, room), Addresses("", links))
    return open_reminders(room.database, room.policy, settings.home.calendars, house, room.now)


def _accounts_room(settings: Settings, room: SigningRoom) -> AccountsContext:
    links = LinkTokens(settings.home.secret(LINKS_KEY, os.environ))
    return accounts_context(settings, room.database, room.audit, room.authority, links, room.now)


def _powers(settings: Settings, room: SigningRoom) -> Powers:
    return Powers(
        PowerArchive(room.database, room.blobs, _intake(settings, room), room.audit), room.policy, room.now
    )


def _reviewing(settings: Settings, room: SigningRoom, confinement: Confinement) -> Reviewing:
    checker = ContentChecker(confinement, room.standings.book, timeout=float(settings.documents.patience))
    return Reviewing(room.database, room.blobs, room.audit, checker, room.standings, room.now)


def _addresses(settings: Settings, room: SigningRoom) -> Addresses:
    """The addresses in mails: a guest's is one by which the guest can come in."""
    links = LinkTokens(settings.home.secret(LINKS_KEY, os.environ))
    return Addresses(settings.web.public_url, links, lambda tx, guest: link_for(tx, guest, room.now()))


def _codes(settings: Settings) -> GuestCodes:
    return GuestCodes(LinkTokens(settings.home.secret(LINKS_KEY, os.environ)).derive_key("guest code"))


def _entering(settings: Settings, room: SigningRoom, accounts: AccountsContext) -> GuestEntry:
    links = LinkTokens(settings.home.secret(LINKS_KEY, os.environ))
    surroundings = GuestEntryContext(
        read_link=lambda token: links.read_token(LinkPurpose.GUEST, token),
        codes=_codes(settings),
        passkeys=accounts.passkeys,
        authority=room.authority,
        sessions=accounts.sessions,
        mail=settings.mail.configured,
    )
    return GuestEntry(room.database, surroundings, room.now)


def _writing(settings: Settings, room: SigningRoom) -> Writing:
    texts, templates = Texts(room.database, room.now), Templates(room.database, room.now)
    drafting = Drafting(room, _intake(settings, room))
    press = TextTypesetter()
    issuing = Issuing(drafting, press, (texts, templates))
    previews = TextPreviews(settings.home.cache / "previews", press, room.workshop)
    return Writing(texts, templates, issuing, previews)


def _workplace(settings: Settings, room: SigningRoom) -> OwnershipDependencies:
    return OwnershipDependencies(
        database=room.database,
        blobs=room.blobs,
        workshop=room.workshop,
        verifier=room.verifier,
        authority=room.authority,
        timestamps=room.timestamps,
        audit=room.audit,
        issuer=settings.organisation.name,
        address=settings.web.public_url,
    )
