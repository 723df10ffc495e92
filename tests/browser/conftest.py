"""The browser in which pages are tested."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import MISSING, Browser


@pytest.fixture(scope="session")
def chromium(tmp_path_factory) -> Iterator[Browser]:
    """Return a browser, which says of each page what it has asked for and complained of."""
    if MISSING:
        pytest.skip(f"pages are tested in Chromium; this machine has no {MISSING}")
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """Return a browser for pages that fetch nothing and have no errors, which is checked when the test has ended."""
    chromium.prefer("light")
    yield chromium
    assert chromium.requests() == []
    assert chromium.errors() == []


@pytest.fixture
def opened(browser: Browser, tmp_path: Path):
    """Return a function that opens a page from its text."""

    def open_text(html: str) -> Browser:
        path = tmp_path / "page.html"
        path.write_text(html, encoding="utf-8")
        browser.open(path)
        return browser

    return open_text
