"""The Flask application: pages, API and receivers, with the safeguards that hold for all of them.

The one place that joins blueprints, error answers and the template environment. No view lives here and no decision.
"""

from __future__ import annotations

from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import jinja2
from flask import Flask, Response, send_from_directory
from flask_wtf import CSRFProtect
from werkzeug.exceptions import NotFound
from werkzeug.middleware.proxy_fix import ProxyFix

from connector.config import Config
from connector.documents.fonts import fonts_folder
from connector.documents.html import document_styles
from connector.errors import Misconfigured
from connector.problems import register_error_handlers
from connector.services import Services
from connector.web import API_BLUEPRINTS, PAGE_BLUEPRINTS
from connector.web.headers import add_security_headers
from connector.web.numbers import NameConverter, TokenConverter
from connector.web.refusals import answer_not_found
from connector.web.review_words import FILTERS as REVIEW_FILTERS
from connector.web.review_words import FUNCTIONS as REVIEW_FUNCTIONS
from connector.web.sessions import page_context
from connector.web.words import FILTERS, FUNCTIONS
from webhooks import BLUEPRINTS as WEBHOOK_BLUEPRINTS

SHORTEST_SESSION_SECRET = 32


def create_app(*, services: Services) -> Flask:
    """The application around these services. Raises Misconfigured when the session secret is missing or short."""
    app = Flask(
        "countersign",
        template_folder=str(files("templates")),
        static_folder=str(Path(str(files("connector"))) / "static"),
    )
    app.config.update(_settings(services.config))
    app.extensions["countersign"] = services
    app.url_map.converters["name"] = NameConverter
    app.url_map.converters["token"] = TokenConverter
    app.jinja_env.undefined = jinja2.StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update({**FILTERS, **REVIEW_FILTERS})
    app.jinja_env.globals.update({**FUNCTIONS, **REVIEW_FUNCTIONS})
    app.context_processor(page_context)
    app.after_request(add_security_headers)
    register_error_handlers(app)
    app.register_error_handler(NotFound, answer_not_found)
    app.add_url_rule("/styles/document.css", "document_styles", _document_styles)
    app.add_url_rule("/styles/fonts/<any('NotoSansJP-Regular.ttf'):name>", "document_font", _document_font)
    _register_blueprints(app)
    _trust_proxies(app, services.config.web.trusted_proxies)
    return app


def _document_styles() -> Response:
    """The style sheet of documents, for every page that shows one."""
    return Response(document_styles(), content_type="text/css; charset=utf-8")


def _document_font(name: str) -> Response:
    """A typeface for readers whose own system lacks one; most browsers never ask for it."""
    return send_from_directory(fonts_folder(), name, mimetype="font/ttf")


def _settings(config: Config) -> dict[str, object]:
    secret = config.secrets.session.get_secret_value()
    if len(secret) < SHORTEST_SESSION_SECRET:
        raise Misconfigured(
            f"The session secret must have at least {SHORTEST_SESSION_SECRET} characters.",
            code="SESSION_SECRET",
            fix="Set COUNTERSIGN_SESSION_SECRET or COUNTERSIGN_SESSION_SECRET_FILE, the same for all web processes.",
        )
    return {
        "SECRET_KEY": secret,
        "SESSION_COOKIE_NAME": "__Host-countersign" if config.web.is_secure else "countersign",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": config.web.is_secure,
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=config.web.session_hours),
        "MAX_CONTENT_LENGTH": config.web.largest_body,
        # A form is good as long as the session that it was made in.
        "WTF_CSRF_TIME_LIMIT": None,
    }


def _register_blueprints(app: Flask) -> None:
    """All doors. Only pages are used with a cookie, so only they need a guard against forged requests."""
    guard = CSRFProtect(app)  # type: ignore[no-untyped-call]
    for blueprint in PAGE_BLUEPRINTS:
        app.register_blueprint(blueprint)
    for blueprint in (*API_BLUEPRINTS, *WEBHOOK_BLUEPRINTS):
        guard.exempt(blueprint)  # type: ignore[no-untyped-call]
        app.register_blueprint(blueprint)


def _trust_proxies(app: Flask, count: int) -> None:
    if count:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
