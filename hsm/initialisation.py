"""Initialising a token: the one PKCS#11 call that python-pkcs11 lacks, made in a child process of its own.

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

from hsm.errors import ModuleUnavailable

_PRESENT_OR_NOT = 0
_RW_SERIAL = 0x6
_SECURITY_OFFICER = 0
_INITIALIZED = 0x400
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


class _TokenInfo(ctypes.Structure):
    """CK_TOKEN_INFO as far as its flags, padded to the whole."""

    _fields_ = (
        ("label", ctypes.c_char * _LABEL_LENGTH),
        ("manufacturer", ctypes.c_char * 32),
        ("model", ctypes.c_char * 16),
        ("serial", ctypes.c_char * 16),
        ("flags", ctypes.c_ulong),
        ("rest", ctypes.c_ulong * 16),
    )


def _initialise_here(order: dict[str, str]) -> None:
    library = ctypes.CDLL(order["module"])
    _call(library, "C_Initialize", None)
    slot = ctypes.c_ulong(_free_slot(library, order["label"]))
    so_pin, user_pin = order["so_pin"].encode(), order["user_pin"].encode()
    label = order["label"].encode().ljust(_LABEL_LENGTH)
    _call(library, "C_InitToken", slot, so_pin, ctypes.c_ulong(len(so_pin)), label)
    session = ctypes.c_ulong()
    _call(library, "C_OpenSession", slot, ctypes.c_ulong(_RW_SERIAL), None, None, ctypes.byref(session))
    _call(library, "C_Login", session, ctypes.c_ulong(_SECURITY_OFFICER), so_pin, ctypes.c_ulong(len(so_pin)))
    _call(library, "C_InitPIN", session, user_pin, ctypes.c_ulong(len(user_pin)))
    _call(library, "C_Finalize", None)


def _free_slot(library: ctypes.CDLL, label: str) -> int:
    """The first slot whose token is not initialised. Exits when *label* exists: nothing is ever overwritten."""
    count = ctypes.c_ulong()
    _call(library, "C_GetSlotList", _PRESENT_OR_NOT, None, ctypes.byref(count))
    slots = (ctypes.c_ulong * count.value)()
    _call(library, "C_GetSlotList", _PRESENT_OR_NOT, slots, ctypes.byref(count))
    free: list[int] = []
    for slot in slots:
        info = _TokenInfo()
        _call(library, "C_GetTokenInfo", ctypes.c_ulong(slot), ctypes.byref(info))
        if not info.flags & _INITIALIZED:
            free.append(slot)
        elif info.label.decode(errors="replace").rstrip() == label:
            sys.exit(f"a token with the label {label} exists already")
    if not free:
        sys.exit("the module has no free slot")
    return free[0]


def _call(library: ctypes.CDLL, function: str, *arguments: Any) -> None:
    code = getattr(library, function)(*arguments)
    if code != 0:
        sys.exit(f"{function} gave CKR 0x{code:x}")


if __name__ == "__main__":
    _initialise_here(json.loads(sys.stdin.buffer.read()))
