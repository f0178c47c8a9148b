"""OpenLDAP's server, of Debian's package slapd, by a configuration of a test's own on the loopback interface."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection

import pytest

from tests.directories.authority import Pair
from tests.directories.people import GROUPS, PEOPLE, SUFFIX, entry
from tests.ports import free_port

_UNPACKED = Path(__file__).parents[2] / ".venv/slapd"
SLAPD = shutil.which("slapd", path=f"/usr/sbin:{_UNPACKED}/usr/sbin")
needs_slapd = pytest.mark.skipif(SLAPD is None, reason="slapd is in Debian's package slapd, and not here")
_ROOT = Path(SLAPD or "/").parents[2] if SLAPD else Path("/")
READER, PASSWORD = f"cn=reader,{SUFFIX}", "reader-of-a-test"
ADMIN = f"cn=admin,{SUFFIX}"
"""Who may change everything, with the same password."""
LIMITED = f"cn=limited,{SUFFIX}"
"""Another one who reads, to whom the server gives 500 entries in all, in pages or not."""
BLIND = f"cn=blind,{SUFFIX}"
"""Another one, who does not see entryUUID."""
PATIENCE = 30.0


@dataclass(slots=True)
class Slapd:
    """A running server: its ports for ``ldap`` (StartTLS) and for ``ldaps``; ``process`` is its own."""

    folder: Path
    ldap: int
    ldaps: int
    process: subprocess.Popen[bytes]


def base_entries() -> Iterator[str]:
    """What is above people and groups, and the accounts that read."""
    yield entry(
        SUFFIX, {"objectClass": ["dcObject", "organization"], "dc": "enterprise", "o": "Enterprise Example"}
    )
    for place in (PEOPLE, GROUPS):
        name = place.split(",")[0].partition("=")[2]
        yield entry(place, {"objectClass": "organizationalUnit", "ou": name})
    for account in (READER, LIMITED, BLIND):
        name = account.split(",")[0].partition("=")[2]
        yield entry(
            account,
            {"objectClass": ["organizationalRole", "simpleSecurityObject"], "cn": name, "userPassword": PASSWORD},
        )


@contextmanager
def slapd(folder: Path, records: Iterable[str], pair: Pair | None, *, port: int = 0) -> Iterator[Slapd]:
    """A server with *records* after :func:`base_entries`; by *pair* it is secure, without it offers no TLS. *port*
    is that without TLS, the next one that with it; free ones unless it is named."""
    (folder / "db").mkdir(parents=True)
    configuration = folder / "slapd.conf"
    configuration.write_text(_configuration(folder, pair), encoding="utf-8")
    _run("slapadd", "-q", "-f", str(configuration), given="\n".join([*base_entries(), *records]))
    plain = port or free_port(2)
    urls = f"ldap://127.0.0.1:{plain}" + (f" ldaps://127.0.0.1:{plain + 1}" if pair else "")
    with (folder / "slapd.log").open("wb") as log:
        process = subprocess.Popen(
            [str(SLAPD), "-f", str(configuration), "-h", urls, "-d", "0"], stderr=log, env=_environment()
        )
        try:
            _await(plain, process, folder)
            yield Slapd(folder, plain, plain + 1, process)
        finally:
            process.kill()
            process.wait()


def _configuration(folder: Path, pair: Pair | None) -> str:
    schemas = _ROOT / "etc/ldap/schema"
    lines = [f"include {schemas}/{name}.schema" for name in ("core", "cosine", "inetorgperson", "nis")]
    lines += [f"modulepath {_ROOT}/usr/lib/ldap", "moduleload back_mdb", "moduleload ppolicy"]
    lines += [f"pidfile {folder}/slapd.pid", f"argsfile {folder}/slapd.args", "sizelimit 500"]
    lines.append("referral ldap://elsewhere.enterprise.example")
    if pair:
        lines += [f"TLSCertificateFile {pair.certificate}", f"TLSCertificateKeyFile {pair.key}"]
        lines.append("security simple_bind=128")
    lines += ["database mdb", f"suffix {SUFFIX}", f"directory {folder}/db", "maxsize 1073741824"]
    lines += [f"rootdn {ADMIN}", f"rootpw {PASSWORD}", "index objectClass eq", "dbnosync"]
    lines += [f'limits dn.exact="{each}" size=500 size.prtotal=unlimited' for each in (READER, BLIND)]
    lines.append(f'limits dn.exact="{LIMITED}" size=500 size.prtotal=500')
    lines.append(f'access to attrs=entryUUID by dn.exact="{BLIND}" none by users read')
    lines.append("access to attrs=userPassword by anonymous auth")
    lines += ["access to * by users read", "overlay ppolicy", ""]
    return "\n".join(lines)


def _environment() -> dict[str, str]:
    libraries = sorted(_UNPACKED.glob("usr/lib/*-linux-gnu"))
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries))}


def _run(tool: str, *arguments: str, given: str) -> None:
    command = [str(Path(str(SLAPD)).with_name(tool)), *arguments]
    done = subprocess.run(command, input=given.encode(), capture_output=True, check=False, env=_environment())
    assert done.returncode == 0, done.stderr.decode()


def _await(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"slapd does not run: {(folder / 'slapd.log').read_text()}")
