"""What every key must be: the templates that we generate with, and the read-back that refuses anything else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pkcs11 import Attribute

from hsm.errors import KeyAttributesRefused

_GUARDED = {
    Attribute.TOKEN: True,
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.MODIFIABLE: False,
    Attribute.COPYABLE: False,
    Attribute.WRAP_WITH_TRUSTED: False,
}

SIGNING_KEY: Mapping[Attribute, bool] = {
    **_GUARDED,
    Attribute.SIGN: True,
    Attribute.SIGN_RECOVER: False,
    Attribute.DECRYPT: False,
    Attribute.UNWRAP: False,
    Attribute.DERIVE: False,
}
"""A private key that signs and does nothing else."""

WRAPPING_KEY: Mapping[Attribute, bool] = {
    **_GUARDED,
    Attribute.ENCRYPT: True,
    Attribute.DECRYPT: True,
    Attribute.SIGN: False,
    Attribute.VERIFY: False,
    Attribute.WRAP: False,
    Attribute.UNWRAP: False,
    Attribute.DERIVE: False,
}
"""The AES key that wraps data which we hold anyway; it cannot wrap keys out of the token."""

PUBLIC_KEY: Mapping[Attribute, bool] = {Attribute.TOKEN: True, Attribute.MODIFIABLE: False, Attribute.VERIFY: True}
"""The public half, kept in the token so that a restore can be checked against it."""

_PROVEN_BY_TOKEN = {
    Attribute.LOCAL: True,
    Attribute.ALWAYS_SENSITIVE: True,
    Attribute.NEVER_EXTRACTABLE: True,
}


def read_back(key: Any, demanded: Mapping[Attribute, bool], label: str) -> str:
    """The attributes of a new *key* as JSON, when they are those *demanded* and it never left the token.

    Raises :class:`KeyAttributesRefused` naming the first attribute that differs.
    """
    found: dict[str, bool] = {}
    for attribute, wanted in {**demanded, **_PROVEN_BY_TOKEN}.items():
        value = bool(key[attribute])
        if value is not wanted:
            raise KeyAttributesRefused(
                "The token made the key {label} with {attribute} = {value}; it is not used. Check the module's "
                "configuration.",
                label=label,
                attribute=attribute.name,
                value=value,
            )
        found[attribute.name.lower()] = value
    return json.dumps(found, sort_keys=True)
