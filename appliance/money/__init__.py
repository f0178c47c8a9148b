"""Amounts of money as people write them: in figures, and in the capital characters of Chinese contracts (大写)."""

from appliance.money.amounts import NotAnAmount, amount_of, in_capitals, read_money

__all__ = ["NotAnAmount", "amount_of", "in_capitals", "read_money"]
