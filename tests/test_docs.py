"""The pages lead somewhere: every link to a file, and every file of the program that they name, is there."""

import re

import pytest

from tests.conftest import ROOT

FOLDERS = ("docs", "configs", "data", "benchmarks")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))])
SOURCES = sorted([*PAGES, *(ROOT / "configs").glob("*.yaml"), ROOT / "Makefile", ROOT / "pyproject.toml"])
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("0*.md"))


def named(path):
    return str(path.relative_to(ROOT))


def anchors(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_relative_link_of_a_page_leads_to_a_file_and_a_heading(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", SOURCES, ids=named)
def test_every_file_that_a_page_names_is_there(page):
    for path in re.findall(
        r"\b(?:charlm|benchmarks|tests|configs|docs)/[\w./-]+\.(?:py|yaml|md)\b", page.read_text("utf-8")
    ):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", DECISIONS, ids=named)
def test_a_decision_is_at_most_25_lines_and_listed(page):
    assert len(page.read_text("utf-8").splitlines()) <= 25
    assert f"]({page.name})" in (page.parent / "README.md").read_text("utf-8")
