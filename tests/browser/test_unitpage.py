"""The page of `charlm inspect` in a browser."""

import re

import numpy as np
import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from charlm.insight.inspection import Inspection
from charlm.insight.saturation import Saturation
from charlm.insight.traces import Traces, Unit
from charlm.insight.unitpage import unit_page
from charlm.insight.units import Chance, Following, Ranking

HOSTILE = "</script><script>document.title = 'ran'</script>\n<img src=//127.0.0.1:9/a.png>😀é\n"
N = len(HOSTILE)
GATE, RISING, ODD = Unit(0, "z", 3), Unit(0, "h", 0), Unit(1, "h", 7)
VALUES = {GATE: np.linspace(1, 0, N), RISING: np.linspace(-2, 2, N), ODD: np.tile([1.0, -1.0], N)[:N]}


@pytest.fixture
def page(opened):
    symbols = tuple(dict.fromkeys(HOSTILE))
    places = np.array([symbols.index(character) for character in HOSTILE])
    chance = Chance(0.1, 0.5)
    followed = [
        Following(RISING, "position in the line", 0.9, 0.8, chance),
        Following(ODD, "digits", -0.7, -0.6, chance),
        Following(GATE, "digits", -0.3, -0.2, chance),
    ]
    inspection = Inspection(
        characters=list(HOSTILE),
        bits=np.append(np.nan, np.arange(1, N) / 2),
        guesses=np.stack([(places + shift) % len(symbols) for shift in range(5)], axis=1),
        probabilities=np.tile([0.5, 0.25, 0.125, 0.05, 0.01], (N, 1)),
        symbols=symbols,
        traces=Traces(list(VALUES), np.stack(list(VALUES.values()), axis=1).astype(np.float16)),
        gates=["z"],
        states=["h"],
        ranking=Ranking(followed, {"position in the line": followed[0], "digits": followed[1]}, ["capitals"]),
        saturation=[Saturation(0, "z", np.array([0.0, 1.0]), np.array([0.5, 0.0]))],
    )
    return opened("".join(unit_page(inspection, f"About {HOSTILE}")))


def colours(page):
    """Return red, green, blue and opacity behind each character."""
    found = page.run("return [...document.querySelectorAll('#text i')].map(c => getComputedStyle(c).backgroundColor)")
    rows = [[float(number) for number in re.findall(r"[\d.]+", colour)] for colour in found]
    return np.array([row if len(row) == 4 else [*row, 1.0] for row in rows])


def shades(page):
    """Return how blue (above 0) or orange (below 0) each character is, from -1 to 1."""
    found = colours(page)
    return np.where(found[:, 2] > found[:, 0], 1, -1) * found[:, 3]


def choose(page, name):
    Select(page.driver.find_element("id", "unit")).select_by_visible_text(name)


def popup(page):
    content = page.run("return getComputedStyle(document.activeElement, '::after').content")
    return content.strip('"').replace("\\a ", "\n").replace('\\"', '"').splitlines()


def press(page, *keys):
    for key in keys:
        page.driver.switch_to.active_element.send_keys(key)


def to_the_text(page):
    """Put the focus on the first character as Tab does."""
    page.driver.find_element("id", "unit").send_keys(Keys.TAB)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_colours_follow_the_values_of_the_strongest_unit(page, scheme):
    page.prefer(scheme)
    np.testing.assert_allclose(shades(page), VALUES[RISING] / 2, atol=0.09)


def test_another_unit_can_be_chosen_and_the_colours_change(page):
    choose(page, "l1.h.7: digits")
    np.testing.assert_allclose(shades(page), VALUES[ODD], atol=0.02)
    choose(page, "l0.z.3")
    np.testing.assert_allclose(shades(page), 2 * VALUES[GATE] - 1, atol=0.09)
    assert page.run("return ['low', 'high'].map(id => document.getElementById(id).textContent)") == ["0.00", "1.00"]


