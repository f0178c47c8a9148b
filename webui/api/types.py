"""The values that the API takes and gives, apart from the model's: what integrators have built on stays as it is.

Field names are snake_case, instants RFC 3339 with their zone, digests lower-case hex, pages counted from 1,
lengths on a page in percent of it as seen. The document (:mod:`webui.api.openapi`) is made of these types; in it
their names have no ``Api``.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

State = Literal["draft", "sent", "signed", "completed", "declined", "recalled", "expired", "discarded", "voided"]
Order = Literal["sequential", "parallel"]
Tongue = Literal["zh", "en"]
PartyState = Literal["waiting", "signed", "declined"]
Method = Literal["verified", "vouched", "own-certificate"]

Moment = Annotated[datetime, Meta(tz=True, examples=["2026-12-31T18:00:00+08:00"])]
Zone = Annotated[
    str, Meta(min_length=1, max_length=64, description="An IANA time zone.", examples=["Asia/Shanghai"])
]
Title = Annotated[str, Meta(min_length=1, max_length=200, examples=["设备采购合同"])]
Kind = Annotated[
    str,
    Meta(max_length=60, description="The type of the contract, by which policy decides.", examples=["采购"]),
]
Purpose = Annotated[str, Meta(max_length=2000, description="What the contract is for, in words.")]
Number = Annotated[
    str, Meta(max_length=80, description="The organisation's number, where policy lets somebody enter one.")
]
Who = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=254,
        description="A person of the client's organisations, by `subject` or by e-mail address.",
        examples=["zhang@alpha.example"],
    ),
]
Percent = Annotated[float, Meta(ge=0, le=100)]
Page = Annotated[int, Meta(ge=1, le=100_000, description="Counted from 1.")]
Pdf = Annotated[bytes, Meta(description="The PDF in Base64 (RFC 4648, 4).")]
Cursor = Annotated[
    str, Meta(max_length=200, description="The `next` of the page before; without it the first page.")
]
Limit = Annotated[int, Meta(ge=1, le=100, description="How many at most.")]


class ApiFault(Struct, omit_defaults=True):
    """What is wrong with one value. `code`: it is missing, or does not fit, or its name is not known, or another
    row has the same reference already."""

    code: Literal["missing", "invalid", "unknown", "repeated"]
    pointer: Annotated[
        str, Meta(description="Which field of the content it is about (RFC 6901).", examples=["/rows/6/amount"])
    ]
    detail: Annotated[str, Meta(description="What is wrong, and what to do.")]
    row: Annotated[int, Meta(description="Counted from 1; in a document as at the edge of the sheet.")] = 0
    column: Annotated[str, Meta(description="In a document: its heading.")] = ""
    cell: Annotated[str, Meta(description="In a document.", examples=["C7"])] = ""


class ApiProblem(Struct, omit_defaults=True):
    """An error (RFC 9457). `code` is stable; `detail` is a sentence for people, in the language that was asked
    for."""

    type: Annotated[str, Meta(description="Where the code is explained.")]
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    code: Annotated[str, Meta(examples=["state-refused"])]
    detail: str
    instance: Annotated[str, Meta(description="The request's id, which is in the log of the appliance, too.")]
    pointer: Annotated[
        str, Meta(description="Which field of the content it is about (RFC 6901).", examples=["/parties/0/email"])
    ] = ""
    reason: Annotated[str, Meta(description="Why a document was refused, as a stable word.")] = ""
    errors: Annotated[list[ApiFault], Meta(description="What is wrong in detail, the first 1,000.")] = []
    errors_total: Annotated[int, Meta(description="How many there are.")] = 0


class ApiToken(Struct):
    """An access token (RFC 6749, 5.1)."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, Meta(ge=0, description="Seconds.")]
    scope: Annotated[str, Meta(description="The scopes that the token has, with blanks between.")]


