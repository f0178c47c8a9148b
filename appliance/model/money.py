"""Money: a whole number of the smallest unit of a currency. Amounts of two currencies never compare. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

EXPONENTS: Final[Mapping[str, int]] = {
    "CNY": 2, "USD": 2, "EUR": 2, "GBP": 2, "HKD": 2, "JPY": 0, "MOP": 2, "TWD": 2, "KRW": 0, "SGD": 2, "MYR": 2,
    "THB": 2, "VND": 0, "IDR": 2, "PHP": 2, "INR": 2, "AUD": 2, "NZD": 2, "CAD": 2, "CHF": 2, "SEK": 2, "NOK": 2,
    "DKK": 2, "PLN": 2, "CZK": 2, "HUF": 2, "RUB": 2, "TRY": 2, "ZAR": 2, "BRL": 2, "MXN": 2, "AED": 2, "SAR": 2,
    "ILS": 2, "KWD": 3, "BHD": 3, "CLP": 0,
}  # fmt: skip
"""Currencies that a contract can name, with the decimals of their smallest unit (ISO 4217, list one)."""

LARGEST: Final = 10**17
"""In smallest units; less than the database's integers hold."""


@dataclass(frozen=True, slots=True)
class Money:
    """``minor`` is in the smallest unit, from 0 (100 yuan: 10000); ``currency`` a code of :data:`EXPONENTS`."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        """Raises ValueError for a currency that is not known, and for an amount out of range."""
        if self.currency not in EXPONENTS or not 0 <= self.minor < LARGEST:
            raise ValueError(f"no amount of money: {self.minor} {self.currency}")

    @property
    def units(self) -> Decimal:
        """The amount in whole units with the currency's decimals: ``Decimal("100.00")``."""
        return Decimal(self.minor).scaleb(-EXPONENTS[self.currency])

    def __str__(self) -> str:
        """``CNY 1,000,000.00``."""
        return f"{self.currency} {self.units:,}"
