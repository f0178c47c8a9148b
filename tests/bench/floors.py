"""What this machine can do at the most: the token without us, and the web server without us."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

SOFTHSM_MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
)
PIN = "1234567890"
"""PIN of the throw-away token that only holds the floor's keys; it protects nothing."""


def softhsm_module() -> str:
    """Path of SoftHSM's PKCS#11 library."""
    return next(path for path in SOFTHSM_MODULES if Path(path).exists())


@contextmanager
def scratch_token() -> Iterator[Path]:
    """A throw-away SoftHSM token labelled ``floor``; yields its configuration file."""
    with tempfile.TemporaryDirectory(prefix="vermilion-floor-") as folder:
        tokens = Path(folder, "tokens")
        tokens.mkdir()
        configuration = Path(folder, "softhsm2.conf")
        configuration.write_text(
            f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", "floor", "--pin", PIN, "--so-pin", PIN],
            env={**os.environ, "SOFTHSM2_CONF": str(configuration)},
            check=True,
            capture_output=True,
        )
        yield configuration


def scratch_session(module: Any) -> Any:
    """A session on the scratch token; SoftHSM may not see it for a moment while another process writes to it."""
    for _ in range(20):
        with suppress(Exception):  # of python-pkcs11, which may not be loaded in this process's parent
            for slot in module.get_slots(token_present=True):
                token = slot.get_token()
                if token.label == "floor":
                    return token.open(user_pin=PIN, rw=True)
        time.sleep(0.1)
        module.reinitialize()
    raise RuntimeError("The scratch token did not appear.")


def prepare_raw_signing(configuration: str, algorithm: str) -> Callable[[], int]:
    """One process's floor: C_SignInit and C_Sign in a loop with a key that it just made, nothing else."""
    os.environ["SOFTHSM2_CONF"] = configuration
    import pkcs11  # noqa: PLC0415 - the module may only be loaded in the process that signs
    from pkcs11.util.ec import encode_named_curve_parameters  # noqa: PLC0415 - as above

    session = scratch_session(pkcs11.lib(softhsm_module()))
    if algorithm.startswith("rsa-"):
        _, private = session.generate_keypair(pkcs11.KeyType.RSA, int(algorithm.removeprefix("rsa-")))
        mechanism, message = pkcs11.Mechanism.SHA256_RSA_PKCS, b"message"
    else:
        curve = {"p-256": "secp256r1", "p-384": "secp384r1"}[algorithm]
        parameters = session.create_domain_parameters(
            pkcs11.KeyType.EC,
            {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters(curve)},
            local=True,
        )
        _, private = parameters.generate_keypair()
        mechanism, message = pkcs11.Mechanism.ECDSA, hashlib.sha256(b"message").digest()

    def sign_some() -> int:
        for _ in range(50):
            private.sign(message, mechanism=mechanism)
        return 50

    return sign_some


TRIVIAL_WSGI = """
def application(environ, start_response):
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Type", "application/timestamp-reply"), ("Content-Length", "1024")])
    return [b"x" * 1024]
"""

TRIVIAL_FLASK = """
from flask import Flask, Response, request
application = Flask(__name__)
@application.post("/")
def answer():
    request.get_data()
    return Response(b"x" * 1024, mimetype="application/timestamp-reply")
"""


@contextmanager
def trivial_server(port: int, options: list[str], application: str = TRIVIAL_WSGI) -> Iterator[str]:
    """Gunicorn with an *application* that only answers 1 KB; *options* are the worker settings to compare with."""
    with tempfile.TemporaryDirectory(prefix="vermilion-floor-") as folder:
        Path(folder, "trivial.py").write_text(application)
        command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--log-level", "error"]
        with subprocess.Popen([*command, *options, "trivial:application"], cwd=folder) as server:
            try:
                yield f"http://127.0.0.1:{port}/"
            finally:
                server.terminate()
                server.wait(timeout=20)
