"""The page of `charlm export --html` in a browser: it writes what the library writes, from the same probabilities."""

import numpy as np
import pytest
from selenium.webdriver.support.wait import WebDriverWait

import charlm
from charlm.corpus.vocabulary import Vocabulary
from charlm.export.rounding import restored, stored
from charlm.files import modelfile
from charlm.insight.heatmap import LEVELS
from charlm.ngram.counting import count
from charlm.ngram.mixture import Mixture, initial_scales
from charlm.ngram.reading import kinds
from charlm.randomness import Purpose, generator
from tests.browser.chromium import SECONDS
from tests.export.models import SYMBOLS, every_network, expected_after, saved, some_texts
from tests.runs import configured

HOSTILE = "<script>document.title = 'ran'</script><img src=//127.0.0.1:9/a.png>"
LENGTH = 200


@pytest.fixture
def page(browser, tmp_path):
    """Return a function that opens the page of a model, with the weights as they are unless told otherwise."""

    def open_page(model, weights="float32"):
        charlm.export_html(model, tmp_path / "page.html", weights=weights, overwrite=True)
        browser.open(tmp_path / "page.html")
        wait(browser, "return !document.getElementById('write').disabled")
        assert status(browser) == "Ready."
        return browser

    return open_page


def wait(browser, condition):
    WebDriverWait(browser.driver, SECONDS, 0.02).until(lambda _: browser.run(condition))


def status(browser):
    return browser.run("return document.getElementById('status').textContent")


def ask(browser, **options):
    """Fill in the fields, press the button, wait for the end, and return the spans: classes and texts."""
    for name, value in options.items():
        browser.run("document.getElementById(arguments[0]).value = arguments[1]", name.replace("_", "-"), str(value))
    browser.driver.find_element("id", "write").click()
    wait(browser, "return document.getElementById('halt').disabled")
    return browser.run("return [...document.querySelectorAll('#text span')].map(s => [s.className, s.textContent])")


def written(browser, **options):
    """Return the text that the page writes."""
    return "".join(text for kind, text in ask(browser, **options) if kind != "given")


def log_probabilities(browser, ids):
    """Return what the page expects after each of ids, (T, V)."""
    script = (
        "model.predictor.restart(); return arguments[0].map(id => "
        "Array.from(softmax(Float64Array.from(model.predictor.read(id)))).map(Math.log))"
    )
    return np.array(browser.run(script, ids.tolist()))


def some_mixture(start_symbol=None):
    """Return a 4-gram of a text of six of the symbols, with scales of its own for each kind of context."""
    rng = np.random.default_rng(5)
    text = (rng.integers(0, 4, 300) + rng.integers(0, 3, 300)).astype(np.uint8)
    scales = initial_scales(4) + rng.normal(0, 0.1, (kinds(4), 2))
    return Mixture(count(text, len(SYMBOLS), 4, start_symbol), scales)


@pytest.mark.parametrize("seed", [0, 1, 3230227940, 2**64 - 1])
def test_the_random_numbers_are_those_of_the_library(page, tmp_path, seed):
    browser = page(saved(tmp_path))
    script = "const u = uniforms(BigInt(arguments[0]), 3n); return Array.from({length: 10}, () => u.next().value)"
    assert browser.run(script, str(seed)) == list(generator(seed, Purpose.SAMPLE).random(10))


@every_network
def test_probabilities_and_text_are_those_of_the_library(page, tmp_path, name):
    model = saved(tmp_path, name)
    browser = page(model)
    ids = some_texts(model, 40, 1)
    np.testing.assert_allclose(log_probabilities(browser, ids[:, 0]), expected_after(model, ids)[:, 0], atol=1e-5)
    for seed, prompt in ((1, ""), (2, "a b")):
        text = written(browser, seed=seed, prompt=prompt, length=LENGTH)
        assert text == model.sample(prompt, seed=seed, length=LENGTH)


