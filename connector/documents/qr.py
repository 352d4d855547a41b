"""Pictures that we make ourselves, as data inside the document: the payment code and the seller's logo.

Exists so that a document refers to no file and no address: whatever it shows travels in it. It must not decide what a
code says.
"""

from __future__ import annotations

import base64
import io

import segno

# Pixels per module: sharp in print at 25 mm, small in bytes.
_SCALE = 6
_PNG = b"\x89PNG\r\n\x1a\n"


def code_image(payload: str) -> str:
    """A QR code of the text as a data address of a PNG; error correction M, as EPC069-12 wants."""
    target = io.BytesIO()
    segno.make_qr(payload, error="m", boost_error=False, encoding="utf-8").save(
        target, kind="png", scale=_SCALE, border=2
    )
    return png_image(target.getvalue())


def png_image(data: bytes) -> str:
    """PNG bytes as a data address. Raises ValueError when they are something else."""
    if not data.startswith(_PNG):
        raise ValueError("the picture is not a PNG")
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"
