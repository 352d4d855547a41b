"""Which language does a customer read? From the country of its address, until the contract says it.

Exists so that document, mail and page of one invoice speak the same language. It knows codes only; what each language
says is the documents' part. It never guesses where a country has several languages of ours: those get English.
"""

from __future__ import annotations

from connector.domain.countries import country_code

DEFAULT_LANGUAGE = "en"
_BY_COUNTRY = {
    **dict.fromkeys(("DE", "AT", "LI"), "de"),
    **dict.fromkeys(("FR", "MC"), "fr"),
    **dict.fromkeys(("ES", "MX", "AR", "CL", "CO", "PE", "UY", "EC"), "es"),
    "JP": "ja",
    "IL": "he",
}


def language_of(country: str) -> str:
    """The language of a country written as code or name, such as `de`; English where it is not clear."""
    return _BY_COUNTRY.get(country_code(country), DEFAULT_LANGUAGE)