def test_a_unit_can_be_chosen_by_its_button_and_that_is_told(page):
    button = page.driver.find_element("css selector", "table button[data-unit='2']")
    button.send_keys(Keys.ENTER)
    np.testing.assert_allclose(shades(page), VALUES[ODD], atol=0.02)
    assert page.run("return document.getElementById('said').textContent") == "l1.h.7 colours the text"
    pressed = page.run("return [...document.querySelectorAll('[aria-pressed=true]')].map(b => b.textContent)")
    assert set(pressed) == {"l1.h.7"}
    assert Select(page.driver.find_element("id", "unit")).first_selected_option.text == "l1.h.7: digits"


def test_the_value_and_the_guesses_appear_under_the_character_that_the_keys_reach(page):
    to_the_text(page)
    assert popup(page) == ["l0.h.0  -2.00", "given"]
    press(page, Keys.ARROW_RIGHT)
    shown = popup(page)
    assert shown[1:] == ["0.5 bits", "/ 50%", "s 25%", "c 13%", "r 5%", "i 1%"]
    assert float(shown[0].split()[1]) == pytest.approx(VALUES[RISING][1], abs=0.04)
    assert page.run("return document.getElementById('said').textContent").startswith("/: l0.h.0")
    press(page, Keys.ARROW_DOWN)
    second = HOSTILE.index("\n") + 1
    assert popup(page)[1] == f"{second / 2:.1f} bits"
    press(page, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert popup(page)[2] == "> 50%"
    press(page, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_UP)
    assert popup(page)[1] == "given"
    press(page, Keys.ARROW_LEFT, Keys.ARROW_UP)
    assert popup(page)[1] == "given"


def test_the_value_under_the_mouse_is_that_of_the_unit_chosen_now(page):
    choose(page, "l1.h.7: digits")
    cell = page.driver.find_elements("css selector", "#text i")[2]
    ActionChains(page.driver).move_to_element(cell).perform()
    shown = page.run("return getComputedStyle(arguments[0], '::after').content", cell)
    assert shown.startswith('"l1.h.7  1.00')


def test_a_text_that_looks_like_html_stays_text(page):
    assert page.run("return document.getElementById('text').textContent") == HOSTILE.replace("\n", "↵\n")
    assert page.driver.title.startswith("About </script><script>")
    assert page.run("return [document.scripts.length, document.images.length]") == [2, 0]
    assert page.run("return document.querySelectorAll('#text i').length") == N


def test_everything_has_a_name_for_a_screen_reader(page):
    unnamed = """
        return [...document.querySelectorAll("button, select, summary, [role=application], th")]
            .filter(e => !(e.getAttribute("aria-label") || e.labels?.length || e.textContent.trim())).length"""
    assert page.run(unnamed) == 0
    assert page.run("return document.documentElement.lang") == "en"
    assert page.run("return [...document.querySelectorAll('svg')].every(s => s.getAttribute('aria-hidden'))") is True


def test_the_plot_of_saturation_has_a_dot_for_each_unit(page):
    assert page.run("return document.querySelector('figcaption').textContent").startswith(
        "layer 0, gate z: 50% of the text below 0.1, 25% above 0.9; units below 0.1 at nine tenths of it or more: 1;"
    )
    assert page.run("return document.querySelector('.dots').getAttribute('d')") == "M60 120h0M0 0h0"


def luminance(colour):
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_text_can_be_read_on_every_colour(page, scheme):
    page.prefer(scheme)
    of_body = page.run("const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]")
    ink, paper = (np.array(re.findall(r"\d+", colour), float)[:3] / 255 for colour in of_body)
    behind = colours(page)
    mixed = behind[:, :3] / 255 * behind[:, 3:] + paper * (1 - behind[:, 3:])
    lighter, darker = np.maximum(luminance(mixed), luminance(ink)), np.minimum(luminance(mixed), luminance(ink))
    assert ((lighter + 0.05) / (darker + 0.05)).min() > 4.5  # WCAG 2, level AA
