"""The page of `charlm score --html` in a browser."""

import numpy as np
import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

from charlm.insight.heatmap import heatmap
from charlm.insight.surprise import Guess, LineScore

HOSTILE = "</td><script>document.title = 'ran'</script><img src=//127.0.0.1:9/a.png>"
BITS = [0.5, 1.5, 2.5, 4.0, 5.0, 7.0, 9.0, 14.0]  # one for each colour


def scored(number, text, bits):
    """Return a line with its newline, and two guesses at each character."""
    symbols = text + "\n"
    bits = np.resize(bits, len(symbols)).astype(np.float64)
    expected = [[Guess(symbol, 0.75), Guess("<", 0.125)] for symbol in symbols]
    return LineScore("", number, text, bits, symbols=symbols, expected=expected)


@pytest.fixture
def page(opened):
    lines = [scored(1, "abcdefg", BITS), scored(2, HOSTILE, [1.0]), scored(3, "xyz", [np.nan, 3.0, 3.0, 3.0])]
    return opened("".join(heatmap(lines, f"About {HOSTILE}")))


def of_cells(page, expression):
    """Evaluate an expression of JavaScript for each character, which it calls `cell`."""
    return page.run(f"return [...document.querySelectorAll('i')].map(cell => {expression})")


def popup(page):
    """Return what stands under the character that has the focus."""
    return page.run("return getComputedStyle(document.activeElement, '::after').content")


def press(page, *keys):
    for key in keys:
        page.driver.switch_to.active_element.send_keys(key)


def redness(page):
    """Return how opaque the red behind each character is."""
    colours = of_cells(page, "getComputedStyle(cell).backgroundColor")
    return [float(colour.partition("/")[2].rstrip(")") or colour.rpartition(",")[2].rstrip(")")) for colour in colours]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_more_surprising_a_character_the_redder_it_is(page, scheme):
    page.prefer(scheme)
    reds = redness(page)[: len(BITS)]
    assert reds == sorted(set(reds))
    assert (reds[0], reds[-1]) == (0.0, 0.88)


def test_what_was_not_predicted_has_no_colour(page):
    assert redness(page)[-4:-2] == [0.0, 0.34]


def test_a_text_that_looks_like_html_stays_text(page):
    row = page.run("return document.querySelectorAll('tr')[1].cells[2].textContent")
    assert row == HOSTILE + "↵"
    assert page.driver.title == f"About {HOSTILE}"
    assert page.run("return [document.scripts.length, document.images.length]") == [1, 0]


def test_the_guesses_appear_under_the_character_that_the_arrow_keys_reach(page):
    assert popup(page) == "none"
    press(page, Keys.TAB)
    assert popup(page) == '"0.5 bits\\a a 75%\\a < 12%"'
    press(page, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert popup(page) == '"2.5 bits\\a c 75%\\a < 12%"'
    press(page, Keys.ARROW_LEFT)
    assert popup(page) == '"1.5 bits\\a b 75%\\a < 12%"'
    press(page, Keys.ARROW_DOWN)
    assert popup(page) == '"1.0 bits\\a < 75%\\a < 12%"'
    assert page.run("return document.getElementById('said').textContent") == "<: 1.0 bits\n< 75%\n< 12%"


def test_the_keys_stop_at_the_ends_of_the_text(page):
    press(page, Keys.TAB, Keys.ARROW_LEFT, Keys.ARROW_UP)
    assert popup(page).startswith('"0.5 bits')
    press(page, *[Keys.ARROW_DOWN] * 3, *[Keys.ARROW_RIGHT] * 9)
    assert page.run("return document.activeElement.textContent") == "↵"
    assert of_cells(page, "cell.tabIndex").count(0) == 1


def test_the_guesses_appear_under_the_mouse(page):
    cell = page.driver.find_elements("css selector", "i")[3]
    ActionChains(page.driver).move_to_element(cell).perform()
    assert page.run("return getComputedStyle(arguments[0], '::after').content", cell).startswith('"4.0 bits')
