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
_YEAR = 31_536_000
# Shipped files change only with a release.
_STATIC_SECONDS = 3600


def add_security_headers(response: Response) -> Response:
    """The answer with its safeguards."""
    headers = response.headers
    headers["Content-Security-Policy"] = _POLICY
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = _REFERRER
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    if current_services().config.web.is_secure:
        headers["Strict-Transport-Security"] = f"max-age={_YEAR}; includeSubDomains"
    is_static = request.endpoint == "static" and response.status_code in (200, 304)
    headers["Cache-Control"] = f"public, max-age={_STATIC_SECONDS}" if is_static else "no-store"
    return response
