"""What a confined child does: wait for one job, do it, answer once, end."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import cbor2

from appliance.confinement import frames
from appliance.confinement.jobs import ConfinementLimits
from appliance.errors import ApplianceError

Jobs = Mapping[str, Callable[..., Any]]

LARGEST_REQUEST = 512 * 1024 * 1024


def serve(stream: socket.socket, jobs: Jobs, limits: ConfinementLimits) -> NoReturn:
    """Read one request from *stream*, answer it, and leave without running anybody's clean-up."""
    gc.disable()  # one job and then the end: collecting would only cost time
    try:
        request = frames.read(stream, limit=LARGEST_REQUEST)
        answer(stream, outcome(jobs, request), limits)
    finally:
        os._exit(0)


def rehearse(limits: ConfinementLimits) -> None:
    """One request and its answer without a job, so that children find loaded what every one of them needs."""
    pool, own = socket.socketpair()
    with pool, own:
        frames.write(pool, {"job": "", "arguments": {"number": 1, "text": "", "bytes": b"", "list": [None, True]}})
        answer(own, outcome({}, frames.read(own, limit=LARGEST_REQUEST)), limits)
        frames.read(pool, limit=LARGEST_REQUEST)


def outcome(jobs: Jobs, request: Any) -> dict[str, Any]:
    """``{"result"}``, ``{"refused"}`` or ``{"failed"}``: whatever the job raised, told as a value."""
    try:
        return {"result": jobs[request["job"]](**request["arguments"])}
    except ApplianceError as refusal:
        return {"refused": described(refusal)}
    except MemoryError:
        return failure("memory", "")
    except RecursionError:
        return failure("recursion", "")
    except Exception as error:  # untrusted bytes may raise anything; it is told, not swallowed
        return failure("error", f"{type(error).__name__}: {error}")


def answer(stream: socket.socket, value: dict[str, Any], limits: ConfinementLimits) -> None:
    """Send *value*, or that it is too large or not CBOR."""
    try:
        encoded = cbor2.dumps(value)
    except MemoryError:
        encoded = cbor2.dumps(failure("memory", ""))
    except (cbor2.CBOREncodeError, ValueError, RecursionError) as error:
        encoded = cbor2.dumps(failure("output", str(error)))
    if len(encoded) > limits.answer:
        encoded = cbor2.dumps(failure("output", f"{len(encoded)} bytes"))
    frames.write_encoded(stream, encoded)


def described(refusal: ApplianceError) -> dict[str, Any]:
    """A refusal as plain values; the other side builds the same one again."""
    values = {key: _plain(value) for key, value in refusal.values.items()}
    return {
        "type": type(refusal).__name__,
        "reason": getattr(refusal, "reason", None),
        "template": refusal.template,
        "values": values,
    }


def failure(cause: str, detail: str) -> dict[str, Any]:
    """The job did not end well; *detail* is for the log, from an untrusted document, so cut short."""
    return {"failed": cause, "detail": detail[:300]}


def _plain(value: object) -> int | float | str:
    return value if isinstance(value, int | float | str) else str(value)
