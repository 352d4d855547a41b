"""The package as Salesforce's own tools see it: converted for deployment, Apex parsed, Lightning components run."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parent.parent.parent / "salesforce"
IMAGES = ROOT.parent / "docs" / "images"
pytestmark = pytest.mark.xdist_group("salesforce-package")


def _node(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    assert (ROOT / "node_modules").is_dir(), "run: make package-tools"
    node = shutil.which("node")
    assert node is not None, "Node.js 20 or newer is needed for the checks of the Salesforce package"
    path = {"PATH": f"{Path(node).parent}:/usr/bin:/bin", "HOME": str(Path.home()), **environment}
    return subprocess.run(
        [node, *arguments], cwd=ROOT, env=path, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        (".", {"Flow": 16, "Workflow": 4, "LightningComponentBundle": 3, "QuickAction": 4, "PermissionSet": 2}),
        ("cpq", {"Flow": 4, "Workflow": 1, "QuickAction": 1, "PermissionSet": 2}),
        ("app", {"ExternalClientApplication": 2, "ExtlClntAppOauthConfigurablePolicies": 2}),
        ("events", {"ApexClass": 2, "NamedCredential": 1, "ExternalCredential": 1, "Flow": 4}),
    ],
)
def test_a_project_converts_for_deployment_with_all_its_parts(project: str, expected: dict[str, int]) -> None:
    done = _node("checks/convert.mjs", project)

    assert done.returncode == 0, done.stderr
    found = {kind: len(names) for kind, names in json.loads(done.stdout).items()}
    assert {kind: found.get(kind) for kind in expected} == expected


def test_apex_parses() -> None:
    done = _node("checks/apex.mjs", ".")

    assert done.returncode == 0, done.stdout
    assert "2 Apex files parsed" in done.stdout


def test_the_parser_notices_broken_apex(tmp_path: Path) -> None:
    (tmp_path / "Broken.cls").write_text("public class Broken { void go() { Integer = 1 } }", encoding="utf-8")

    done = _node("checks/apex.mjs", str(tmp_path))

    assert done.returncode == 1
    assert "Broken.cls:1" in done.stdout


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the components' own tests; answers the folder with the markup of what they showed."""
    folder = tmp_path_factory.mktemp("panel")
    done = _node("node_modules/.bin/jest", "--ci", PANEL_FOLDER=str(folder))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    executable = next(found for name in ("chromium", "google-chrome") if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.mark.browser
@pytest.mark.parametrize("name", ["blocked", "synced", "not-sent"])
def test_the_panel_is_drawn_whole_in_a_narrow_column(
    name: str, pictures: Path, browser: Browser, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    style = (ROOT / "force-app/main/default/lwc/syncPanel/syncPanel.css").read_text(encoding="utf-8")
    body = "body { font: 13px 'Salesforce Sans', Arial, sans-serif; margin: 12px; background: #f3f3f3 }"
    markup = (pictures / f"{name}.html").read_text(encoding="utf-8")
    page = browser.new_page(viewport={"width": 420, "height": 300})
    page.set_content(f"<!doctype html><style>{body}{style}</style>{markup}")

    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    is_kept = request.config.getoption("--update-screenshots")
    target = (IMAGES if is_kept else tmp_path) / f"salesforce-panel-{name}.png"
    page.screenshot(path=str(target), full_page=True)
    page.close()

    assert overflow == 0
    assert target.stat().st_size > 2000
