"""What is shown of a signature for other software: its digests, and the document itself where it was handed in.

What the software says of a digest is what it says; only a document that has the digest is shown as one.
"""

from __future__ import annotations

from appliance.activation_requests import ActivationRequest
from appliance.errors import StateRefused
from appliance.pdf.byte_ranges import has_room_elsewhere
from hsm.errors import BadRequest
from hsm.intents import Intent, OfficerIntent, require_own_arguments
from hsm.remote import SIGN_REMOTELY, RemoteSigning, remote_signing_in
from webui.activation.documents import other


def signs_remotely(intent: Intent) -> bool:
    """Whether a person signs for other software by it."""
    return isinstance(intent, OfficerIntent) and intent.kind == SIGN_REMOTELY


def remote_signing(request: ActivationRequest) -> RemoteSigning:
    """What *request* asks for. Raises :class:`StateRefused` for what the authority would not take from whoever is
    asked, and for a document that comes with it and is not among what is shown."""
    intent = request.intent
    try:
        require_own_arguments(intent)
        asked = remote_signing_in(intent.details if isinstance(intent, OfficerIntent) else {})
    except BadRequest as error:
        raise other() from error
    if asked.person != request.subject or bool(request.content) != any(each.shown for each in asked.documents):
        raise other()
    if asked.documents[0].shown and not asked.documents[0].field and has_room_elsewhere(request.content):
        raise StateRefused("Put into this document, the signature would turn it into another; nothing was done.")
    return asked