@pytest.mark.parametrize("options", [{}, {"start_symbol": 0}])
def test_an_ngram_is_in_the_page(page, tmp_path, options):
    model = saved(tmp_path, mixture=some_mixture(**options), **options)
    browser = page(model)
    ids = some_texts(model, 60, 1)
    np.testing.assert_allclose(log_probabilities(browser, ids[:, 0]), expected_after(model, ids)[:, 0], atol=1e-5)
    assert written(browser, seed=4, prompt="a b", length=LENGTH) == model.sample("a b", seed=4, length=LENGTH)


@pytest.mark.parametrize(
    "options",
    [{"temperature": 0}, {"temperature": 1.7}, {"top_k": 2}, {"top_p": 0.6}, {"min_p": 0.4},
     {"temperature": 1.3, "top_k": 4, "top_p": 0.8, "min_p": 0.2}],
)  # fmt: skip
def test_the_text_is_drawn_from_what_the_options_leave(page, tmp_path, options):
    model = saved(tmp_path)
    text = written(page(model), seed=5, length=LENGTH, **options)
    assert text == model.sample(seed=5, length=LENGTH, **options)
    assert text != model.sample(seed=5, length=LENGTH)


@pytest.mark.parametrize("weights", ["float16", "int8"])
def test_rounded_weights_are_read_as_they_are_scored(page, tmp_path, weights):
    model = saved(tmp_path, "lstm")
    values = restored(stored(model.parameters, weights))
    parameters = model.architecture.parameters()
    for name, array in parameters.items():
        array[...] = values[name]
    path = tmp_path / "rounded.safetensors"
    modelfile.save(path, model.architecture, parameters, model.vocabulary, {})
    rounded, ids = charlm.load(path), some_texts(model, 40, 1)
    found = log_probabilities(page(model, weights), ids[:, 0])
    np.testing.assert_allclose(found, expected_after(rounded, ids)[:, 0], atol=1e-5)
    assert np.abs(found - expected_after(model, ids)[:, 0]).max() > 1e-5, "nothing was rounded"


def test_bytes_become_text_when_a_character_is_complete(page, tmp_path):
    vocabulary = Vocabulary.of("äö€ \n<".encode())
    model = saved(tmp_path, vocabulary=vocabulary)
    browser = page(model)
    for seed in range(3):
        text = written(browser, seed=seed, prompt="ä", length=301)
        assert text == model.sample("ä", seed=seed, length=301)
        assert "\ufffd" in text, "random bytes are no UTF-8"


def test_a_text_ends_where_it_is_told_to(page, tmp_path):
    model = saved(tmp_path)
    browser = page(model)
    assert written(browser, seed=1, stop="b<") == model.sample(seed=1, stop="b<")
    assert written(browser, seed=1, stop="b<").endswith("b<")
    assert written(browser, stop="", length=0) == ""


def test_the_symbol_for_rare_characters_is_never_written(page, tmp_path):
    model = saved(tmp_path, vocabulary=Vocabulary(tuple(SYMBOLS), unknown=3))
    text = written(page(model), seed=1, length=LENGTH)
    assert text == model.sample(seed=1, length=LENGTH)
    assert SYMBOLS[3] not in text


def test_each_character_is_coloured_by_its_surprise(page, tmp_path):
    model = saved(tmp_path)
    browser = page(model)
    spans = ask(browser, seed=1, prompt="a b", length=LENGTH)
    assert spans[0] == ["given", "a b"]
    text = "".join(text for _, text in spans[1:])
    bits = -model.log_probabilities("a b" + text)[range(3, 3 + LENGTH), model.encode(text)] / np.log(2)
    levels = [kind for kind, part in spans[1:] for _ in part]
    assert levels == [f"s{level}" for level in np.searchsorted(LEVELS, bits, side="right")]
    assert len(set(levels)) > 2
    said = status(browser)
    assert said.startswith(f"Seed 1: {LENGTH} characters, {bits.mean():.2f} bits each, ")


