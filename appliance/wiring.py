"""The one place that puts the parts together; everything else receives its collaborators."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from functools import partial

from appliance.accounts.context import AccountsContext
from appliance.accounts.service import AccountsService
from appliance.accounts.tickets import LinkTokens
from appliance.activation_requests import ActivationRequests
from appliance.api_clients import ApiClients, current_reach
from appliance.appearances import SealPictures, SignatureAppearances
from appliance.archive_renewal import ArchiveRenewal, CeremonyRecords
from appliance.capture_service.client import CaptureService
from appliance.captures import CaptureRecording
from appliance.captures.finishing import CaptureFinishing
from appliance.captures.handing_over import CaptureHandingOver
from appliance.captures.live_views import LiveLogIns, LiveViews
from appliance.captures.packages import CapturePackages, PackageRenewal
from appliance.captures.planning import CaptureSchedules
from appliance.captures.queue import CaptureQueue
from appliance.captures.register import CaptureRegister
from appliance.captures.retention import CaptureRetention
from appliance.captures.sharing import CaptureSharing
from appliance.clock import utc_now
from appliance.config import Settings
from appliance.confinement.pool import Confinement
from appliance.contracts.access import Contracts, require_reader
from appliance.contracts.agreement import Agreements
from appliance.contracts.agreement_text import load_text
from appliance.contracts.annexes import Annexes
from appliance.contracts.authorisation_basis import BasisFinder, IdentityVerified, PowerCoversSignature
from appliance.contracts.batches import Batches
from appliance.contracts.crash_safety import FailpointHook, ProcessLeases, ignore_failpoint
from appliance.contracts.dependencies import ContractRecords, SigningBackend, SigningRules
from appliance.contracts.drafting import Drafting
from appliance.contracts.endings import Endings, Voiding
from appliance.contracts.finalisation import Finalisation
from appliance.contracts.handing_over import HandingOver
from appliance.contracts.merging import Composing
from appliance.contracts.preconditions import (
    ContentCheckPassed,
    EveryPageRead,
    SealConditions,
    SealPlaced,
    standard_preconditions,
)
from appliance.contracts.recovery import Recovery, StuckContracts
from appliance.contracts.sending import Sending
from appliance.contracts.signer_inputs import SignerInputs
from appliance.contracts.signing import SigningCycle, SigningService
from appliance.copies import Copying
from appliance.directories import (
    DirectoryAccounts,
    DirectoryOperation,
    DirectoryRounds,
    Leaving,
    NotedProvider,
    SingleSignOn,
)
from appliance.directories.provisioning import Provisioning
from appliance.directory_service.client import DirectoryService
from appliance.document_codes import DocumentCodes
from appliance.documents.blobs import BlobStore
from appliance.documents.intake import DocumentLayouts, Intake
from appliance.documents.page_pictures import PagePictures, PictureCache
from appliance.earlier_signatures import EarlierSignatures, require_unbroken
from appliance.events import EventFeed, WebhookDelivery, Webhooks, WebhookSecrets, WebhookTargets
from appliance.evidence.verification import verify_package
from appliance.evidence.witnessing import WitnessDemand
from appliance.guests import (
    FrameContext,
    GivenLinks,
    GuestCorrection,
    GuestEntry,
    Guests,
    Vouchings,
    invite,
    link_for,
)
from appliance.guests.entering import GuestEntryContext
from appliance.guests.inviting import GuestCodes
from appliance.identity import IdentityChecks
from appliance.language import Language
from appliance.ledger import LogProofs, Sequencer
from appliance.ledger.check import require_remembered
from appliance.ledger.disclosure import Disclosing
from appliance.ledger.timestamp_feeder import TimestampFeeder
from appliance.listing import ContractLists
from appliance.listing.client_contracts import ClientContracts
from appliance.listing.contract_ledger import ContractLedger
from appliance.listing.exports import LedgerExports
from appliance.maintenance import Maintenance
from appliance.model.accounts import LinkPurpose
from appliance.model.api_clients import Scope
from appliance.notices.delivery import MailChannel, TextChannel, notice_queue
from appliance.notices.messages import PortalAddresses
from appliance.office import Appointing, Office
from appliance.own_certificates import OwnCertificates
from appliance.ownership import CertificateIssuer, DepositBatches, Ownership
from appliance.page_reading import Reading
from appliance.partners import PartnerRegister, Representatives
from appliance.pdf.workshop import PdfWorkshop
from appliance.policy import load_policy
from appliance.powers.register import Powers
from appliance.reminders.services import MailOrigin, open_reminders
from appliance.remote_signing.pdf_signatures import PdfSignatures
from appliance.remote_signing.requests import RemoteRequests
from appliance.retention import RetentionService
from appliance.review.review_status import open_review_statuses
from appliance.review.reviewing import ContentChecker, Reviewing
from appliance.seal_requests.register import SealUses
from appliance.seal_requests.requests import SealRequests
from appliance.store.database import Database
from appliance.submissions import KeyedRequests, Submissions
from appliance.timestamping import TimestampFeed, TimestampIssuer
from appliance.trust import CurrentCrls, outside_authority, trust_anchors
from appliance.verification import Verifier
from appliance.witnesses import policy_of
from appliance.witnesses.quorum import witnessed_size
from appliance.witnesses.submitting import Submitting
from appliance.writing import (
    Discussions,
    Issuing,
    MailMerges,
    MergeRounds,
    Proposals,
    Templates,
    TextPreviews,
    Texts,
    Writing,
    open_converter,
)
from appliance.writing.amendment_drafts import Amending
from hsm.client import AuthorityClient
from hsm.note import read_vkey

LINKS_KEY = "links.key"
"""The secret that links to people are made with; the portal and the scheduler read it."""


class Appliance:
    """The running appliance as one process sees it; every part is thread-safe, and none is exchanged later.

    It is made of what commands on contracts work with (*records*, *rules*, *backend*), the secret of links to
    people, and the confined processes.
    """

    def __init__(
        self,
        settings: Settings,
        records: ContractRecords,
        rules: SigningRules,
        backend: SigningBackend,
        links: LinkTokens,
        confinement: Confinement,
    ) -> None:
        self.settings, self.policy, self.links = settings, rules.policy, links
        self.database, self.now = records.database, records.now
        self.blobs, self.confinement, self.workshop = backend.blobs, confinement, backend.workshop
        self.verifier, self.authority, self.timestamps = backend.verifier, backend.authority, backend.timestamps
        self.mail = MailChannel(records.database, settings.mail)
        self.texts = TextChannel(settings.gateway)
        self.submissions = Submissions(records.database, records.now)
        self.keyed_requests = KeyedRequests(records.database, records.now)
        self.activation_requests = ActivationRequests(settings.home.activation_requests)
        self.maintenance = Maintenance(records.database, records.now)
        unbroken = partial(require_unbroken, backend.verifier)
        self.layouts = DocumentLayouts(backend.workshop, backend.blobs)
        remember = self.layouts.remember
        self.intake = Intake(backend.workshop, backend.blobs, settings.home.blobs, unbroken, remember)
        self._add_documents(records, backend)
        self._add_captures(records, backend)
        self._add_contracts(records, rules, backend)
        self._add_ends_of_contracts(records, rules, backend)
        self._add_powers_and_reviews(rules)
        self._add_writing()
        self._add_people()
        self._add_reminders()
        self._add_events()

    def _add_documents(self, records: ContractRecords, backend: SigningBackend) -> None:
        """Documents as people see them, and the log about them."""
        database, workshop = records.database, backend.workshop
        self.earlier = EarlierSignatures(backend.verifier, backend.blobs, self.layouts)
        cache = PictureCache(self.settings.home.cache / "pages")
        self.pictures = PagePictures(cache, workshop, backend.blobs, database)
        self.appearances = SignatureAppearances(database, workshop, self.confinement, records.now)
        self.seal_pictures = SealPictures(database, workshop, self.confinement)
        self.sequencer = Sequencer(database, backend.authority)
        self.proofs = LogProofs(database, partial(witnessed_size, self.settings))
        policy, log_key = policy_of(self.settings), partial(read_vkey, self.settings.home.log_key)
        self.submitting = (
            None if policy is None else Submitting(database, policy, log_key, self.settings, records.now)
        )
        self.timestamp_feed = TimestampFeed(
            TimestampFeeder(database, self.settings.home.timestamp_spool),
            self.settings.home.clearance,
            require_log=partial(require_remembered, database, backend.authority),
            under_maintenance=self.maintenance.under_way,
        )
        self.disclosing = Disclosing(database)
        self.document_codes = DocumentCodes(database)
        organisation, address = self.settings.organisation.name, self.settings.web.public_url
        headings = self.policy.default.deposits
        names = {Language.CHINESE: headings.certificate_zh, Language.ENGLISH: headings.certificate_en}
        self.ownership = Ownership(records, backend, CertificateIssuer(organisation, address, names))
        reach_to_deposit = partial(database.query, partial(current_reach, scope=Scope.DEPOSITS_WRITE))
        cache_path = self.settings.home.cache
        self.deposit_batches = DepositBatches(database, cache_path, self.ownership, records.now, reach_to_deposit)
        self.remote_pdfs = PdfSignatures(backend, records.now)
        self.remote_requests = RemoteRequests(database, backend.authority, self.remote_pdfs, records.now)

    def _add_captures(self, records: ContractRecords, backend: SigningBackend) -> None:
        """Web pages as evidence."""
        settings, database, now = self.settings.capture, records.database, records.now
        self.capture_service = CaptureService(self.settings, self.settings.home.capture_socket)
        self.capture_recording = CaptureRecording(records, backend, self, self.confinement)
        self.captures = CaptureRegister(database, backend.blobs, settings, now)
        self.capture_sharing = CaptureSharing(database, now)
        self.capture_handing_over = CaptureHandingOver(database, now)
        self.capture_schedules = CaptureSchedules(database, settings, now)
        makers = self.capture_service, self.capture_recording
        self.live_log_ins = LiveLogIns()
        self.live_views = LiveViews(self.settings.home.live_socket)
        self.capture_queue = CaptureQueue(database, backend.blobs, backend.leases, makers, self.live_log_ins, now)
        self.capture_finishing = CaptureFinishing(database, backend.blobs, self.confinement, now)
        self.capture_packages = CapturePackages(records, backend.blobs, self.captures, self.capture_recording)
        self.capture_retention = CaptureRetention(database, settings, self.policy, now)

    def _add_contracts(self, records: ContractRecords, rules: SigningRules, backend: SigningBackend) -> None:
        """A contract from its draft to the last signature."""
        self.contracts = Contracts(records.database, backend.blobs, records.now)
        self.listing = ContractLists(records.database, records.now)
        self.client_contracts = ClientContracts(records.database, records.now, self.links.derive_key("lists"))
        self.contract_ledger = ContractLedger(records.database, records.now)
        self.ledger_exports = LedgerExports(self.contract_ledger, self.settings.home.cache / "exports")
        self.agreements = Agreements(records, rules, backend)
        composing = Composing(self.intake, backend.workshop, backend.blobs)
        self.drafting = Drafting(records, rules, backend, self.intake, composing)
        self.signer_inputs = SignerInputs(records, backend, self.layouts)
        self.copying = Copying(records)
        self.annexes = Annexes(records, self.intake, backend.blobs, composing)
        self.amending = Amending(records, rules.policy, self.intake)
        self.sending = Sending(records, rules, backend, self.earlier, public_url=self.settings.web.public_url)
        self.handing_over = HandingOver(records, rules)
        self.cycle = SigningCycle(records, rules, backend)
        self.signing = SigningService(records, rules, self.cycle)
        self.own_certificates = OwnCertificates(records, rules, backend)
        self.batches = Batches(records)
        self.reading = Reading(records.database, rules.policy, records.now)
        self.seal_requests = SealRequests(records, rules, backend, self.signing)
        self.seal_uses = SealUses(records.database)

    def _add_ends_of_contracts(
        self, records: ContractRecords, rules: SigningRules, backend: SigningBackend
    ) -> None:
        """How contracts end, are completed after an interruption, kept, and disposed of."""
        self.endings = Endings(records, rules)
        self.voiding = Voiding(records, rules, backend)
        self.finalisation = Finalisation(records, backend)
        self.recovery = Recovery(records, backend, self.cycle, self.finalisation)
        self.archive_renewal = ArchiveRenewal(records, backend, self.settings.keeping)
        due_before = self.archive_renewal.due_before
        self.package_renewal = PackageRenewal(records, backend, self.settings.keeping, due_before)
        self.ceremonies = CeremonyRecords(self.database, self.authority, self.now)
        self.stuck = StuckContracts(records, self.recovery, self.endings, self.archive_renewal.renew_contract)
        self.retention = RetentionService(self.database, self.blobs, self.pictures, self.policy, self.now)

    def _add_writing(self) -> None:
        """Contracts written online."""
        texts, templates = Texts(self.database, self.now), Templates(self.database, self.now)
        previews = TextPreviews(self.settings.home.cache / "previews", self.workshop)
        self.writing = Writing(texts, templates, Issuing(self.drafting, texts, templates), previews)
        workflows = (self.drafting, self.sending)
        self.mail_merges = MailMerges(self.database, self.settings.home.cache, templates, self.now)
        reach_to_draft = partial(self.database.query, partial(current_reach, scope=Scope.CONTRACTS_WRITE))
        self.merge_rounds = MergeRounds(self.database, templates, workflows, self.now, reach_to_draft)
        self.converter = open_converter(self.settings.home.converter)
        self.discussions = Discussions(self.database, self.now, self.reviewing.case_within)
        self.proposals = Proposals(self.database, self.now)

    def _add_people(self) -> None:
        """People with accounts, guests, and the office that decides about them."""
        database, authority, links, now = self.database, self.authority, self.links, self.now
        self.identity = IdentityChecks(database, self.policy, now)
        development = not self.settings.home.is_managed
        house = self.settings.organisation.name
        self.api_clients = ApiClients(database, now, house=house, development=development)
        self.accounts_context = context = AccountsContext(self.settings, database, authority, links, now)
        self.registry, self.sessions = context.registry, context.sessions
        self.accounts, self.appointing = AccountsService(context), Appointing(context)
        self.office = Office(context)
        documents = self.intake, self.blobs, self.confinement
        leaving = Leaving(
            context, self.handing_over, self.remote_requests.end_of_person, self.settings.directory.work_goes_to
        )
        administration = self.accounts.administration
        self.directory_accounts = DirectoryAccounts(context, administration, leaving, self.settings)
        service = DirectoryService(self.settings, self.settings.home.directory_socket)
        read = service.read_users if self.settings.ldap.configured else None
        self.directory_rounds = DirectoryRounds(database, self.directory_accounts, read, now)
        self.directory_operation = DirectoryOperation(
            self.settings, database, self.directory_accounts, self.directory_rounds, now
        )
        noted = NotedProvider(service, database, self.settings.openid.issuer, now)
        self.single_sign_on = SingleSignOn(context, self.settings, noted, self.directory_accounts.follow)
        self.partners = PartnerRegister(database, authority, documents, self.settings.organisation.name, now)
        self.provisioning = Provisioning(database, now, self.directory_accounts)
        self.representatives = Representatives(context, administration, self.partners)
        self.guest_codes = codes = GuestCodes(links.derive_key("guest code"))
        self.guests = Guests(database, codes, self.mail.works, now)
        self.vouchings = Vouchings(database, authority, self.timestamps, now)
        self.correcting = GuestCorrection(database, authority, now)
        entering = GuestEntryContext(
            read_link=lambda token: links.read_token(LinkPurpose.GUEST, token),
            codes=codes,
            passkeys=context.passkeys,
            authority=authority,
            sessions=context.sessions,
            mail=self.settings.mail.configured,
            texts=self.settings.gateway.configured,
        )
        self.entering = GuestEntry(database, entering, now)
        frames = FrameContext(
            read_link=lambda token: links.read_token(LinkPurpose.EMBEDDED, token),
            guests=self.guests,
            entering=self.entering,
            sessions=context.sessions,
        )
        self.given_links = GivenLinks(database, frames, now)

    def _add_powers_and_reviews(self, rules: SigningRules) -> None:
        """What a signature may need: a power of attorney, and a review of the text."""
        self.powers = Powers(self.database, self.blobs, self.intake, self.policy, self.now, require_reader)
        patience = float(self.settings.documents.patience)
        checker = ContentChecker(self.confinement, rules.reviews.book, timeout=patience)
        self.reviewing = Reviewing(self.database, self.blobs, checker, rules.reviews, self.now)

    def _add_reminders(self) -> None:
        """Addresses in mails, where a guest's is one by which the guest can come in, and reminders."""
        url, calendars = self.settings.web.public_url, self.settings.home.calendars
        self.addresses = PortalAddresses(url, self.links, lambda tx, guest: link_for(tx, guest, self.now()))
        origin = MailOrigin(self.settings.organisation.name, url, self.addresses, PortalAddresses("", self.links))
        self.reminders = open_reminders(self.database, self.policy, calendars, origin, self.now)

    def _add_events(self) -> None:
        """What other programs hear of contracts."""
        settings = self.settings.webhooks
        targets = WebhookTargets.of(self.settings)
        keys = WebhookSecrets(self.links.derive_key("webhooks"))
        trust = str(self.settings.beside(settings.tls)) if settings.tls else None
        self.events = EventFeed(self.database)
        reach_to_listen = partial(current_reach, scope=Scope.EVENTS_READ)
        self.webhooks = Webhooks(self.database, targets, keys, reach_to_listen, self.now)
        self.webhook_delivery = WebhookDelivery(
            self.database, targets, keys, reach_to_listen, self.now, trust=trust
        )


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
    of the signing cycle; *confinement* is one that the caller has running already, else one starts with the first
    job for it.
    Raises :class:`ApplianceError` when the state on disk is not this release's.
    """
    home = settings.home
    with ExitStack() as stack:
        authority = stack.enter_context(AuthorityClient(home.authority_socket(role)))
        confinement = confinement or stack.enter_context(closing(Confinement(home.cache)))
        database = Database(home.database)
        stack.callback(database.close)
        records = ContractRecords(database, notice_queue(invite), now)
        links, rules = LinkTokens(home.secret(LINKS_KEY, os.environ)), _rules(settings)
        backend = _backend(settings, records, authority, confinement, reach)
        yield Appliance(settings, records, rules, backend, links, confinement)


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
            SealPlaced(),
            IdentityVerified(basis_finder),
            PowerCoversSignature(basis_finder),
            ContentCheckPassed(reviews),
            EveryPageRead(policy),
        ),
        basis_finder=basis_finder,
        reviews=reviews,
        seals=seals,
        agreement=agreement,
    )


def _witness_demand(settings: Settings) -> WitnessDemand | None:
    policy = policy_of(settings)
    return None if policy is None else WitnessDemand(policy, settings.witnesses.demanded)


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
        evidence=partial(verify_package, witnesses=_witness_demand(settings)),
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
