"""The floor for the receiver: the same server, the same Flask route, the same checks, but nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from connector.config import load_config
from connector.server import WebServer
from connector.usecases.postbox import Postbox
from connector.usecases.receive_message import Message, Receipt


def _forget(_postbox: Postbox, *, messages: Sequence[Message], **_others: Any) -> Receipt:
    return Receipt(new=len(messages), known=0)


if __name__ == "__main__":
    import os

    Postbox.receive = _forget  # type: ignore[method-assign]
    WebServer(load_config(path=Path(os.environ["COUNTERSIGN_CONFIG"])), with_worker=False).run()
