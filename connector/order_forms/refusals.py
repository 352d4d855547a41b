"""Files that cannot be an order form, each refusal with its own code, so that a person knows what to send instead."""

from __future__ import annotations

from connector.errors import Refused


class FormRefused(Refused):
    """The file cannot be taken as an order form."""

    code = "FORM_REFUSED"
    owner = "sender"
    fix = "Send the signed PDF as the signing tool gave it out."


class NotAPdf(FormRefused):
    """The file is not a PDF."""

    code = "NOT_A_PDF"
    fix = "Send the signed document as a PDF file; a picture or a Word file cannot be checked."


class BrokenPdf(FormRefused):
    """The file begins like a PDF but cannot be read."""

    code = "BROKEN_PDF"
    fix = "The file is damaged or was cut on its way: send it again, as the signing tool gave it out."


class EncryptedPdf(FormRefused):
    """The file is encrypted."""

    code = "ENCRYPTED_PDF"
    fix = "Send it without a password and without restrictions; encryption hides what was signed."


class FormTooLarge(FormRefused):
    """The file is larger than we take."""

    code = "FORM_TOO_LARGE"
    fix = "Send the order form alone, without annexes; the limit is [order_forms] largest_file."


class TooManyPages(FormRefused):
    """The file has more pages than we take."""

    code = "TOO_MANY_PAGES"
    fix = "Send the order form alone, without annexes; the limit is [order_forms] most_pages."


class HasActiveContent(FormRefused):
    """The file holds scripts or starts programs."""

    code = "ACTIVE_CONTENT"
    fix = (
        "Send a document without JavaScript and without actions that start something; print it to a PDF and sign that."
    )


class HasXfa(FormRefused):
    """The file is an XFA form: what it shows is made by the reader program and is not what was signed."""

    code = "XFA_FORM"
    fix = "XFA forms cannot be read for sure. Save it as an ordinary PDF form (AcroForm) and have that signed."


class FormTooHard(FormRefused):
    """Reading the file took more time or memory than any order form needs."""

    code = "FORM_TOO_HARD"
    fix = "The file is built to be hard to read or holds far more than an order form. Print it to a PDF and sign that."
