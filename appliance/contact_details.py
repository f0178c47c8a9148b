"""What people type of a person or an organisation: name, e-mail address, telephone number.

One rule for every form, asked where it is typed: what passes here can be certified (:mod:`hsm.names`), and written
to as it stands. Each function gives the value as it is kept, and raises :class:`PreconditionRefused` with one
sentence that names the limit.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from appliance.errors import PreconditionRefused
from hsm.names import LONGEST_ORGANISATION, LONGEST_PERSON, is_visible

LONGEST_EMAIL: Final = 254
"""Characters of an e-mail address: RFC 5321, 4.5.3.1.3 allows a path of 256 with its angle brackets."""

LONGEST_LOCAL: Final = 64
"""Characters before the @ (RFC 5321, 4.5.3.1.1)."""

FEWEST_DIGITS: Final = 5
MOST_DIGITS: Final = 15
"""Digits of a telephone number with its country code (ITU-T E.164, 6.1)."""

_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"({_LOCAL})@{_LABEL}(?:\.{_LABEL})+")
"""Dot-string and Domain of RFC 5321, 4.1.2: what every mail server takes without an extension."""

_TELEPHONE = re.compile(r"\+?[0-9 ().\-/]+")

_MAINLAND = "86"
_MAINLAND_MOBILE = re.compile(r"1[3-9][0-9]{9}")
"""A mobile number of mainland China, without the country's code."""

_INTERNATIONAL = re.compile(r"[1-9][0-9]{6,14}")
"""A number with its country's code, without the + (ITU-T E.164, 6.1)."""


def person_name(typed: str) -> str:
    missing = "Give the name, in 1 to {most} characters."
    long = "A person's name has at most {most} characters; this one has {count}."
    return _name(typed, LONGEST_PERSON, missing, long)


def organisation_name(typed: str) -> str:
    missing = "Give the organisation, in 1 to {most} characters."
    long = "The name of an organisation has at most {most} characters; this one has {count}."
    return _name(typed, LONGEST_ORGANISATION, missing, long)


def email_address(typed: str) -> str:
    address = typed.strip()
    found = _EMAIL.fullmatch(address)
    if len(address) > LONGEST_EMAIL or (found and len(found[1]) > LONGEST_LOCAL):
        raise PreconditionRefused(
            "An e-mail address has at most {local} characters before the @, and {most} in all.",
            local=LONGEST_LOCAL,
            most=LONGEST_EMAIL,
        )
    if not found:
        raise PreconditionRefused("This is no e-mail address; give one such as name@company.example.")
    return address


def telephone_number(typed: str) -> str:
    """A telephone number, as it is dialled or with the country's code."""
    number = " ".join(unicodedata.normalize("NFKC", typed).split())
    digits = sum(each.isdigit() for each in number)
    if not _TELEPHONE.fullmatch(number) or not FEWEST_DIGITS <= digits <= MOST_DIGITS:
        raise PreconditionRefused(
            "Give a telephone number such as +86 138 0000 0000, with {fewest} to {most} digits.",
            fewest=FEWEST_DIGITS,
            most=MOST_DIGITS,
        )
    return number


def mobile_number(telephone: str) -> str | None:
    """The number of E.164 (``+8613800000000``) to which a text message to *telephone* goes, a number as
    :func:`telephone_number` gives it; None where there is none.

    Without a country's code only mobile numbers of mainland China are understood. Its landlines are known and left
    out; of other countries' numbers the digits do not tell whether they take text messages.
    """
    digits = "".join(each for each in telephone if each.isdigit())
    if not telephone.startswith("+"):
        if digits.startswith("00"):
            digits = digits.removeprefix("00")
        elif _MAINLAND_MOBILE.fullmatch(digits):
            digits = _MAINLAND + digits
        elif not _is_mainland_mobile(digits):
            return None
    if not _INTERNATIONAL.fullmatch(digits) or (digits.startswith(_MAINLAND) and not _is_mainland_mobile(digits)):
        return None
    return f"+{digits}"


def _is_mainland_mobile(digits: str) -> bool:
    return digits.startswith(_MAINLAND) and bool(_MAINLAND_MOBILE.fullmatch(digits.removeprefix(_MAINLAND)))


def masked_number(mobile: str) -> str:
    """A mobile number (E.164) that its owner knows again, and that tells others less: ``+86 138 **** 0000``."""
    if mobile.startswith(f"+{_MAINLAND}"):
        return f"+{_MAINLAND} {mobile[3:6]} **** {mobile[-4:]}"
    return f"{mobile[:3]} **** {mobile[-2:]}"


def _name(typed: str, most: int, missing: str, long: str) -> str:
    """The name composed (NFC), with every run of blanks of any width as one; refused by *missing* or *long*."""
    spaced = "".join(" " if unicodedata.category(each) == "Zs" else each for each in typed.strip())
    name = unicodedata.normalize("NFC", re.sub(" +", " ", spaced))
    if not name:
        raise PreconditionRefused(missing, most=most)
    if len(name) > most:
        raise PreconditionRefused(long, most=most, count=len(name))
    if not is_visible(name):
        raise PreconditionRefused("There are characters in it that cannot be seen; type it by hand.")
    return name
