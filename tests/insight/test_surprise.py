"""How much lines surprise a model: the values of the library, their colours and the page of them."""

import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

import charlm
from charlm.insight import heatmap
from charlm.insight.page import page
from charlm.insight.surprise import Comparison, LineScore
from tests.runs import text, trained

TEXT = text(3_000)
LINES = TEXT.splitlines()[:60]
SUM = "xY6QKfH9PRsQnLz56nj6MBwiK5oHg+im1Jkpdp1x/Ck="  # printf 'let a = 1;' | openssl dgst -sha256 -binary | base64


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    more = {"training__max_steps": 60, "optimizer__learning_rate": 0.02}
    runs = {
        "stream": trained(folder, "stream", TEXT, **more),
        "lines": trained(folder, "lines", TEXT, corpus__mode="lines", **more),
        "ngram": trained(folder, "ngram", TEXT, model__ngram__order=4, **more),
        "rare": trained(folder, "rare", TEXT + "§", corpus__min_count=2, **more),
        "bytes": trained(folder, "bytes", "täglich 猫 na\n" * 200, corpus__unit="byte", **more),
        "flat": trained(folder, "flat", "ab ba " * 300, **more),
    }
    return {name: charlm.load(run) for name, run in runs.items()}


@pytest.mark.parametrize("name", ["stream", "lines", "ngram"])
def test_the_bits_of_lines_read_in_order_add_up_to_the_score_of_the_text(models, name):
    whole = models[name].score("\n".join(LINES) + "\n")
    scores = list(models[name].score_lines(LINES, context="carry"))
    assert sum(score.chars for score in scores) == whole.chars
    bits = math.fsum(score.total_bits for score in scores)
    assert bits / whole.chars == pytest.approx(whole.bits_per_char, abs=1e-6)
    assert bits == pytest.approx(sum(score.bits_per_char * score.chars for score in scores if score.chars))


@pytest.mark.parametrize("name", ["stream", "lines", "ngram", "bytes"])
def test_a_fresh_line_is_scored_as_a_text_that_begins_with_a_newline(models, name):
    model = models[name]
    lines = ["täglich", "na na 猫", ""] if name == "bytes" else [*LINES[:20], ""]
    for score in model.score_lines(lines):
        given = score.text if name == "lines" else "\n" + score.text
        expected = model.score(given + "\n")
        assert score.chars == expected.chars
        assert score.bits_per_char == pytest.approx(expected.bits_per_char, abs=1e-5)


@pytest.mark.parametrize("name", ["stream", "ngram"])
def test_a_fresh_score_does_not_depend_on_the_lines_around_it(models, name):
    scores = {score.line: score.bits_per_char for score in models[name].score_lines(LINES)}
    for number in (1, 17, 40, 60):
        (alone,) = models[name].score_lines([LINES[number - 1]])
        assert alone.bits_per_char == pytest.approx(scores[number], abs=1e-6)
    turned = [score.bits_per_char for score in models[name].score_lines(LINES[::-1])]
    assert turned[::-1] == pytest.approx(list(scores.values()), abs=1e-6)
    carried = [score.bits_per_char for score in models[name].score_lines(LINES, context="carry")]
    assert carried[1:] != pytest.approx(list(scores.values())[1:], abs=1e-3), "in order they do"


def test_unknown_characters_are_refused_with_their_line_or_left_out_or_replaced(models):
    odd = [LINES[0], LINES[1] + "É", LINES[2]]
    with pytest.raises(charlm.UnknownSymbolError, match=r"^line 2: not in the vocabulary of 12 symbols: 'É'"):
        list(models["stream"].score_lines(odd))
    skipped = list(models["stream"].score_lines(odd, on_unknown="skip"))
    plain = list(models["stream"].score_lines(LINES[:3]))
    assert [score.bits_per_char for score in skipped] == pytest.approx([score.bits_per_char for score in plain])
    assert np.isnan(skipped[1].bits).tolist() == [*[False] * len(LINES[1]), True, False]
    replaced, marked = (
        next(models["rare"].score_lines([LINES[1] + end], on_unknown="replace")) for end in ("É", "\ufffd")
    )
    assert replaced.bits == pytest.approx(marked.bits)


def test_a_model_that_knows_no_line_end_reads_in_order_alone(models):
    with pytest.raises(charlm.UsageError, match="never saw a line end"):
        list(models["flat"].score_lines(["ab"]))
    (score,) = models["flat"].score_lines(["abba ba"], context="carry", on_unknown="skip")
    assert score.bits_per_char == pytest.approx(models["flat"].score("abba ba").bits_per_char, abs=1e-6)


def test_any_number_of_lines_is_read_as_it_comes(models):
    read = 0

    def endless():
        nonlocal read
        while True:
            read += 1
            yield LINES[read % 60]

    first = [score.line for score, _ in zip(models["stream"].score_lines(endless()), range(3), strict=False)]
    assert first == [1, 2, 3]
    assert read < 20_000


