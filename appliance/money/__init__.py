"""Amounts of money as people write them: in figures, and in the capital characters of Chinese contracts (大写)."""

from appliance.money.capitals import in_capitals
from appliance.money.reading import NotAnAmount, amount_of, read_money

__all__ = ["NotAnAmount", "amount_of", "in_capitals", "read_money"]
