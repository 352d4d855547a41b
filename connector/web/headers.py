"""What every answer tells the browser: run nothing that we did not ship, show us in no frame, keep nothing."""

from __future__ import annotations

from flask import Response, request

from connector.services import current_services

# No inline script and no inline style anywhere, so neither needs an exception.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
# The form guard compares the referrer on https, so it must be sent to ourselves.
_REFERRER = "same-origin"
# The customer's pages run nothing, load only style sheets and pictures of ours, and tell nobody where they are.
_HOSTED_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
# What a browser draws a PDF with needs a style of its own.
_FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'none'"
_YEAR = 31_536_000
# Shipped files change only with a release.
_STATIC_SECONDS = 3600
_SHIPPED = ("static", "document_styles", "document_font")


def add_security_headers(response: Response) -> Response:
    """The answer with its safeguards."""
    headers = response.headers
    # A page that is shown inside another one of ours says so itself.
    headers.setdefault("Content-Security-Policy", _POLICY)
    headers["X-Content-Type-Options"] = "nosniff"
    headers.setdefault("X-Frame-Options", "DENY")
    headers["Referrer-Policy"] = _REFERRER
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    if current_services().config.web.is_secure:
        headers["Strict-Transport-Security"] = f"max-age={_YEAR}; includeSubDomains"
    is_static = request.endpoint in _SHIPPED and response.status_code in (200, 304)
    headers["Cache-Control"] = f"public, max-age={_STATIC_SECONDS}" if is_static else "no-store"
    if request.path.startswith("/invoice/"):
        _seal(response)
    return response


def _seal(response: Response) -> None:
    """The address is the secret here: no index, no referrer, no copy on the way."""
    headers, is_page = response.headers, response.mimetype == "text/html"
    headers["Content-Security-Policy"] = _HOSTED_POLICY if is_page else _FILE_POLICY
    headers["Referrer-Policy"] = "no-referrer"
    headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    headers["Cache-Control"] = "private, no-store"
