"""Lists of contracts: what a person has to do, page by page, and whether the lists are true."""

from appliance.listing.listing import ContractLists
from appliance.listing.truth import ListCheck

__all__ = ["ContractLists", "ListCheck"]
