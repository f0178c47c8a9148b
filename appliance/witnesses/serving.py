"""The witness over HTTP (C2SP ``tlog-witness``): a WSGI application and its server, on the loopback interface
behind nginx, which has TLS and reads slow requests whole."""

from __future__ import annotations

import logging
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from appliance.clock import utc_now
from appliance.errors import ConfigurationError
from appliance.witnesses.cosigning import SubmissionRefused, Witness
from appliance.witnesses.messages import LARGEST, LATEST, PATH, SIZE_KIND, encode_size
from hsm.errors import AuthorityError, ConfigurationRefused
from hsm.note import KeyKind, parse_vkey
from hsm.settings import checked, section

log = logging.getLogger(__name__)

_LISTEN: Final = re.compile(r"(?:127\.0\.0\.1|\[::1\]|localhost):[1-9][0-9]{0,4}|unix:/.+|[^/\s]+:[1-9][0-9]{0,4}")
_TEXT: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The settings of a witness, ``[witness]`` in a file of its own: its ``name`` (like ``witness.example/w1``),
    the ``directory`` of key and memory (its path counts from the file), the vkeys of the ``logs`` that it cosigns,
    and where it listens."""

    name: str = checked("", bool, "the name of this witness, like witness.example/w1")
    directory: str = checked("witness", bool, "a directory")
    logs: list[str] = checked([], bool, "a list of the keys (vkey lines) of the logs that it cosigns")
    listen: str = checked("127.0.0.1:8091", _LISTEN.fullmatch, "like 127.0.0.1:8091 or unix:/run/witness.sock")


def read_settings(path: Path) -> ServerSettings:
    """The settings in the TOML file *path*. Raises :class:`ConfigurationError`."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        if set(tables) != {"witness"}:
            raise ConfigurationError("{path} has exactly one table, [witness].", path=path)
        settings: ServerSettings = section(ServerSettings, "witness", tables["witness"])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError("{path} cannot be read as TOML: {why}.", path=path, why=error) from error
    except ConfigurationRefused as error:
        raise ConfigurationError("{path}: {problem}", path=path, problem=error) from error
    return settings


def open_witness(path: Path) -> Witness:
    """The witness of the settings in *path*; makes its key at the first time. Raises
    :class:`ConfigurationError`."""
    settings = read_settings(path)
    try:
        logs = [parse_vkey(each) for each in settings.logs]
        if any(each.kind is KeyKind.COSIGNATURE for each in logs):
            raise ConfigurationError("A key for cosignatures is no log's.")
        return Witness(path.parent / settings.directory, settings.name, logs, utc_now)
    except (AuthorityError, ConfigurationError) as error:
        raise ConfigurationError("{path}: {problem}", path=path, problem=error) from error


Start = Callable[[str, list[tuple[str, str]]], object]
_Answer = tuple[HTTPStatus, str, bytes]


class WitnessApplication:
    """``POST /add-checkpoint``, and ``GET /SHA256-OF-ORIGIN/checkpoint`` for monitors (WSGI, PEP 3333)."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        try:
            status, kind, body = self._answer(environ)
        except OSError as error:  # nothing was cosigned
            log.error("the memory of this witness: %s", error)
            status, kind, body = HTTPStatus.INTERNAL_SERVER_ERROR, _TEXT, b"The memory cannot be used.\n"
        start(f"{status.value} {status.phrase}", [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, environ: dict[str, Any]) -> _Answer:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        latest = LATEST.fullmatch(path)
        if path == PATH and method == "POST":
            return self._add_checkpoint(environ)
        if latest and method in ("GET", "HEAD"):
            note = self._witness.latest(latest[1])
            if note is not None:
                return HTTPStatus.OK, _TEXT, note
        if path == PATH:
            return HTTPStatus.METHOD_NOT_ALLOWED, _TEXT, b"Only POST.\n"
        return HTTPStatus.NOT_FOUND, _TEXT, b"There is nothing here.\n"

    def _add_checkpoint(self, environ: dict[str, Any]) -> _Answer:
        if int(environ.get("CONTENT_LENGTH") or 0) > LARGEST:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TEXT, b"The request is too large.\n"
        body = environ["wsgi.input"].read(LARGEST + 1)
        if len(body) > LARGEST:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TEXT, b"The request is too large.\n"
        try:
            return HTTPStatus.OK, _TEXT, self._witness.add_checkpoint(body).line().encode()
        except SubmissionRefused as refusal:
            if refusal.size is not None:
                return refusal.status, SIZE_KIND, encode_size(refusal.size)
            if refusal.status in (HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.CONFLICT):
                log.warning("not cosigned, perhaps a fork: %s; the checkpoint: %r", refusal, refusal.signed)
            return refusal.status, _TEXT, f"{refusal}\n".encode()


def serve(path: Path) -> None:
    """Serves the witness of the settings in *path* until SIGTERM. Raises :class:`ConfigurationError`."""
    from gunicorn.app.base import BaseApplication  # noqa: PLC0415 - cosigning by hand needs no server

    witness, listen = open_witness(path), read_settings(path).listen

    class Server(BaseApplication):  # type: ignore[misc] # gunicorn has no types
        """One process and a few threads: a request takes a millisecond, and the lock lets one through at a
        time."""

        def load_config(self) -> None:
            options = {
                "bind": listen,
                "worker_class": "gthread",
                "threads": 8,
                "worker_connections": 64,
                "backlog": 64,
                "timeout": 30,
                "keepalive": 60,
                "limit_request_line": 512,
                "limit_request_fields": 30,
                "limit_request_field_size": 2048,
                "control_socket_disable": True,
            }
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> WitnessApplication:
            return WitnessApplication(witness)

    Server().run()
