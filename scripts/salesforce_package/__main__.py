"""Write the package, or say what would change."""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.salesforce_package.apps import app_files, credential_files
from scripts.salesforce_package.fields import CPQ, SIGNED, Signed
from scripts.salesforce_package.messages import message_files
from scripts.salesforce_package.objects import account_files, own_object_files, report_files, signed_files
from scripts.salesforce_package.permissions import cpq_permission_files, permission_files
from scripts.salesforce_package.writing import changed, write

SALESFORCE = Path(__file__).parent.parent.parent / "salesforce"


def package_files() -> dict[Path, str]:
    """Every file that is made, with its text: the package itself, and beside it what not every org needs."""
    main = {**account_files(), **own_object_files(), **report_files(), **permission_files(), **_signed(SIGNED)}
    cpq = {**_signed(CPQ), **cpq_permission_files(CPQ)}
    parts = {".": main, "cpq": cpq, "app": app_files(), "events": _events()}
    return {
        SALESFORCE / part / "force-app" / "main" / "default" / name: text
        for part, files in parts.items()
        for name, text in files.items()
    }


def _signed(kinds: tuple[Signed, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind in kinds:
        found |= signed_files(kind) | {
            name: text for name, text in message_files(kind).items() if not name.endswith("_Event.flow-meta.xml")
        }
    return found


def _events() -> dict[str, str]:
    flows = {name: text for kind in SIGNED for name, text in message_files(kind).items() if "_Event." in name}
    return {**credential_files(), **flows}


if __name__ == "__main__":
    files = package_files()
    different = changed(files)
    for path in different:
        print(path.relative_to(SALESFORCE))
    if "--check" in sys.argv:
        sys.exit(1 if different else 0)
    write(files)