class ApiTokenRequest(Struct):
    """What a client proves itself by: `Authorization: Basic`, or `client_id` and `client_secret`, or a signed
    `client_assertion` (RFC 7523), whose audience is the address of this operation at the portal's own port, or
    `client_id` alone over a connection with the client's certificate (RFC 8705)."""

    grant_type: Annotated[str, Meta(examples=["client_credentials"], max_length=100)]
    scope: Annotated[
        str,
        Meta(max_length=1000, description="Fewer scopes than the client has.", examples=["contracts:read"]),
    ] = ""
    client_id: Annotated[str, Meta(max_length=200)] = ""
    client_secret: Annotated[str, Meta(max_length=500)] = ""
    client_assertion_type: Annotated[
        str,
        Meta(max_length=200, examples=["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]),
    ] = ""
    client_assertion: Annotated[str, Meta(max_length=8000)] = ""


class ApiTokenError(Struct):
    """Why there is no token (RFC 6749, 5.2), with the members of a problem besides."""

    error: Literal[
        "invalid_request", "invalid_client", "invalid_scope", "unsupported_grant_type", "unauthorized_client"
    ]
    error_description: str
    code: str
    detail: str
    instance: str


class ApiSelf(Struct):
    """The client whose token this is. No `kinds` means contracts of all types."""

    id: str
    name: str
    scopes: Annotated[list[str], Meta(description="Of the token, which may have fewer than the client.")]
    organisations: list[str]
    kinds: list[str]
    token_expires: Moment
    certificate: Annotated[
        str | None,
        Meta(description="SHA-256 of the certificate with which alone the token counts (RFC 8705, 3)."),
    ] = None


class ApiManager(Struct):
    """Whom somebody works under."""

    subject: Annotated[str, Meta(examples=["person-zhao"])]
    name: str


class ApiPerson(Struct):
    """Somebody with an account, who starts contracts or signs."""

    subject: Annotated[str, Meta(examples=["person-zhang"])]
    name: str
    organisation: str
    email: str
    can_initiate: Annotated[bool, Meta(description="Whether contracts can be made in this person's name.")]
    can_sign: Annotated[bool, Meta(description="Whether the person has a key and a certificate now.")]
    department: Annotated[
        str | None,
        Meta(
            description="As the organisation's directory or an officer entered it; null for none.",
            examples=["采购部"],
        ),
    ] = None
    manager: Annotated[
        ApiManager | None,
        Meta(description="Null for none, and for one of an organisation that is not the client's."),
    ] = None


class ApiPeople(Struct):
    """Some of the people, by subject."""

    people: list[ApiPerson]
    next: Annotated[str | None, Meta(description="The `after` of the next page; null behind the last.")]


class ApiDeadline(Struct, forbid_unknown_fields=True):
    """The last moment for signing, and the zone in which it was agreed."""

    at: Moment
    zone: Zone


class ApiAmount(Struct, forbid_unknown_fields=True):
    """What a contract is worth."""

    value: Annotated[str, Meta(pattern=r"^[0-9]{1,17}(\.[0-9]{1,3})?$", examples=["1000000.00"])]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217.", examples=["CNY"])]


class ApiPlace(Struct, forbid_unknown_fields=True):
    """A box on a page: its upper left corner and its size, in percent of the page as seen."""

    page: Page
    x: Percent
    y: Percent
    width: Annotated[float, Meta(gt=0, le=100)]
    height: Annotated[float, Meta(gt=0, le=100)]


class ApiPlaces(Struct, forbid_unknown_fields=True):
    """Where a party's signature shows: the first place, and further ones that show the same. `cross_page_y`
    splits a seal over the right edges of all pages (骑缝章), its upper edge that far down."""

    places: Annotated[list[ApiPlace], Meta(max_length=200)]
    cross_page_y: Percent | None = None


class ApiParty(Struct):
    """One who signs."""

    id: str
    kind: Literal["person", "seal", "outside"]
    position: Annotated[int, Meta(description="In the order of signing, from 1.")]
    subject: Annotated[str, Meta(description="Whose key signs.")]
    requester: Annotated[str | None, Meta(description="Who asks for the use of a seal.")]
    name: str
    organisation: str
    method: Annotated[Method | None, Meta(description="How an outside signer signs.")]
    state: PartyState
    on_turn: bool
    signed_at: Moment | None
    reason: Annotated[str | None, Meta(description="Why the party declined.")]
    places: list[ApiPlace]
    cross_page_y: float | None


class ApiDocument(Struct):
    """The PDF as it is now."""

    revision: Annotated[int, Meta(description="0 is the document as it was given.")]
    digest: Annotated[str, Meta(description="SHA-256, lower-case hex.", pattern="^[0-9a-f]{64}$")]
    size: Annotated[int, Meta(description="In bytes.")]
    pages: int


class ApiInitiator(Struct):
    """The person in whose name the contract was made."""

    subject: str
    name: str
    organisation: str


class ApiVoiding(Struct):
    """An open proposal to declare a completed contract void. It is void once everybody who signed has declared
    it."""

    proposed_by: Annotated[str, Meta(description="The person's `subject`.")]
    proposed: Moment
    reason: str
    declared: Annotated[list[str], Meta(description="Who has declared it void already, by `subject`.")]


class ApiContract(Struct):
    """A contract. `version` counts every change; it is the `ETag`, too. `number` is empty while there is none."""

    id: str
    number: str
    title: str
    kind: str
    purpose: str
    state: State
    order: Order
    language: Annotated[Tongue, Meta(description="In which signatures are worded on the document.")]
    initiator: ApiInitiator
    deadline: ApiDeadline
    amount: ApiAmount | None
    created: Moment
    changed: Moment
    version: int
    document: ApiDocument
    parties: list[ApiParty]
    voiding: ApiVoiding | None


class ApiContracts(Struct):
    """Some of the contracts."""

    contracts: list[ApiContract]
    next: Annotated[
        str | None,
        Meta(
            description="The `after` of the next page; null behind the last. A page may have fewer contracts than"
            " were asked for, or none, though there is a next one."
        ),
    ]


class ApiContractFilter(Struct, forbid_unknown_fields=True):
    """Which contracts. With `changed_since` those that changed last come first, otherwise the newest."""

    state: State | UnsetType = UNSET
    kind: Annotated[str, Meta(min_length=1, max_length=60)] | UnsetType = UNSET
    changed_since: (
        Annotated[
            datetime,
            Meta(tz=True, description="Changed at this instant or later.", examples=["2026-11-25T08:00:00Z"]),
        ]
        | UnsetType
    ) = UNSET
    limit: Limit = 50
    after: Cursor = ""


class ApiPage(Struct, forbid_unknown_fields=True):
    """Which page of a list."""

    limit: Limit = 50
    after: Cursor = ""


class ApiDraft(Struct, forbid_unknown_fields=True):
    """A new contract. Type and purpose can follow later, but before it is sent; without a `deadline` it gets one
    in two weeks."""

    title: Title
    initiator: Who
    document: Pdf
    kind: Kind = ""
    purpose: Purpose = ""
    order: Order = "sequential"
    deadline: ApiDeadline | None = None
    amount: ApiAmount | None = None
    language: Tongue | None = None
    number: Number | None = None


class ApiChange(Struct, forbid_unknown_fields=True):
    """What changes of a draft; what is left out stays."""

    title: Title | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    purpose: Purpose | UnsetType = UNSET
    order: Order | UnsetType = UNSET
    deadline: ApiDeadline | UnsetType = UNSET
    amount: ApiAmount | UnsetType | None = UNSET
    language: Tongue | UnsetType = UNSET
    number: Number | UnsetType = UNSET


class ApiNewPerson(Struct, forbid_unknown_fields=True, tag_field="kind", tag="person"):
    """A person with an account. The signature gets its usual place on the last page."""

    person: Annotated[
        str,
        Meta(
            min_length=3,
            max_length=254,
            description="The person's `subject`; of the client's organisations the e-mail address, too.",
            examples=["person-zhang"],
        ),
    ]


class ApiNewSeal(Struct, forbid_unknown_fields=True, tag_field="kind", tag="seal"):
    """A company seal, and the person who asks for its use. The seal gets its usual place on the last page, if its
    rules allow that."""

    seal: Annotated[
        str,
        Meta(min_length=3, max_length=100, description="The seal's `subject`.", examples=["seal-alpha-contract"]),
    ]
    requester: Annotated[
        str, Meta(min_length=3, max_length=254, description="The person, named as the `person` of a party.")
    ]


class ApiNewOutside(Struct, forbid_unknown_fields=True, tag_field="kind", tag="outside"):
    """Somebody from outside, for this contract alone: told by e-mail, let in by a code that goes over `phone`. The
    signature has no place yet."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    email: Annotated[str, Meta(min_length=3, max_length=254, examples=["li@beta.example"])]
    organisation: Annotated[str, Meta(max_length=200, description="Empty for who signs for nobody else.")] = ""
    phone: Annotated[str, Meta(max_length=40, examples=["+86 138 0000 0000"])] = ""
    language: Tongue | None = None
    zone: Zone | None = None
    method: Method | None = None


ApiNewParty = ApiNewPerson | ApiNewSeal | ApiNewOutside


class ApiEmbedding(Struct, forbid_unknown_fields=True):
    """In whose pages the link opens in a frame."""

    origin: Annotated[
        str,
        Meta(
            min_length=8,
            max_length=300,
            description="One of the origins that administrators have given to the client.",
            examples=["https://erp.enterprise.example"],
        ),
    ]


class ApiNewLink(Struct, forbid_unknown_fields=True):
    """What the link is for: to be delivered, or to be embedded, too."""

    embed: ApiEmbedding | None = None


class ApiLink(Struct):
    """The personal link of somebody from outside. Who holds it can come in only with the code, or with the passkey
    that was set up by it."""

    url: Annotated[str, Meta(description="Give it to this person alone, and never in one message with the code.")]
    embedded_url: Annotated[
        str | None, Meta(description="The address of the frame; it takes the code once. Null unless asked for.")
    ]
    valid_until: Annotated[datetime, Meta(tz=True, description="Nobody comes in by it any more from then on.")]


class ApiSend(Struct, forbid_unknown_fields=True):
    """What the initiator knows when the contract is sent."""

    accepting_unverified: Annotated[
        bool,
        Meta(description="The document carries signatures that could not be verified here; send it all the same."),
    ] = False
    leaving_open: Annotated[
        int, Meta(ge=0, le=10_000, description="How many comments and proposed changes may be open.")
    ] = 0


class ApiReason(Struct, forbid_unknown_fields=True):
    """Why, for those who read it."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)]


Part = Annotated[str, Meta(max_length=20_000, pattern=r"\S")]


class ApiAmendment(Struct, forbid_unknown_fields=True):
    """What an agreement does to a completed contract, from a day on. Its text is a `document`, or is made of
    `content` for a supplement or a replacement, and of `settlement` and `surviving` for a termination, which have
    usual words where nothing is said."""

    kind: Literal["supplement", "replacement", "termination"]
    effective: date
    title: Title | UnsetType = UNSET
    document: Pdf = b""
    content: Annotated[str, Meta(max_length=20_000)] = ""
    settlement: Part | UnsetType = UNSET
    surviving: Part | UnsetType = UNSET


class ApiExtension(Struct, forbid_unknown_fields=True):
    """A later deadline."""

    deadline: ApiDeadline
