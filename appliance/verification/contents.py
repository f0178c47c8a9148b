"""The bytes in a signature's /Contents: one element, and zeros in the room that it did not need."""

from __future__ import annotations

from appliance.verification import ber
from appliance.verification.messages import SignedMessage, UnreadableMessage, read_message
from appliance.verification.model import Reason


def message_in(contents: bytes) -> SignedMessage:
    """The signed message. Raises Unreadable, also when the unused room is not zero: nothing signs those bytes."""
    try:
        length = ber.length_of(contents)
    except ber.NotBer as error:
        raise UnreadableMessage(Reason("The signature's structure is damaged (CMS).")) from error
    if any(contents[length:]):
        raise UnreadableMessage(
            Reason("The room after the signature is not empty: something was hidden or changed there.")
        )
    return read_message(contents[:length])
