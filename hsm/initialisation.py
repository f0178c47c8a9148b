"""Initialising a token, with the one PKCS#11 call that python-pkcs11 lacks, in a child process of its own.

The PINs go through the child's standard input: never in arguments, the environment or a log. Run as
``python -m hsm.initialisation`` with canonical JSON on standard input.
"""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import pkcs11
from pkcs11 import TokenFlag

from hsm.errors import ModuleUnavailable

_LABEL_LENGTH = 32


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token to be made: its label, the security officer's PIN and the user's."""

    label: str
    so_pin: str = field(repr=False)
    user_pin: str = field(repr=False)


def initialise(module: str, token: NewToken, environment: dict[str, str]) -> None:
    """Initialises the first free slot of *module* as *token*. Raises :class:`ModuleUnavailable` with the reason.

    *environment* is the child's, with the module's own configuration (``SOFTHSM2_CONF``) and no secret in it.
    """
    order = {"module": module, "label": token.label, "so_pin": token.so_pin, "user_pin": token.user_pin}
    done = subprocess.run(
        [sys.executable, "-m", "hsm.initialisation"],
        input=json.dumps(order).encode(),
        capture_output=True,
        env=environment,
        timeout=60,
        check=False,
    )
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise ModuleUnavailable(
            "The token {label} could not be initialised: {reason}.",
            label=token.label,
            reason=reason[-1] if reason else f"the child ended with {done.returncode}",
        )


def _initialise_here(order: dict[str, str]) -> None:
    library, label, so_pin = pkcs11.lib(order["module"]), order["label"], order["so_pin"]
    if len(label.encode()) > _LABEL_LENGTH or label != label.strip():  # it would not be found again by it
        sys.exit("a token's label has at most 32 bytes and no blank at either end")
    try:
        slot = ctypes.c_ulong(_free_slot(library, label))
        own, padded = so_pin.encode(), label.encode().ljust(_LABEL_LENGTH)
        code = ctypes.CDLL(order["module"]).C_InitToken(slot, own, ctypes.c_ulong(len(own)), padded)
        if code != 0:
            sys.exit(f"C_InitToken gave CKR 0x{code:x}")
        with library.get_token(token_label=label).open(rw=True, so_pin=so_pin) as session:
            session.init_pin(order["user_pin"])
    except pkcs11.PKCS11Error as error:
        sys.exit(f"the module gave {type(error).__name__}")


def _free_slot(library: Any, label: str) -> int:
    """The first slot whose token is not initialised. Exits when *label* exists: nothing is ever overwritten."""
    tokens = [slot.get_token() for slot in library.get_slots(token_present=True)]
    free = [token.slot.slot_id for token in tokens if TokenFlag.TOKEN_INITIALIZED not in token.flags]
    if any(token.label == label for token in tokens if TokenFlag.TOKEN_INITIALIZED in token.flags):
        sys.exit(f"a token with the label {label} exists already")
    if not free:
        sys.exit("the module has no free slot")
    return int(free[0])


if __name__ == "__main__":
    _initialise_here(json.loads(sys.stdin.buffer.read()))
