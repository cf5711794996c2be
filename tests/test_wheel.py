"""What is shipped: the wheel that the build backend makes, looked into. No network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from gymtui import __version__
from tests.helpers.places import ROOT

_BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
_THEMES = """
import sys
import tarfile
sys.path.insert(0, sys.argv[1])
from gymtui.config import theme_files
here = theme_files.shipped_themes()
print(here)
print(*theme_files.theme_names([here]))
print(theme_files.read_theme("night", [here]).problems)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-c", _BUILD, str(directory)],
        cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
    )  # fmt: skip
    return directory / done.stdout.split()[-1]


def test_the_wheel_has_every_module_style_and_theme(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = {p.relative_to(ROOT).as_posix() for p in (ROOT / "gymtui").rglob("*.py")}
    styles = {p.relative_to(ROOT).as_posix() for p in (ROOT / "gymtui").rglob("*.tcss")}
    data = {
        p.relative_to(ROOT).as_posix()
        for p in (ROOT / "gymtui" / "gym" / "scenarios").rglob("*")
        if p.suffix in (".json", ".md", ".toml")
    }
    assert len(data) > 20
    themes = {f"gymtui/themes/{path.name}" for path in (ROOT / "themes").glob("*.toml")}
    assert len(themes) >= 5
    assert sources | styles | themes | data <= names
    assert not any(name.startswith("tests/") for name in names)


def test_the_themes_are_found_where_the_wheel_is_unpacked(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", _THEMES, str(tmp_path)],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    where, names, problems = done.stdout.splitlines()
    assert where == str(tmp_path / "gymtui" / "themes")
    assert {"night", "day", "ansi"} <= set(names.split())
    assert problems == "()"


def test_the_version_is_that_of_the_package_and_has_its_entry_in_the_changelog(wheel: Path) -> None:
    assert wheel.name.startswith(f"gymtui-{__version__}-")
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## {re.escape(__version__)} - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE)


def test_what_a_package_index_shows_leads_somewhere_from_there(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    [metadata] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    shown = archive.read(metadata).decode()
    assert shown.count("Project-URL:") >= 3
    targets = re.findall(r"\]\(([^)]+)\)", shown)
    assert any(target.endswith("screenshots/runs.svg") for target in targets)
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []


def test_a_wheel_can_be_made_from_what_is_shipped_as_source(tmp_path: Path) -> None:
    build = "import sys; from hatchling.build import build_sdist; print(build_sdist(sys.argv[1]))"
    python = [sys.executable, "-c"]
    done = subprocess.run(
        [*python, build, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    with tarfile.open(tmp_path / done.stdout.split()[-1]) as archive:
        archive.extractall(tmp_path, filter="data")
    [source] = [path for path in tmp_path.iterdir() if path.is_dir()]
    pages = {page.name for page in ROOT.glob("*.md")}
    assert {"README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "CHANGELOG.md"} <= pages
    assert pages <= {path.name for path in source.iterdir()}
    subprocess.run([*python, _BUILD, str(tmp_path)], cwd=source, capture_output=True, check=True)
