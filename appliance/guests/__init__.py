"""Outside signers: invited to one party of one contract by a link and a code that goes another way."""

from appliance.guests.correcting import Correcting
from appliance.guests.entering import Entering
from appliance.guests.guests import Guests
from appliance.guests.inviting import invite, is_guest, link_for

__all__ = ["Correcting", "Entering", "Guests", "invite", "is_guest", "link_for"]
