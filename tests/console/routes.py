"""Every address of the console, who is let in, and what its form sends. ``{name}`` is filled in."""

from __future__ import annotations

from dataclasses import dataclass, field

VISITORS = ("nobody", "sun", "zhou", "zheng", "wu")
EVERYBODY = frozenset(VISITORS)
SIGNED_IN = EVERYBODY - {"nobody"}
SYSTEM, SECURITY = frozenset({"sun"}), frozenset({"zhou", "zheng"})


@dataclass(frozen=True, slots=True)
class Row:
    """One address; ``form`` are the fields besides the token."""

    path: str
    let_in: frozenset[str]
    form: dict[str, str] = field(default_factory=dict)


GET = {
    "state.everything": Row("/", SIGNED_IN),
    "keys.everything": Row("/keys", SIGNED_IN),
    "keys.ceremony": Row("/keys/ceremonies/1", SIGNED_IN),
    "unlocking.show": Row("/unlock", SYSTEM | SECURITY),
    "operations.everything": Row("/operations", SIGNED_IN),
    "operations.form": Row("/operations/service.restart", SYSTEM),
    "operations.request_page": Row("/requests/{act}", SIGNED_IN),
    "queues.everything": Row("/queues", SIGNED_IN),
    "clients.everything": Row("/clients", SIGNED_IN),
    "clients.webhook": Row("/clients/webhooks/webhook-0123456789abcdef", SIGNED_IN),
    "directory.everything": Row("/directory", SIGNED_IN),
    "witnesses.everything": Row("/witnesses", SIGNED_IN),
    "cluster.everything": Row("/cluster", SIGNED_IN),
    "history.everything": Row("/history", SIGNED_IN),
    "administrators.everybody": Row("/administrators", SIGNED_IN),
    "runbook.page": Row("/runbook/clock-unsynchronised", SIGNED_IN),
    "settings.everything": Row("/settings", SIGNED_IN),
    "passkeys.removing": Row("/settings/passkeys/remove?fingerprint=0000", SIGNED_IN),
    "passkeys.new": Row("/settings/passkeys/new", SIGNED_IN),
    "settings.code": Row("/settings/code", SIGNED_IN),
    "entrance.login": Row("/login", EVERYBODY),
    "entrance.entry": Row("/welcome", EVERYBODY),
    "entrance.arrival": Row("/welcome/{link}", EVERYBODY),
    "static": Row("/static/page.css", EVERYBODY),
    "probes.livez": Row("/livez", EVERYBODY),
    "probes.readyz": Row("/readyz", EVERYBODY),
    "probes.figures": Row("/metrics", EVERYBODY),
}

POST = {
    "unlocking.give": Row("/unlock", SYSTEM | SECURITY, {"part": "1"}),
    "unlocking.forget": Row("/unlock/forget", SYSTEM | SECURITY),
    "operations.take": Row("/operations/service.restart", SYSTEM, {"service": "web", "sure": "yes"}),
    "operations.approve": Row("/requests/{act}/approve", SECURITY, {"credential": "{{}}"}),
    "operations.refuse": Row("/requests/{act}/refuse", SECURITY),
    "operations.withdraw": Row("/requests/{act}/withdraw", SYSTEM),
    "settings.password": Row(
        "/settings/password", SIGNED_IN, {"old": "{password}", "password": "{other}", "again": "{other}"}
    ),
    "settings.change_code": Row(
        "/settings/code", SIGNED_IN, {"old": "{password}", "sealed": "x", "code": "000000"}
    ),
    "passkeys.proven": Row("/settings/passkeys/new", SIGNED_IN, {"old": "{password}"}),
    "passkeys.add": Row("/settings/passkeys", SIGNED_IN, {"ticket": "x", "credential": "{{}}", "label": "x"}),
    "passkeys.remove": Row("/settings/passkeys/remove", SIGNED_IN, {"fingerprint": "0000", "old": "{password}"}),
    "settings.end": Row("/settings/sessions/end", SIGNED_IN, {"session": "ab"}),
    "entrance.password": Row("/login", EVERYBODY, {"login": "sun", "password": "wrong"}),
    "entrance.code": Row("/login/code", EVERYBODY, {"ticket": "x", "code": "000000"}),
    "entrance.logout": Row("/logout", EVERYBODY),
    "language.switch": Row("/language/en", EVERYBODY, {"back": "/"}),
    "entrance.enter": Row("/welcome", EVERYBODY, {"token": "{link}"}),
    "entrance.choose": Row("/welcome/{link}", EVERYBODY, {"code": "x", "password": "{other}", "again": "{other}"}),
    "entrance.prove": Row("/welcome/{link}/code", EVERYBODY, {"sealed": "x", "code": "000000"}),
}
