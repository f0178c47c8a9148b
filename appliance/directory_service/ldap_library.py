"""Debian's python-ldap, which has no wheels: loaded from outside the virtual environment (decision 81)."""

from __future__ import annotations

import os
import sys
from typing import Any

from appliance.directory_service.messages import DirectoryFault, RequestFailed

_DEBIAN = "/usr/lib/python3/dist-packages"


def load_ldap() -> Any:
    """The module ``ldap``, with ``ldap.controls`` and ``ldap.dn``. Raises RequestFailed where there is none."""
    # What ldap.conf, .ldaprc and LDAP... variables say (authorities, servers) is not ours (ldap.conf(5)).
    os.environ["LDAPNOINIT"] = "1"
    sys.path.append(_DEBIAN)  # behind everything: nothing of ours comes from there
    try:
        import ldap.controls.libldap  # noqa: PLC0415
        import ldap.dn  # noqa: PLC0415
    except ImportError as error:
        raise RequestFailed(
            DirectoryFault.PROGRAM, f"Debian's package python3-ldap is not installed or does not fit ({error})"
        ) from error
    finally:
        sys.path.remove(_DEBIAN)
    return ldap