def test_lines_of_several_blocks_are_all_scored_in_their_order(models):
    lines = [LINES[0] * (30_000 // len(LINES[0]) + place) for place in range(5)]
    scores = list(models["stream"].score_lines(iter(lines), context="carry"))
    assert [(score.line, score.chars) for score in scores] == [
        (place + 1, len(line) + (place > 0 or scores[0].chars > len(line))) for place, line in enumerate(lines)
    ]


def test_guesses_are_what_the_model_expects_there(models):
    model = models["stream"]
    (score,) = model.score_lines(["ain"], guesses=3)
    for place, cell in enumerate(score.cells()):
        expected = model.next_probabilities("\n" + "ain"[:place], top=3)
        assert dict(cell.guesses) == pytest.approx(expected, abs=1e-5)
    assert [cell.text for cell in score.cells()] == ["a", "i", "n", "\n"]


def test_the_bytes_of_a_character_are_one_cell_with_their_sum(models):
    (score,) = models["bytes"].score_lines(["ä猫a"], guesses=2)
    assert [cell.text for cell in score.cells()] == ["ä", "猫", "a", "\n"]
    assert [cell.bits for cell in score.cells()] == pytest.approx(
        [score.bits[:2].sum(), score.bits[2:5].sum(), score.bits[5], score.bits[6]]
    )
    assert score.chars == 7


def made(*bits, symbols="abcdefgh"):
    return LineScore("", 1, symbols[: len(bits)], np.array(bits), "char", symbols[: len(bits)])


def test_the_best_of_several_models_leads_by_its_margin():
    compared = Comparison.of([made(4.0, 2.0), made(1.0, 1.0), made(2.0, 2.0), made(math.nan)])
    assert (compared.best, compared.margin) == (1, 1.0)


def test_colours_follow_the_scores():
    levels = [heatmap.level(bits) for bits in np.linspace(0, 20, 400)]
    assert levels == sorted(levels)
    assert set(levels) == set(range(len(heatmap.COLOURS)))
    assert heatmap.level(math.nan) == 0
    painted = heatmap.coloured(made(0.2, 9.0, 9.5, 0.3, 15.0))
    assert painted == "a\x1b[38;5;16;48;5;203mbc\x1b[0md\x1b[38;5;16;48;5;196me\x1b[0m"


def test_a_terminal_obeys_nothing_in_a_coloured_text():
    assert heatmap.coloured(made(0.1, 9.0, symbols="\x1b[")) == r"\x1b" + "\x1b[38;5;16;48;5;203m[\x1b[0m"


class Read(HTMLParser):
    """What a browser would make of a page: the tags, the attributes and the text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.cells = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append(dict(attrs))

    def handle_data(self, data):
        if self.tags[-1:] == ["i"]:
            self.cells.append(data)


def test_text_that_looks_like_html_stays_text():
    evil = '<script>alert("1")</script><img src=x onerror=y>&amp;\x00'
    score = LineScore("", 1, evil, np.full(len(evil), 3.0), "char", evil)
    html = "".join(heatmap.heatmap([score], evil))
    read = Read(html)
    assert read.tags.count("script") == 1
    assert "img" not in read.tags
    assert "\x00" not in html
    assert "".join(read.cells).replace("\n", "").startswith('<script>alert("1")</script><img src=x onerror=y>&amp;')
    assert not any(name.startswith("on") for attributes in read.attributes for name in attributes)


def test_a_page_fetches_nothing_and_runs_only_its_own_script():
    html = "".join(page("A title", ["<p>b</p>"], "p { color: red; }", "let a = 1;"))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; style-src 'sha256-")
    assert f"script-src 'sha256-{SUM}'" in policy[1]
    assert "unsafe" not in policy[1]
    assert "://" not in html
    assert "script" not in "".join(page("A title", ["<p>b</p>"]))


def test_a_page_shows_each_character_with_its_colour_and_its_guesses(models):
    (score,) = models["stream"].score_lines(["ain ra"], guesses=5)
    read = Read("".join(heatmap.heatmap([score], "t")))
    shown = [attributes for tag, attributes in zip(read.tags, read.attributes, strict=True) if tag == "i"]
    assert len(shown) == 7
    for cell, attributes in zip(score.cells(), shown, strict=True):
        assert attributes["class"].split()[0] == f"s{heatmap.level(cell.bits)}"
        bits, *guesses = attributes["data-g"].split("\n")
        assert bits == f"{cell.bits:.1f} bits"
        assert len(guesses) == 5
        assert guesses[0].endswith(f" {cell.guesses[0].probability:.0%}")


def test_a_character_that_was_given_has_neither_colour_nor_guesses(models):
    first, second = models["stream"].score_lines(["ain", "ra"], context="carry", guesses=5)
    read = Read("".join(heatmap.heatmap([first, second], "t")))
    shown = [attributes for tag, attributes in zip(read.tags, read.attributes, strict=True) if tag == "i"]
    assert ["data-g" in attributes for attributes in shown] == [False, *[True] * 6]
    assert "class" not in shown[0]
    assert first.cells()[0].guesses == []


def test_no_lines_have_no_scores(models):
    assert list(models["stream"].score_lines([])) == []
