"""Check an evidence folder: python verify.py. Needs nothing but Python 3.9 or newer, and changes nothing.

What is checked: every file is as MANIFEST.sha256 says and none is missing or extra; every row of the audit log has
its hash and follows the row before it; every issued document and every file of it is the one whose hash the audit log
holds. Ends with 0 when all of it is so, else with 1 and what is wrong.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

MANIFEST = "MANIFEST.sha256"


def verify(folder: Path) -> list[str]:
    """Everything that is wrong with the folder; empty when nothing is."""
    if not (folder / MANIFEST).is_file():
        return [MANIFEST + " is missing."]
    found = _manifest(folder)
    try:
        found += _audit(folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        found.append(f"The folder cannot be read: {type(error).__name__}: {error}")
    return found


def _manifest(folder: Path) -> list[str]:
    told = {}
    for line in (folder / MANIFEST).read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        told[name] = digest
    there = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    there.discard(MANIFEST)
    wrong = [f"{name} is missing." for name in sorted(set(told) - there)]
    wrong += [f"{name} is not in the manifest." for name in sorted(there - set(told))]
    for name in sorted(there & set(told)):
        if _hash((folder / name).read_bytes()) != told[name]:
            wrong.append(f"{name} was changed.")
    return wrong


def _audit(folder: Path) -> list[str]:
    wrong, own = [], []
    for path in sorted((folder / "audit").glob("*.jsonl")):
        previous = None
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            body = json.loads(row["body"]) if "body" in row else row
            place = f"{path.name}, row {body['position']}"
            if "body" in row:
                own.append(body)
                if _hash(row["body"].encode("utf-8")) != row["hash"]:
                    wrong.append(place + " was changed.")
            if previous is not None and (body["position"], body["previous_hash"]) != previous:
                wrong.append(place + " does not follow the one before it.")
            previous = (body["position"] + 1, row["hash"])
    return wrong + _documents(folder, own)


def _documents(folder: Path, entries: list[dict]) -> list[str]:  # type: ignore[type-arg]
    wrong = []
    listed = json.loads((folder / "invoices.json").read_text(encoding="utf-8"))
    for one in listed:
        said = [entry for entry in entries if entry["subject_id"] == one["id"]]
        issued = [entry["data"] for entry in said if entry["event"] == "issue"]
        files = {entry["data"]["kind"]: entry["data"]["sha256"] for entry in said if entry["event"] == "file"}
        place = folder / "invoices" / one["folder"]
        if bool(issued) != (place / "issued.json").is_file():
            wrong.append(f"{place.name}: the audit log and the folder disagree whether it is issued.")
        elif issued and _hash((place / "issued.json").read_bytes()) != issued[-1]["content_hash"]:
            wrong.append(f"{place.name}: issued.json is not what was issued.")
        there = {path.suffix[1:]: path for path in place.glob("document.*")}
        for kind in sorted(set(files) | set(there)):
            if kind not in there or kind not in files or _hash(there[kind].read_bytes()) != files[kind]:
                wrong.append(f"{place.name}: document.{kind} is not the file that was made.")
    return wrong


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main(folder: Path) -> int:
    """Check the folder and say what came of it; 0 when nothing was changed."""
    found = verify(folder)
    told = found or [f"Nothing was changed. SHA-256 of {MANIFEST}: {_hash((folder / MANIFEST).read_bytes())}"]
    sys.stdout.write("".join(f"{sentence}\n" for sentence in told))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent))
