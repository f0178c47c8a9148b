"""Lists of contracts: what a person has to do, page by page, and whether the lists are true."""

from appliance.listing.listing import Listing
from appliance.listing.truth import Truth

__all__ = ["Listing", "Truth"]
