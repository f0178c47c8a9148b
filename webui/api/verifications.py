"""Verdicts about files that a program sends; nothing of them is kept."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from appliance.model.api_clients import Scope
from webui.api.operations import OCTETS, PDF, Answer, Call, Declared, operation
from webui.api.types import Moment
from webui.shared.room import verification_room
from webui.shared.served import appliance

Indication = Literal["TOTAL-PASSED", "TOTAL-FAILED", "INDETERMINATE"]
Kind = Literal["pdf", "timestamp", "evidence"]

SubIndication = Annotated[
    str,
    Meta(description="Why not passed, in the words of ETSI EN 319 102-1; null when passed.", examples=["REVOKED"]),
]
Reason = Annotated[str, Meta(description="A sentence in English.")]

PROBLEMS: Final = ("confinement-failed", "authority-unreachable")


class ApiVerificationRequest(Struct, forbid_unknown_fields=True):
    """A file: a PDF, a timestamp (RFC 3161 token or reply, DER), or an evidence package."""

    file: Annotated[bytes, Meta(description="The file in Base64 (RFC 4648, 4).")]
    name: Annotated[str, Meta(max_length=200, description="What the verdict calls the file.")] = ""
    data: Annotated[bytes, Meta(description="For a timestamp: what it was taken of, in Base64.")] | None = None


class ApiVerifiedStamp(Struct):
    """One of several timestamps over a signature."""

    authority: Annotated[str | None, Meta(description="As its certificate says.")]
    time: Moment | None
    indication: Indication
    subindication: SubIndication | None


class ApiVerifiedSignature(Struct):
    """One signature, document timestamp or timestamp token. `signing_time` is the best time known."""

    field: Annotated[str | None, Meta(description="The PDF's signature field.")]
    indication: Indication
    subindication: SubIndication | None
    signer: str | None
    signing_time: datetime | None
    timestamp: datetime | None
    level: Annotated[str | None, Meta(description="Of PAdES baseline signatures.", examples=["B-LTA"])]
    coverage: Annotated[str | None, Meta(examples=["whole-file"])]
    changes: Annotated[str | None, Meta(description="What came after.", examples=["none"])]
    timestamps: list[ApiVerifiedStamp] | UnsetType = UNSET
    document_timestamp: bool | UnsetType = UNSET


class ApiVerification(Struct):
    """The verdict about a file, as `vermilion verify --json` gives it."""

    file: str
    kind: Kind
    indication: Indication
    subindication: SubIndication | None
    reasons: Annotated[list[Reason], Meta(description="At least one when not passed.")]
    remarks: Annotated[list[Reason], Meta(description="They do not change the verdict.")]
    signatures: list[ApiVerifiedSignature]


@operation(
    "POST",
    "/verifications",
    Scope.VERIFICATIONS_WRITE,
    {200: ApiVerification},
    Declared(body=ApiVerificationRequest, problems=PROBLEMS, files=(PDF, OCTETS)),
)
def verify(call: Call) -> Answer:
    """Verify a PDF, a timestamp or an evidence package.

    The file is the content as it is, or stands in JSON with its name, or with what a timestamp was taken of.

    Judged as the appliance's page for everybody judges it, for now and by its own trust anchors. The file is read
    in a confined process for some seconds at most; one that takes longer, or cannot be read, is `INDETERMINATE`,
    with the reason. Nothing is kept.
    """
    given = (
        ApiVerificationRequest(call.sent) if isinstance(call.sent, bytes) else call.body(ApiVerificationRequest)
    )
    with verification_room(appliance.settings.web.threads).of(b""):
        found = appliance.verifier.verify(given.file, file=given.name, data=given.data)
    return Answer(json.dumps(found.to_json(), ensure_ascii=False).encode())
