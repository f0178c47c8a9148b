"""Lists of contracts: what a person has to do, page by page, and whether the lists are true."""

from appliance.listing.lists import ContractLists, ListCheck

__all__ = ["ContractLists", "ListCheck"]
