"""The security headers of every answer (operations.md, "The web side")."""

from __future__ import annotations

from flask import Flask, Response


def policy(*, style: str = "'self'", image: str = "'self'") -> str:
    """The content security policy; *style* and *image* are sources for a page that brings its own."""
    directives = (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src {style}",
        f"img-src {image}",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    return "; ".join(directives)


HEADERS = {
    "Content-Security-Policy": policy(),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

ONE_YEAR = 365 * 24 * 3600


def protect(app: Flask, *, https: bool) -> None:
    """Puts the headers on every answer of *app*; with *https* also the order to use nothing else.

    ``no-store`` is the rule; a view that serves what everybody may keep sets its own ``Cache-Control``.
    """

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        if https:
            response.headers.setdefault("Strict-Transport-Security", f"max-age={ONE_YEAR}")
        return response
