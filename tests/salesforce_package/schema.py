"""Salesforce's own description of metadata files, as an XML schema: the WSDL that simple-salesforce ships, v63.

The WSDL describes types; a file's root is one of them, so each type gets a global element of its name.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import simple_salesforce
from lxml import etree

_XSD = "{http://www.w3.org/2001/XMLSchema}"
METADATA = "http://soap.sforce.com/2006/04/metadata"


@cache
def metadata_schema() -> etree.XMLSchema:
    """The schema of all metadata types."""
    wsdl = etree.parse(str(Path(simple_salesforce.__file__).parent / "metadata.wsdl"))
    found = next(one for one in wsdl.iter(f"{_XSD}schema") if one.get("targetNamespace") == METADATA)
    schema = etree.Element(found.tag, dict(found.attrib), {**found.nsmap, "tns": METADATA})
    schema.extend(list(found))
    known = {one.get("name") for one in schema.findall(f"{_XSD}element")}
    for kind in schema.findall(f"{_XSD}complexType"):
        name = str(kind.get("name"))
        if name not in known:
            etree.SubElement(schema, f"{_XSD}element", {"name": name, "type": f"tns:{name}"})
    return etree.XMLSchema(etree.fromstring(etree.tostring(schema)))


def faults_of(text: bytes) -> list[str]:
    """What is wrong with a metadata file; nothing when it is right."""
    schema = metadata_schema()
    if schema.validate(etree.fromstring(text)):
        return []
    return [str(fault.message) for fault in schema.error_log]
