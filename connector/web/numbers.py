"""The part of an address that names an order, a contract or a Resync; anything else is no address of ours."""

from __future__ import annotations

from werkzeug.routing import BaseConverter


class NameConverter(BaseConverter):
    """Letters, digits, dot, dash and underscore, at most 60: no text that a database would refuse gets further."""

    regex = r"[A-Za-z0-9._-]{1,60}"
    part_isolating = True
