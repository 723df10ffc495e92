"""The browser of the other tests sees what a page fetches and what goes wrong in it."""

import pytest

from charlm.insight.page import page

PICTURE = "http://127.0.0.1:9/picture.png"  # no server listens there


@pytest.fixture
def open_page(chromium, tmp_path):
    def open_html(html):
        path = tmp_path / "page.html"
        path.write_text(html, encoding="utf-8")
        chromium.open(path)
        return chromium

    return open_html


def test_a_request_is_seen(open_page):
    assert open_page(f'<img src="{PICTURE}">').requests() == [PICTURE]


def test_an_error_of_a_script_is_seen(open_page):
    (error,) = open_page("<script>nothing.is()</script>").errors()
    assert "nothing is not defined" in error


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("<script>document.title = 'ran'</script>", "script"),
        ("<p onclick=\"document.title = 'ran'\" id=p>text</p>", "script"),
        (f'<img src="{PICTURE}">', "img-src"),
        ('<p style="color: red">text</p>', "style"),
    ],
)
def test_the_policy_of_pages_forbids_what_is_not_theirs_and_says_so(open_page, body, says):
    browser = open_page("".join(page("A title", [body], "p { margin: 0; }", "document.body.dataset.own = 1;")))
    browser.run("document.getElementById('p')?.click()")
    errors = browser.errors()
    assert len(errors) == 1
    assert "Content Security Policy" in errors[0]
    assert says in errors[0]
    assert browser.driver.title == "A title"
    assert browser.run("return document.body.dataset.own") == "1"


def test_a_page_of_charlm_has_neither(open_page):
    browser = open_page("".join(page("A title", ["<p>text</p>"], script="document.title += '!';")))
    assert (browser.requests(), browser.errors(), browser.driver.title) == ([], [], "A title!")


@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(253, 253, 251)"), ("dark", "rgb(22, 22, 22)")])
def test_pages_follow_the_choice_of_light_or_dark(opened, scheme, paper):
    browser = opened("".join(page("A title", ["<p>text</p>"])))
    browser.prefer(scheme)
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == paper
