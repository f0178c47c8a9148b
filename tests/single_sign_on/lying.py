"""An identity provider whose every answer a test decides, for what an honest one never says."""

from __future__ import annotations

import json
import threading
import time
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "vermilion"
SECRET = "a secret of the tests: %/+"
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"

DISCOVERY, KEYS, TOKEN, USER_INFO = "/.well-known/openid-configuration", "/keys", "/token", "/userinfo"


@dataclass(slots=True)
class LyingProvider:
    """Runs at ``issuer`` and shows ``keys``. ``token`` is what its token endpoint gives next, with ``access``; its
    UserInfo endpoint says ``user_info``. ``said`` replaces members of its description (None: left out),
    ``answers`` whole answers by path, ``seconds`` is how long each takes. ``asked`` counts requests by path."""

    issuer: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, auto_kid=True))
    keys: list[dict[str, Any]] = field(default_factory=list)
    token: str = ""
    access: str = "an access token of the tests"
    user_info: dict[str, Any] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    seconds: float = 0.0
    asked: Counter[str] = field(default_factory=Counter)
    forms: list[str] = field(default_factory=list)

    def reset(self) -> None:
        """Honest again, with the key that it had."""
        self.keys = [dict(self.key.as_dict(private=False))]
        self.token, self.user_info, self.said, self.answers = "", {}, {}, {}
        self.seconds = 0.0
        self.asked.clear()
        self.forms.clear()

    def claims(self, nonce: str, /, **changed: Any) -> dict[str, Any]:
        """The claims of a right ID token, but for what is *changed* (None: left out)."""
        now = int(time.time())
        right = {
            "iss": self.issuer,
            "sub": "sub-of-qin",
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": nonce,
            "preferred_username": "qin",
        }
        return {name: value for name, value in (right | changed).items() if value is not None}

    def signed(self, claims: Mapping[str, Any], *, key: RSAKey | None = None, **header: Any) -> str:
        """*claims* as a token, by its own key or by another *key*."""
        by = key or self.key
        return jwt.encode({"alg": "RS256", "kid": by.kid, **header}, dict(claims), by)

    def logout_claims(self, **changed: Any) -> dict[str, Any]:
        """The claims of a right logout token, but for what is *changed* (None: left out)."""
        now = int(time.time())
        right = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 120,
            "jti": f"jti-{time.time_ns()}",
            "events": {LOGOUT: {}},
            "sub": "sub-of-qin",
        }
        return {name: value for name, value in (right | changed).items() if value is not None}

    def answer(self, path: str) -> tuple[int, bytes]:
        """Status and body for a request to *path*."""
        time.sleep(self.seconds)
        if path in self.answers:
            return self.answers[path]
        bodies = {
            DISCOVERY: self._description(),
            KEYS: {"keys": self.keys},
            TOKEN: {"id_token": self.token, "access_token": self.access, "token_type": "Bearer"},
            USER_INFO: self.user_info,
        }
        return (200, json.dumps(bodies[path]).encode()) if path in bodies else (404, b"{}")

    def _description(self) -> dict[str, Any]:
        right = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}{TOKEN}",
            "jwks_uri": f"{self.issuer}{KEYS}",
            "end_session_endpoint": f"{self.issuer}/end",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        return {name: value for name, value in (right | self.said).items() if value is not None}


def forged(header: Mapping[str, Any], claims: Mapping[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A token that no library makes: *header* and *claims*, with what *sign* makes of the octets to be signed."""
    body = b".".join(_encoded(json.dumps(each).encode()) for each in (header, claims))
    return (body + b"." + _encoded(sign(body))).decode()


def _encoded(octets: bytes) -> bytes:
    return urlsafe_b64encode(octets).rstrip(b"=")


@contextmanager
def lying_provider() -> Iterator[LyingProvider]:
    """One that runs on the loopback interface, honest at first."""
    provider = LyingProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            provider.forms.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._answer()

        def _answer(self) -> None:
            provider.asked[self.path] += 1
            status, body = provider.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.issuer = f"http://127.0.0.1:{server.server_port}"
        provider.reset()
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()