def test_without_a_seed_one_is_made_and_told(page, tmp_path):
    model = saved(tmp_path)
    browser = page(model)
    text = written(browser, length=50)
    seed = int(status(browser).split()[1].rstrip(":"))
    assert text == model.sample(seed=seed, length=50)
    assert written(browser) != text


def test_a_long_text_can_be_stopped(page, tmp_path):
    browser = page(saved(tmp_path))
    browser.run("document.getElementById('length').value = 1000000")
    browser.driver.find_element("id", "write").click()
    wait(browser, "return document.getElementById('text').textContent.length > 50")
    browser.driver.find_element("id", "halt").click()
    wait(browser, "return document.getElementById('halt').disabled")
    assert 50 < len(browser.run("return document.getElementById('text').textContent")) < 1_000_000


@pytest.mark.parametrize(
    ("options", "says"),
    [({"prompt": "a†"}, 'The model does not know "†".'), ({"stop": "†"}, 'The model does not know "†".'),
     ({"seed": "x"}, "Seed must be a whole number below 2^64."),
     ({"seed": 2**64}, "Seed must be a whole number below 2^64."),
     ({"length": 1.5}, "Length must be a whole number of at most 1,000,000."),
     ({"temperature": -1}, "Temperature must be at least 0."),
     ({"top_k": 0}, "Top-k must be a whole number of at least 1."),
     ({"top_p": 2}, "Top-p must be above 0 and at most 1."), ({"min_p": 2}, "Min-p must be between 0 and 1.")],
)  # fmt: skip
def test_a_wrong_option_is_answered_and_nothing_is_written(page, tmp_path, options, says):
    browser = page(saved(tmp_path))
    assert "".join(text for _, text in ask(browser, **options)) == ""
    assert status(browser) == says


def test_prompts_get_the_form_of_the_corpus(page, tmp_path):
    config = configured("text.txt", corpus__normalize="NFC", corpus__lowercase=True)
    metadata = {"config": config.model_dump(mode="json")}
    model = saved(tmp_path, vocabulary=Vocabulary(tuple("\n abé")), metadata=metadata)
    prompt = "AE\u0301b\r\n"
    spans = ask(page(model), prompt=prompt, seed=1, length=50)
    assert spans[0] == ["given", "aéb\n"]
    assert "".join(text for _, text in spans[1:]) == model.sample(prompt, seed=1, length=50)


def test_a_text_that_looks_like_html_stays_text(page, tmp_path):
    model = saved(tmp_path, vocabulary=Vocabulary.of(HOSTILE))
    path = tmp_path / "<script>x"
    path.mkdir()
    (path / "model.safetensors").write_bytes((tmp_path / "model.safetensors").read_bytes())
    model = charlm.load(path / "model.safetensors")
    browser = page(model)
    spans = ask(browser, prompt=HOSTILE, seed=1, length=LENGTH)
    assert spans[0] == ["given", HOSTILE]
    assert "".join(text for _, text in spans[1:]) == model.sample(HOSTILE, seed=1, length=LENGTH)
    assert browser.run("return [document.scripts.length, document.images.length]") == [2, 0]
    assert browser.driver.title == f"Write with {model.described()}"


@pytest.mark.parametrize(("cell", "units", "length"), [("gru", 256, 1_000), ("lstm", 512, 300)])
def test_a_network_of_a_usual_size_writes(page, tmp_path, cell, units, length, capsys):
    vocabulary = Vocabulary(tuple(map(chr, range(32, 100))))
    model = saved(tmp_path, vocabulary=vocabulary, cell=cell, num_layers=1, hidden_size=units)
    browser = page(model, "float16")
    assert len(written(browser, seed=1, length=length)) == length
    with capsys.disabled():
        print(f"\n{cell} 1 x {units} in Chromium: {status(browser)}")
