"""Signed PDF files, read with suspicion: signatures, form fields, attachments, text with its places, pictures of pages.

    apart        everything below in a child process with limits; the only door for the rest of the product
    opening      is it a PDF that we take: not encrypted, not too large, without scripts
    signatures   who signed, when, what it covers, what was changed afterwards, whom we trust
    reading      attachment, form fields, then text by the description of a layout

Bytes and settings come in, values of `connector.domain` go out. It knows no database and no order, and calls nothing.
"""
