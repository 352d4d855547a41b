"""The parts of addresses that name things: an order, a contract, a Resync, a shared document. Others are not ours."""

from __future__ import annotations

from werkzeug.routing import BaseConverter


class NameConverter(BaseConverter):
    """Letters, digits, dot, dash and underscore, at most 60: no text that a database would refuse gets further."""

    regex = r"[A-Za-z0-9._-]{1,60}"
    part_isolating = True


class TokenConverter(BaseConverter):
    """What can stand in the token of a link, without a dot, so that `.pdf` behind it is an ending."""

    regex = r"[A-Za-z0-9_-]{1,200}"
    part_isolating = True
