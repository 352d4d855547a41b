"""Command of auditors: evidence ORDER [--folder DIR]."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connector import __version__
from connector.commands.setting import FINDINGS, GOOD, Setting, settings_options
from connector.usecases.export_evidence import export_evidence


@click.command("evidence")
@click.argument("number", metavar="ORDER")
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), help="A new folder; evidence-ORDER if not given."
)
@settings_options
def evidence(setting: Setting, *, number: str, folder: Path | None) -> int:
    """Export the whole story of the deal with the order number ORDER as a folder that verifies itself."""
    parts = setting.migrated
    exported = export_evidence(
        database=parts.database,
        clock=parts.clock,
        number=number,
        folder=folder or Path(f"evidence-{number}"),
        version=__version__,
    )
    answer: dict[str, Any] = {
        "order": number,
        "folder": str(exported.folder),
        "files": exported.files,
        "documents": exported.documents,
        "manifest_sha256": exported.manifest_hash,
        "audit_faults": [f"{fault.chain}, row {fault.position}: {fault.message}" for fault in exported.faults],
    }
    lines = [
        f"{exported.folder}: {exported.files} files, {exported.documents} document(s).",
        f"SHA-256 of its manifest: {exported.manifest_hash}",
        f"Check it with:  python {exported.folder}/verify.py",
    ]
    lines += [f"The audit log was changed: {sentence}" for sentence in answer["audit_faults"]]
    setting.tell(answer, lines=lines)
    return FINDINGS if exported.faults else GOOD
