"""One connection with an LDAP server (RFC 4511): secure before anything is asked, without referrals, in pages.

The library is Debian's python-ldap, which has no wheels: loaded from outside the virtual environment (decision
81).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from appliance.directory_service import reaching
from appliance.directory_service.messages import MOST_USERS, DirectoryFault, RequestFailed
from appliance.directory_service.request import Request

PAGE = 500
"""Entries of one page. Servers end a search at 500 or 1,000 entries as they come; a page is no more than that."""
_LONGEST_CONNECT = 15.0


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry: the names of its attributes in small letters, without options."""

    name: str
    values: Mapping[str, list[bytes]]


class Directory:
    """A connection on which the reading account is bound. ``references`` are the search continuations (RFC 4511,
    4.5.3) that were met so far: addresses of other servers, where nothing was asked."""

    def __init__(self, ldap: Any, connection: Any, request: Request) -> None:
        self.ldap = ldap
        self.references: list[str] = []
        self._connection = connection
        self._request = request

    @classmethod
    def secured(cls, server: reaching.Server, request: Request, trust: str | None) -> Directory:
        """A connection with *server*, secure, nobody bound yet. Raises RequestFailed."""
        ldap = load_ldap()
        try:
            connection = ldap.initialize(server.url)
            _set_options(ldap, connection, trust, min(_LONGEST_CONNECT, request.seconds))
            if not server.from_start:
                connection.start_tls_s()
        except ldap.LDAPError as error:
            raise _failure(ldap, error, "before anything was asked") from error
        return cls(ldap, connection, request)

    def bind(self) -> None:
        """As the reading account. Raises RequestFailed."""
        password = self._request.secret(
            "ldap.password"
        )  # never empty: that would be a bind of nobody (RFC 4513, 5.1.2)
        try:
            number = self._connection.simple_bind(self._request.settings.ldap.bind_dn, password)
            self._connection.result3(number, timeout=self._request.seconds)
        except self.ldap.LDAPError as error:
            raise _failure(self.ldap, error, f"as {self._request.settings.ldap.bind_dn}") from error

    def below(self, base: str, wanted: str, attributes: tuple[str, ...]) -> Iterator[Entry]:
        """Every entry below *base* that the filter *wanted* finds, in pages (RFC 2696). Raises RequestFailed for
        whatever else than success ends a page."""
        count, cookie = 0, b""
        while True:
            entries, cookie = self._page(base, wanted, attributes, cookie)
            count += len(entries)
            if count > MOST_USERS:
                raise RequestFailed(
                    DirectoryFault.INCOMPLETE, f"there are more than {MOST_USERS} entries below {base}"
                )
            yield from entries
            if not cookie:
                return

    def _page(
        self, base: str, wanted: str, attributes: tuple[str, ...], cookie: bytes
    ) -> tuple[list[Entry], bytes]:
        ldap = self.ldap
        control = ldap.controls.libldap.SimplePagedResultsControl(True, PAGE, cookie)
        try:
            number = self._connection.search_ext(
                base, ldap.SCOPE_SUBTREE, wanted, list(attributes), serverctrls=[control]
            )
            _, found, _, controls = self._connection.result3(number, timeout=self._request.seconds)
        except ldap.LDAPError as error:
            raise _failure(ldap, error, f"below {base}") from error
        self.references += [str(url) for name, urls in found if name is None for url in urls]
        entries = [_entry(name, values) for name, values in found if name is not None]
        [answered] = [each for each in controls if each.controlType == control.controlType] or [None]
        if answered is None:
            raise RequestFailed(DirectoryFault.INCOMPLETE, "the server does not answer in pages")
        return entries, answered.cookie or b""

    def close(self) -> None:
        """Says good-bye, whatever has become of the connection."""
        try:
            self._connection.unbind_ext()
        except self.ldap.LDAPError:
            return  # it is over in any case


def _entry(name: str, values: Mapping[str, list[bytes]]) -> Entry:
    found: dict[str, list[bytes]] = {}
    for described, each in values.items():
        attribute, _, options = described.lower().partition(";")
        if options.startswith("range="):  # MS-ADTS, 3.1.1.3.1.3.3: the server keeps the rest of the values back
            raise RequestFailed(
                DirectoryFault.INCOMPLETE, f"{name} has more values of {attribute} than are given out"
            )
        if not options:
            found[attribute] = each
    return Entry(name, found)


def _set_options(ldap: Any, connection: Any, trust: str | None, seconds: float) -> None:
    connection.set_option(ldap.OPT_PROTOCOL_VERSION, ldap.VERSION3)
    connection.set_option(ldap.OPT_REFERRALS, 0)
    connection.set_option(ldap.OPT_NETWORK_TIMEOUT, seconds)
    connection.set_option(ldap.OPT_TIMEOUT, seconds)
    file, folder = reaching.certificates_file(trust)
    if file:
        connection.set_option(ldap.OPT_X_TLS_CACERTFILE, file)
    elif folder:
        connection.set_option(ldap.OPT_X_TLS_CACERTDIR, folder)
    connection.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
    connection.set_option(ldap.OPT_X_TLS_PROTOCOL_MIN, ldap.OPT_X_TLS_PROTOCOL_TLS1_2)
    connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)  # the last: it takes what was set before


_REFUSED = (
    *(
        "INVALID_CREDENTIALS",
        "INAPPROPRIATE_AUTH",
        "STRONG_AUTH_REQUIRED",
        "INSUFFICIENT_ACCESS",
        "INVALID_DN_SYNTAX",
    ),
    *("CONFIDENTIALITY_REQUIRED", "AUTH_METHOD_NOT_SUPPORTED", "UNWILLING_TO_PERFORM"),
)


def _failure(ldap: Any, error: Any, where: str) -> RequestFailed:
    """What *error* means for a reading."""
    said = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    why = f"{said.get('desc', type(error).__name__)} ({where})"
    if info := str(said.get("info", "")).replace("\0", "").strip():
        why = f"{why}: {info}"
    if isinstance(error, ldap.SERVER_DOWN | ldap.CONNECT_ERROR):
        shielding = any(word in why for word in ("certificate", "TLS", "SSL"))
        return RequestFailed(DirectoryFault.TLS if shielding else DirectoryFault.UNREACHABLE, why)
    if isinstance(error, ldap.TIMEOUT):
        return RequestFailed(DirectoryFault.LATE, why)
    if isinstance(error, tuple(getattr(ldap, name) for name in _REFUSED)):
        return RequestFailed(DirectoryFault.REFUSED, why)
    return RequestFailed(DirectoryFault.INCOMPLETE, why)


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
