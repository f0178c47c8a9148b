"""Outside signers: invited to one party of one contract by a link and a code that goes another way."""

from appliance.guests.correcting import GuestCorrection
from appliance.guests.embedding import FrameContext, FrameEntry, GivenLinks
from appliance.guests.entering import GuestEntry
from appliance.guests.inviting import Guests, invite, is_guest, link_for
from appliance.guests.texting import CodeDelivery, CodeText
from appliance.guests.vouching import Vouchings

__all__ = [
    "CodeDelivery",
    "CodeText",
    "FrameContext",
    "FrameEntry",
    "GivenLinks",
    "GuestCorrection",
    "GuestEntry",
    "Guests",
    "Vouchings",
    "invite",
    "is_guest",
    "link_for",
]
