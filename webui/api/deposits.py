"""Deposits: digests of files, timestamped and certified, with whose work they are. The files never come here."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal, Protocol

from msgspec import Meta, Struct

from appliance.model.api_clients import Scope
from appliance.model.deposits import (
    Creation,
    Deposit,
    DepositedFile,
    HolderKind,
    ObtainedDeclaration,
    RightsHolder,
    WorkDetails,
    WorkKind,
)
from appliance.ownership import DepositOrder, load_declaration
from appliance.ownership.manifest import LARGEST, LONGEST_NAME, MOST_FILES
from appliance.ownership.orders import LONGEST_DESCRIPTION, LONGEST_TITLE
from hsm.names import LONGEST_ORGANISATION
from hsm.timestamp import parse_token
from webui.api import timestamps
from webui.api.conversions import utc
from webui.api.initiators import declarer_of, depositor_of
from webui.api.lists import in_list, one_page
from webui.api.operations import PDF, Answer, Call, Declared, KeyRule, Leads, operation
from webui.api.request_content import ROOM_FOR_ROWS
from webui.api.types import ApiPage, Moment, Who
from webui.shared.served import appliance

ONE: Final = "/deposits/{deposit_id}"
REPLY: Final = "application/timestamp-reply"
DEPOSIT: Final = Leads(
    "deposit",
    {"deposit_id": "$response.body#/id", "digest": "$response.body#/digest"},
    {"predecessor": "$response.body#/id"},
)

WorkWord = Literal[
    "literary", "oral", "music", "art", "photograph", "audiovisual", "drawing", "software", "data", "trade-secret",
    "document", "other",
]  # fmt: skip
CreationWord = Literal["original", "commissioned", "employee", "joint", "adapted"]
HolderWord = Literal["depositor", "person", "organisation"]
# The length besides: the pattern alone takes a line end behind it.
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64, description="SHA-256, lower-case hex.")]
DepositId = Annotated[str, Meta(pattern="^[0-9a-f]{24}$", max_length=24)]


class ApiRightsHolder(Struct, forbid_unknown_fields=True):
    """Who holds the rights, as the depositor declares. The `name` of a `depositor` is the one in the register,
    whatever is sent."""

    kind: HolderWord
    name: Annotated[str, Meta(max_length=LONGEST_ORGANISATION)] = ""


class ApiDepositedFile(Struct, forbid_unknown_fields=True):
    """A file, which stays where it is. One that is deposited alone may have no name."""

    sha256: Digest
    name: Annotated[str, Meta(max_length=LONGEST_NAME, description="With its folders.")] = ""
    size: Annotated[int, Meta(ge=0, le=LARGEST, description="Bytes, where they are known.")] | None = None


class ApiNewDeclaration(Struct, forbid_unknown_fields=True):
    """That a person has made the declaration, whose text is at `/ownership/declarations/VERSION.json`. Obtain it
    first: the certificate says that the client states this of them, and they are told."""

    version: Annotated[str, Meta(min_length=1, max_length=10, examples=["1"])]
    by: Annotated[Who, Meta(description="Who declared it: the depositor or a colleague, by `subject` or e-mail.")]
    obtained: Annotated[date, Meta(description="The day on which you obtained it.")]


class ApiNewDeposit(Struct, forbid_unknown_fields=True):
    """What is deposited, in the name of the `depositor`."""

    depositor: Who
    title: Annotated[str, Meta(min_length=1, max_length=LONGEST_TITLE)]
    kind: WorkWord
    creation: CreationWord
    holder: ApiRightsHolder
    declaration: ApiNewDeclaration
    files: Annotated[list[ApiDepositedFile], Meta(min_length=1, max_length=MOST_FILES)]
    completed: Annotated[date, Meta(description="When the work was completed.")] | None = None
    description: Annotated[str, Meta(max_length=LONGEST_DESCRIPTION)] = ""
    predecessor: Annotated[DepositId, Meta(description="The deposit whose next version this is.")] | None = None


class ApiDeclaration(Struct):
    """A declaration: the version of its text, and the SHA-256 of both languages of it, which is in the log. `by`
    and `obtained` are what a client stated; null where the depositor declared it in the portal."""

    version: str
    digest: Digest
    by: Annotated[str | None, Meta(description="A `subject`.")]
    obtained: date | None


class ApiDeposit(Struct):
    """A deposit. `digest` is what was timestamped: that of the file where it is one, else that of the manifest.
    What is declared of the work is null in deposits from before it was asked for."""

    id: str
    depositor: Annotated[str, Meta(description="A `subject`.")]
    organisation: Annotated[str, Meta(description="The depositor's at that time.")]
    title: str
    kind: WorkWord | None
    creation: CreationWord | None
    holder: ApiRightsHolder | None
    completed: date | None
    description: str
    declaration: ApiDeclaration | None
    digest: Digest
    files: Annotated[int, Meta(ge=1, description="How many.")]
    size: Annotated[int, Meta(ge=0, description="Bytes of all files, where they are known.")] | None
    time: Annotated[Moment, Meta(description="Of the timestamp.")]
    serial: Annotated[str, Meta(description="The timestamp's number, lower-case hex.")]
    entry: Annotated[int, Meta(ge=0, description="Its number in the log.")]
    predecessor: Annotated[str, Meta(description="The version before, by `id`.")] | None
    successor: Annotated[str, Meta(description="The next version, by `id`.")] | None


class ApiDeposits(Struct):
    """Some of the deposits, the newest first."""

    deposits: list[ApiDeposit]
    next: Annotated[str | None, Meta(description="The `after` of the next page; null behind the last.")]


class ApiManifestFile(Struct):
    """A file of a manifest."""

    name: str
    sha256: Digest
    size: int | None


class ApiManifest(Struct):
    """A manifest. The digest is of the bytes as they are given, not of the values in another form."""

    files: list[ApiManifestFile]
    format: str


class ApiDepositSearch(Struct, forbid_unknown_fields=True):
    """Which file."""

    digest: Annotated[Digest, Meta(description="SHA-256 of a file or of a manifest, lower-case hex.")]


class ApiFoundDeposit(Struct):
    """That a file was deposited, alone or among others. `deposit` is the `id`, where it is within the client's
    reach; who deposited is not told otherwise."""

    time: Moment
    entry: Annotated[int, Meta(ge=0)]
    deposit: str | None


class ApiFoundDeposits(Struct):
    """The deposits of a file, the oldest first, 100 at most."""

    deposits: list[ApiFoundDeposit]


@operation(
    "POST",
    "/deposits",
    Scope.DEPOSITS_WRITE,
    {201: ApiDeposit},
    Declared(
        body=ApiNewDeposit,
        problems=(
            *("precondition-refused", "unknown-person", "cannot-deposit", "state-refused"),
            *timestamps.PROBLEMS,
        ),
        key=KeyRule.REQUIRED,
        room=ROOM_FOR_ROWS,
    ),
    DEPOSIT,
)
def create_deposit(call: Call) -> Answer:
    """Deposit digests of files.

    In the name of the `depositor`, who finds the deposit in the portal. Certificate and log name the client that
    handed it in, and who has declared it, as the client states; the depositor and whoever declared it are told by
    mail. What the depositor has deposited with the same data before is not deposited again: the answer is that
    deposit. One digest is timestamped itself, several as a manifest.
    """
    given, before = call.body(ApiNewDeposit), call.made_before(appliance.ownership.of_client)
    if before is not None:
        return _made(before)
    by = depositor_of(call, given.depositor)
    declared = ObtainedDeclaration(declarer_of(call, given.declaration.by), given.declaration.obtained)
    return _made(appliance.ownership.deposit(_order(given, declared), by=by, number=call.chosen))


@operation(
    "GET",
    "/deposits",
    Scope.DEPOSITS_READ,
    {200: ApiDeposits},
    Declared(query=ApiPage),
    Leads("listed_deposit", {"deposit_id": "$response.body#/deposits/0/id"}),
)
def list_deposits(call: Call) -> Answer:
    """List deposits.

    Those of people of the client's organisations, whoever handed them in.
    """
    page = call.query(ApiPage)
    with in_list():
        found = appliance.ownership.page_of_client(after=page.after, limit=page.limit + 1)
    shown, last = one_page(found, page.limit, lambda each: each.id)
    return Answer(ApiDeposits([_deposit(each) for each in shown], last))


@operation("GET", ONE, Scope.DEPOSITS_READ, {200: ApiDeposit}, Declared(problems=("not-found",)), DEPOSIT)
def get_deposit(call: Call, deposit_id: str) -> Answer:
    """Read a deposit."""
    return Answer(_deposit(appliance.ownership.of_client(deposit_id)))


@operation(
    "GET",
    f"{ONE}/certificate",
    Scope.DEPOSITS_READ,
    {200: PDF},
    Declared(problems=("not-found", "confinement-failed", "storage", *timestamps.PROBLEMS)),
)
def get_deposit_certificate(call: Call, deposit_id: str) -> Answer:
    """Read the certificate of a deposit.

    In the language of its depositor, sealed by a document timestamp. It is made when it is first read, which
    takes a second or two, and stays the same octets from then on.
    """
    return Answer(appliance.ownership.certificate(appliance.ownership.of_client(deposit_id)))


@operation("GET", f"{ONE}/timestamp", Scope.DEPOSITS_READ, {200: REPLY}, Declared(problems=("not-found",)))
def get_deposit_timestamp(call: Call, deposit_id: str) -> Answer:
    """Read the timestamp of a deposit.

    As a reply (RFC 3161, DER), which `openssl ts -verify -in` reads.
    """
    return Answer(appliance.ownership.reply(appliance.ownership.of_client(deposit_id)))


@operation(
    "GET",
    f"{ONE}/manifest",
    Scope.DEPOSITS_READ,
    {200: ApiManifest},
    Declared(problems=("not-found", "ledger-damaged")),
)
def get_deposit_manifest(call: Call, deposit_id: str) -> Answer:
    """Read the manifest of a deposit.

    The very bytes (canonical JSON) whose digest was timestamped. A deposit of one file has none (`not-found`).
    """
    return Answer(appliance.ownership.manifest(appliance.ownership.of_client(deposit_id)))


@operation(
    "GET",
    "/deposited-files",
    Scope.DEPOSITS_READ,
    {200: ApiFoundDeposits},
    Declared(query=ApiDepositSearch),
    Leads("found_deposit", {"deposit_id": "$response.body#/deposits/0/deposit"}),
)
def find_deposited_file(call: Call) -> Answer:
    """Look up whether a file was deposited.

    By anybody on this appliance, by the digest of any file of a manifest, or of the manifest. By whom is for its
    depositor to show.
    """
    organisations = call.client.client.organisations
    return Answer(
        ApiFoundDeposits(
            [
                ApiFoundDeposit(utc(each.at), each.entry, each.id if each.organisation in organisations else None)
                for each in appliance.ownership.of_digest(call.query(ApiDepositSearch).digest)
            ]
        )
    )


def _order(given: ApiNewDeposit, declared: ObtainedDeclaration) -> DepositOrder:
    files = tuple(DepositedFile(each.name, each.sha256, each.size) for each in given.files)
    return DepositOrder(given.title, files, work_of(given, given.declaration.version), given.predecessor, declared)


class DeclaredWork(Protocol):
    """What a program says of a work."""

    kind: WorkWord
    creation: CreationWord
    holder: ApiRightsHolder
    completed: date | None
    description: str


def work_of(given: DeclaredWork, version: str) -> WorkDetails:
    """What is *given* of a work, with this *version* of the declaration."""
    return WorkDetails(
        kind=WorkKind(given.kind),
        creation=Creation(given.creation),
        holder=RightsHolder(HolderKind(given.holder.kind), given.holder.name),
        declaration=version,
        completed=given.completed,
        description=given.description,
    )


def _made(deposit: Deposit) -> Answer:
    return Answer(_deposit(deposit), 201, headers={"Location": f"/api/v1/deposits/{deposit.id}"})


def _deposit(deposit: Deposit) -> ApiDeposit:
    work, successor = deposit.work, appliance.ownership.successor(deposit)
    return ApiDeposit(
        id=deposit.id,
        depositor=deposit.depositor,
        organisation=deposit.organisation,
        title=deposit.title,
        kind=None if work is None else work.kind.value,
        creation=None if work is None else work.creation.value,
        holder=None if work is None else ApiRightsHolder(work.holder.kind.value, work.holder.name),
        completed=None if work is None else work.completed,
        description="" if work is None else work.description,
        declaration=None if work is None else declaration_of(work.declaration, deposit.declared),
        digest=deposit.digest,
        files=deposit.files,
        size=deposit.size,
        time=utc(deposit.at),
        serial=f"{parse_token(deposit.token).serial:x}",
        entry=deposit.entry,
        predecessor=deposit.predecessor,
        successor=None if successor is None else successor.id,
    )


def declaration_of(version: str, declared: ObtainedDeclaration | None) -> ApiDeclaration:
    """The declaration of this *version*, and what a program said of it."""
    by, obtained = (None, None) if declared is None else (declared.declarer, declared.obtained)
    return ApiDeclaration(version, load_declaration(version).digest, by, obtained)
