"""The part of an address that names an order or a contract: anything else is no page of ours, whatever is in it."""

from __future__ import annotations

from werkzeug.routing import BaseConverter


class NameConverter(BaseConverter):
    """Letters, digits, dot, dash and underscore, at most 40: no text that a database would refuse gets further."""

    regex = r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}"
    part_isolating = True
