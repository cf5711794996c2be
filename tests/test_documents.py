"""The pages of the repository: what they point at is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.helpers.places import PACKAGE, ROOT

PAGES = sorted(ROOT.glob("*.md"))
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()


def anchors(page: Path) -> set[str]:
    """What a link can go to within a page."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_its_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text()):
        name, _, anchor = target.partition("#")
        there = ROOT / name if name else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


def test_every_target_of_make_has_its_line_and_no_other() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    described = re.findall(r"^\| `make ([a-z-]+)` \| .+ \|$", CONTRIBUTING, re.MULTILINE)
    assert sorted(described) == sorted({*targets} - {"help"})


def test_what_contributors_are_pointed_at_is_there() -> None:
    named = set(re.findall(r"`((?:tests|gymtui|screenshots|themes)/[\w/.]*)`", CONTRIBUTING))
    assert len(named) > 10
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_tests_that_are_quoted_are_there() -> None:
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    quoted = re.findall(r"`(test_\w+)`", CONTRIBUTING)
    assert quoted and [name for name in quoted if f"def {name}(" not in tests] == []


def test_the_modules_that_comments_point_at_are_there() -> None:
    rooms = "|".join(sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py")))
    absent = []
    for path in PACKAGE.rglob("*.py"):
        for name in re.findall(rf"`((?:{rooms})(?:\.[a-z_]+)+)`", path.read_text()):
            # The last word may be of something in a module.
            first, last = name.split("."), name.split(".")[-1]
            whole, module = PACKAGE.joinpath(*first), PACKAGE.joinpath(*first[:-1])
            holds = module.with_suffix(".py")
            there = whole.is_dir() or whole.with_suffix(".py").exists()
            if not there and not (holds.exists() and re.search(rf"\b{last}\b", holds.read_text())):
                absent.append(f"{path.relative_to(ROOT)}: {name}")
    assert absent == []
