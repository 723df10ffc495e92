"""Puts what a benchmark found into a page, between two marks."""

import sys
from pathlib import Path


def write_section(path: Path, benchmark: str, text: str) -> None:
    """Replace what stands between a benchmark's marks in a page.

    Parameters
    ----------
    path : Path
        The page, in Markdown; a new one is made of the marks alone.
    benchmark : str
        What the marks name.
    text : str
        What to put between them.
    """
    begin, end = f"<!-- {benchmark}: begin -->", f"<!-- {benchmark}: end -->"
    page = path.read_text(encoding="utf-8") if path.exists() else f"{begin}\n{end}\n"
    if begin not in page or end not in page:
        sys.exit(f"{path}: has no lines {begin} and {end} to write between")
    before, after = page[: page.index(begin)], page[page.index(end) :]
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{after}", encoding="utf-8")
