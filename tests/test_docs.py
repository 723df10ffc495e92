"""The pages lead somewhere and say what is so: the files, the links and the limits that they name are there."""

import re
import runpy

import pytest

import charlm
from charlm import arguments, limits
from charlm.api import language_model
from charlm.config import mistakes, textfile
from charlm.corpus import counts, decoding, fetch, sources
from charlm.files import metrics, rundir, schema, tensorfile
from charlm.workers import split
from tests.conftest import ROOT

FOLDERS = ("docs", "configs", "data", "benchmarks")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))])
CODE = [*(ROOT / "charlm").rglob("*.py"), ROOT / "Makefile", ROOT / "pyproject.toml"]
SOURCES = sorted([*PAGES, *CODE, *(ROOT / "configs").glob("*.yaml")])
PICTURES = sorted((ROOT / "docs").rglob("*.svg"))
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("0*.md"))

LIMITS = {
    **{name: value for name, value in vars(limits).items() if name.isupper()},
    "symbols of a corpus": counts.MOST_SYMBOLS,
    "combining marks": decoding.MOST_MARKS,
    "megabytes unpacked": sources.UNPACKED_MB,
    "times its size unpacked": sources.UNPACKED_RATIO,
    "another limit for what is unpacked": sources.UNPACKED_VARIABLE,
    "bytes of a configuration": textfile.LARGEST,
    "mistakes": mistakes.MOST_MISTAKES,
    "evaluations": schema.MOST_EVALUATIONS,
    "libraries": schema.MOST_LIBRARIES,
    "characters of a library": schema.MOST_OF_A_LIBRARY,
    "megabytes of a header": tensorfile.MOST_HEADER // 10**6,
    "lists and objects": tensorfile.MOST_PARTS,
    "dimensions": tensorfile.MOST_DIMENSIONS,
    "threads of a core": split.MOST_THREADS_OF_A_CORE,
    "characters of a text": arguments.MOST_LENGTH,
    "lines of a text": arguments.MOST_LINES,
    "texts": arguments.MOST_COUNT,
    "characters of a line": language_model.LONGEST_LINE,
    "seconds of a download": int(fetch.LIMIT),
    "seconds of silence": int(fetch.TIMEOUT),
    "bytes of a line of metrics": metrics.LONGEST_LINE,
    "bytes of a configuration beside a run": rundir.LONGEST_CONFIG,
}


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


@pytest.mark.parametrize("picture", PICTURES, ids=named)
def test_a_picture_is_small_and_on_a_page(picture):
    assert picture.stat().st_size < 60_000
    link = f"]({picture.relative_to(ROOT / 'docs').as_posix()})"
    assert any(link in page.read_text("utf-8") for page in (ROOT / "docs").glob("*.md"))


def test_make_docs_makes_every_picture_of_its_folder():
    made = runpy.run_path(str(ROOT / "docs" / "pictures" / "make.py"))["PICTURES"]
    assert {picture.stem for picture in PICTURES if picture.parent.name == "pictures"} == set(made)


@pytest.mark.parametrize("page", DECISIONS, ids=named)
def test_a_decision_is_at_most_25_lines_and_listed(page):
    assert len(page.read_text("utf-8").splitlines()) <= 25
    assert f"]({page.name})" in (page.parent / "README.md").read_text("utf-8")


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
def test_every_limit_stands_on_the_page_about_files_from_strangers(limit):
    words = f"{limit:,}" if isinstance(limit, int) else limit
    assert re.search(rf"(?<![\w,^]){words}(?![\w,]*\d)", (ROOT / "docs" / "security.md").read_text("utf-8"))


def test_the_readme_and_the_page_on_checkpoints_show_the_network_of_the_plays():
    model = charlm.load_config(ROOT / "configs" / "plays.yaml").model
    layers, H = model.num_layers, model.hidden_size
    assert f"{layers} x {model.cell} of {H}, " in (ROOT / "README.md").read_text("utf-8")
    page = (ROOT / "docs" / "checkpoints.md").read_text("utf-8")
    assert f"torch.nn.{model.cell.upper()}(68, {H}, num_layers={layers})" in page
    assert f"torch.nn.Linear({H}, 68)" in page
