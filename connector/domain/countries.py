"""Which country is meant? ISO 3166 codes from what people write in an address, and who is in the European Union.

Exists because an address in a CRM says "Germany", "Deutschland" or "DE" and tax needs one answer. It never guesses:
what is not in the tables is unknown.
"""

from __future__ import annotations

EU_MEMBERS = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())

_NAMES = {
    "AE": "united arab emirates|uae",
    "AR": "argentina",
    "AT": "austria|österreich|oesterreich",
    "AU": "australia",
    "BE": "belgium|belgië|belgique|belgien",
    "BG": "bulgaria",
    "BR": "brazil|brasil",
    "CA": "canada",
    "CH": "switzerland|schweiz|suisse|svizzera",
    "CL": "chile",
    "CN": "china|people's republic of china",
    "CO": "colombia",
    "CY": "cyprus",
    "CZ": "czechia|czech republic|česko",
    "DE": "germany|deutschland|federal republic of germany",
    "DK": "denmark|danmark",
    "EE": "estonia|eesti",
    "ES": "spain|españa",
    "FI": "finland|suomi",
    "FR": "france",
    "GB": "united kingdom|uk|great britain|england|scotland|wales|northern ireland",
    "GR": "greece|el|hellas",
    "HK": "hong kong",
    "HR": "croatia|hrvatska",
    "HU": "hungary|magyarország",
    "IE": "ireland|éire",
    "IL": "israel",
    "IN": "india",
    "IS": "iceland",
    "IT": "italy|italia",
    "JP": "japan|日本",
    "KR": "south korea|korea|republic of korea",
    "KW": "kuwait",
    "LI": "liechtenstein",
    "LT": "lithuania|lietuva",
    "LU": "luxembourg",
    "LV": "latvia|latvija",
    "MT": "malta",
    "MX": "mexico|méxico",
    "NL": "netherlands|the netherlands|nederland|holland",
    "NO": "norway|norge",
    "NZ": "new zealand",
    "PL": "poland|polska",
    "PT": "portugal",
    "RO": "romania|românia",
    "SA": "saudi arabia",
    "SE": "sweden|sverige",
    "SG": "singapore",
    "SI": "slovenia|slovenija",
    "SK": "slovakia|slovensko",
    "TR": "turkey|türkiye",
    "TW": "taiwan",
    "UA": "ukraine",
    "US": "united states|united states of america|usa|u.s.a.|u.s.",
    "ZA": "south africa",
}
_BY_NAME = {name: code for code, names in _NAMES.items() for name in names.split("|")}
_ISO_CODE_LENGTH = 2


def country_code(name: str) -> str:
    """The ISO code of a country written as code or name, in any case; empty when it is empty or unknown."""
    text = " ".join(name.split()).casefold()
    if text in _BY_NAME:
        return _BY_NAME[text]
    is_code = len(text) == _ISO_CODE_LENGTH and text.isascii() and text.isalpha()
    return text.upper() if is_code else ""
