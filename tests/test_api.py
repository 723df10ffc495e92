"""The library: what a person gets from `import charlm`."""

import json
import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import charlm
from charlm import cli
from charlm.corpus.vocabulary import Vocabulary
from charlm.files import modelfile
from charlm.inference.text import Text, characters
from tests.conftest import ROOT
from tests.networks import BACKENDS, FUSED
from tests.runs import SMALL, metrics, state, text, trained, unsynced

WORDS = text() + "Élan, naïve!\n" * 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with run directories of models of a text, of lines, and of bytes."""
    folder = tmp_path_factory.mktemp("models")
    names = "\n".join(np.random.default_rng(0).choice(["emma", "olivia", "ada", "mia"], 300)) + "\n"
    quick = {"training__max_steps": 150, "optimizer__learning_rate": 0.02}
    trained(folder, "stream", WORDS, **quick)
    trained(folder, "lines", names, corpus__mode="lines", **quick)
    trained(folder, "bytes", "äöü€\n" * 200, corpus__unit="byte", **quick)
    trained(folder, "flat", "abc " * 300)
    return folder


@pytest.fixture(scope="module")
def stream(folder):
    return charlm.load(folder / "stream")


@pytest.fixture(scope="module")
def lines(folder):
    return charlm.load(folder / "lines")


@pytest.fixture(scope="module")
def of_bytes(folder):
    return charlm.load(folder / "bytes")


PROMPTS = {"stream": "tin ra", "lines": "em", "bytes": "äö"}


# --- Writing


@pytest.mark.parametrize("name", PROMPTS)
def test_the_library_writes_what_the_command_writes(folder, capsys, name):
    model, prompt = charlm.load(folder / name), PROMPTS[name]
    assert cli.main(["sample", str(folder / name), "--prompt", prompt, "--seed", "3", "--length", "90"]) == 0
    assert capsys.readouterr().out.removesuffix("\n") == (
        prompt + model.sample(prompt, seed=3, length=90)
    ).removesuffix("\n")


def test_a_text_without_its_prompt_comes_back_and_the_length_is_its_own(stream):
    for length in (0, 1, 77):
        assert len(stream.sample("tin", length=length)) == length
    assert len(stream.sample()) == 500


def test_the_same_seed_gives_the_same_text_and_none_gives_another_each_time(stream):
    assert stream.sample(seed=1, length=60) == stream.sample(seed=1, length=60)
    assert stream.sample(length=60) != stream.sample(length=60)


@pytest.mark.parametrize("kind", [np.int64, np.uint64, np.int8])
def test_a_seed_may_be_a_number_of_numpys(stream, kind):
    assert stream.sample("t", seed=kind(7), length=kind(20)) == stream.sample("t", seed=7, length=20)
    assert stream.sample("t", seed=kind(7), lines=kind(4)) == stream.sample("t", seed=7, lines=4)


def test_a_temperature_may_be_any_number(stream):
    cool = stream.sample("t", seed=7, temperature=0.5)
    assert stream.sample("t", seed=7, temperature=Fraction(1, 2)) == cool
    with warnings.catch_warnings(action="error"):
        assert stream.sample("t", seed=7, temperature=np.float32(0.5)) == cool


def test_novel_items_may_be_counted_by_numpys_numbers(lines):
    def written(kind):
        return [text.text for text in charlm.novel_items(lines, items=kind(60), seed=kind(3), temperature=1.5)]

    assert written(np.int8) == written(int)


def test_several_texts_are_a_list_whose_first_is_the_one_written_alone(stream):
    texts = stream.sample("a", count=3, seed=5, length=40)
    assert len(set(texts)) == 3
    assert texts[0] == stream.sample("a", seed=5, length=40)


def test_the_pieces_of_a_stream_are_the_text(stream):
    pieces = list(stream.stream("a", seed=2, length=5_000))
    assert len(pieces) > 1
    assert "".join(pieces) == stream.sample("a", seed=2, length=5_000)


def test_a_stream_can_be_left_before_its_end(stream):
    before = threadpool_info()
    piece = next(stream.stream(length=10**9))
    assert piece
    assert threadpool_info() == before


@pytest.mark.parametrize(
    ("options", "ends"),
    [({"stop": "la"}, lambda text: text.endswith("la") and text.count("la") == 1),
     ({"lines": 3}, lambda text: text.endswith("\n") and text.count("\n") == 3)],
)  # fmt: skip
def test_a_text_ends_where_it_is_told_to(stream, options, ends):
    assert ends(stream.sample(seed=1, length=5_000, **options))


def test_narrow_choices_are_greedy(stream):
    greedy = stream.sample(temperature=0, length=60)
    for narrow in ({"top_k": 1}, {"top_p": 1e-9}, {"min_p": 1}):
        assert stream.sample(length=60, **narrow) == greedy


def test_a_byte_model_answers_text_with_text_and_bytes_with_bytes(of_bytes):
    written = of_bytes.sample("äö", seed=1, length=60)
    raw = of_bytes.sample("äö".encode(), seed=1, length=60)
    assert isinstance(raw, bytes)
    assert len(raw) == 60
    assert raw.decode("utf-8", "replace") == written
    assert b"".join(of_bytes.stream("äö".encode(), seed=1, length=60)) == raw
    assert of_bytes.sample(b"\xc3", count=2, seed=1, length=8)[0] == of_bytes.sample(b"\xc3", seed=1, length=8)
    assert of_bytes.sample("äö".encode(), seed=1, stop="€").endswith("€".encode())
    assert of_bytes.sample("äö", seed=1, stop="€".encode()).endswith("€")


@pytest.mark.parametrize(
    "kernels", ["numpy", pytest.param("fused", marks=pytest.mark.skipif(not FUSED, reason="no fast extra"))]
)
def test_two_threads_write_what_each_would_write_alone(folder, kernels):
    model = charlm.load(folder / "stream", kernels=kernels)
    alone = [model.sample("ra", seed=seed, length=400) for seed in range(8)]
    before = threadpool_info()
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda seed: model.sample("ra", seed=seed, length=400), range(8)))
    assert together == alone
    assert threadpool_info() == before


def test_a_long_text_costs_as_much_a_character_as_a_short_one():
    def seconds(length):
        written = Text(characters(Vocabulary.of("abcdefgh")), stop="hgfedcba")
        symbols = np.random.default_rng(0).integers(0, 8, length).tolist()
        began = perf_counter()
        for symbol in symbols:
            written.add(symbol)
        return perf_counter() - began

    assert min(seconds(400_000) for _ in range(3)) < 40 * min(seconds(20_000) for _ in range(5))


# --- Scoring and predicting


def test_a_score_is_that_of_the_command_for_the_same_text(folder, stream, lines, capsys):
    for model, name, content in ((stream, "stream", "tin ra\nna tiel\n"), (lines, "lines", "emma\nada\nmia\n")):
        (folder / "content.txt").write_text(content, newline="\n")
        assert cli.main(["eval", str(folder / name), str(folder / "content.txt")]) == 0
        score = model.score(content)
        assert capsys.readouterr().out.splitlines()[:2] == [
            f"loss           {score.loss:.4f} nats per character",
            f"bits_per_char  {score.bits_per_char:.4f}",
        ]


def test_a_score_is_the_mean_of_the_log_probabilities(stream, lines, of_bytes):
    for model, content, given in ((stream, "tin ra\nna tiel", 1), (lines, "emma\nada\nmi", 0), (of_bytes, "äö€\n", 1)):
        ids = model.encode(content)
        chosen = model.log_probabilities(content)[np.arange(len(ids)), ids]
        score = model.score(content)
        assert score.chars == len(ids) - given
        assert score.loss == pytest.approx(-chosen[given:].mean(), rel=1e-5)
        assert score.perplexity == pytest.approx(np.exp(score.loss))


@pytest.mark.parametrize("name", PROMPTS)
def test_probabilities_sum_to_one_before_every_character(folder, name):
    model = charlm.load(folder / name)
    expected = model.log_probabilities(PROMPTS[name] * 5)
    assert expected.shape == (len(model.encode(PROMPTS[name] * 5)), len(model.vocabulary))
    np.testing.assert_allclose(np.exp(expected).sum(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize("name", PROMPTS)
def test_each_row_is_what_was_expected_after_the_characters_before(folder, name):
    model, prompt = charlm.load(folder / name), PROMPTS[name]
    rows = np.exp(model.log_probabilities(prompt))
    ids = model.encode(prompt)
    for before, row in enumerate(rows):
        found = model.next_probabilities(ids[:before], top=None)
        assert list(found.values()) == sorted(row, reverse=True)
        assert len(found) == len(model.vocabulary)


def test_the_likeliest_symbols_come_first_and_are_what_a_greedy_text_goes_on_with(stream, of_bytes):
    found = stream.next_probabilities("tin", top=3)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert len(found) == 3
    assert next(iter(found)) == stream.sample("tin", temperature=0, length=1)
    assert next(iter(of_bytes.next_probabilities("äö"))) == of_bytes.sample("äö".encode(), temperature=0, length=1)


def test_in_a_model_of_lines_a_line_end_makes_it_forget(lines):
    expected = lines.log_probabilities("emma\nada\nemma\n")
    np.testing.assert_array_equal(expected[:5], expected[9:14])


def test_nothing_has_no_rows(stream):
    assert stream.log_probabilities("").shape == (0, len(stream.vocabulary))


# --- What the model says of itself


def test_weights_have_names_and_cannot_be_written(stream):
    weights = stream.parameters
    assert weights["rnn.weight_hh_l0"].shape[1] == stream.config.model.hidden_size
    assert weights["decoder.weight"].shape[0] == len(stream.vocabulary)
    with pytest.raises(ValueError, match="read-only"):
        weights["decoder.weight"][0, 0] = 1
    with pytest.raises(TypeError):
        weights["decoder.weight"] = 1


def test_a_model_without_a_configuration_still_writes(stream, folder):
    saved = modelfile.load(stream.path)
    path = folder / "bare.safetensors"
    modelfile.save(path, saved.architecture, saved.parameters, saved.vocabulary, {})
    bare = charlm.load(path)
    assert bare.sample(seed=1) == stream.sample(seed=1)
    with pytest.raises(charlm.CharlmError, match="holds no configuration"):
        print(bare.config)
    with pytest.raises(charlm.CharlmError, match="does not say how its corpus was read"):
        bare.read_part()


# --- Errors


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda model: model.sample("ti†"), "not in the vocabulary of 17 symbols: '†'"),
        (lambda model: model.sample(stop="†"), "stop: not in the vocabulary"),
        (lambda model: model.sample(stop=""), "stop: the empty text would end every text"),
        (lambda model: model.sample(b"tin"), "is a model of characters; give it text instead of bytes"),
        (lambda model: model.sample(temperature=float("nan")), "temperature: must be at least 0, got nan"),
        (lambda model: model.sample(top_p=1.5), "top_p: must be above 0 and at most 1, got 1.5"),
        (lambda model: model.sample(count=0), "count: must be at least 1, got 0"),
        (lambda model: model.sample(count=10**18), "count: must be at most 10,000, got 1000000000000000000"),
        (lambda model: model.sample(top_k=10**30), "top_k: must be at most 1,114,112, got 1000"),
        (lambda model: model.stream(length=10**5000), "length: must be at most 1,000,000,000, got a value that is too"),
        (lambda model: model.sample(lines=10**30), "lines: must be at most 1,000,000, got 1000"),
        (lambda model: model.sample(on_unknown="guess"), "'guess' is not a policy"),
        (lambda model: model.stream(length=-1), "length: must be at least 0, got -1"),
        (lambda model: model.score("t"), "at least two characters"),
        (lambda model: model.score(np.array([1, 99])), "ids must be between 0 and 16, got 1 to 99"),
        (lambda model: model.next_probabilities(top=0), "top: must be at least 1"),
    ],
)
def test_a_wrong_argument_is_told_at_once_and_by_its_name(stream, ask, told):
    with pytest.raises(charlm.CharlmError) as error:
        ask(stream)
    assert told in str(error.value)
    assert "--" not in str(error.value)


def test_errors_have_kinds_that_code_can_tell_apart(stream, folder, tmp_path):
    for ask in (lambda: stream.sample("†"), lambda: stream.sample(stop="†"), lambda: stream.score("a†")):
        with pytest.raises(charlm.UnknownSymbolError):
            ask()
    (tmp_path / "odd.txt").write_text("ti†", encoding="utf-8")
    with pytest.raises(charlm.UnknownSymbolError, match=r"odd\.txt: not in the vocabulary"):
        stream.read_files([tmp_path / "odd.txt"])
    with pytest.raises(charlm.CorpusError):
        stream.read_files([tmp_path / "none.txt"])
    (tmp_path / "torn.safetensors").write_bytes(stream.path.read_bytes()[:-9])
    with pytest.raises(charlm.DamagedFileError):
        charlm.load(tmp_path / "torn.safetensors")


def test_lines_of_a_model_that_never_saw_a_line_end_are_refused(folder):
    with pytest.raises(charlm.UsageError, match="flat never saw a line end, so it writes none; give a length"):
        charlm.load(folder / "flat").sample(lines=3)


def test_a_model_that_is_not_there_is_told(folder):
    with pytest.raises(charlm.UsageError, match="no such run or file; did you mean"):
        charlm.load(folder / "strem")
    with pytest.raises(charlm.UsageError, match="workers: must be 'auto' or at least 1, got 0"):
        charlm.load(folder / "stream", workers=0)


# --- Training


@pytest.fixture
def corpus(tmp_path):
    (tmp_path / "mine.txt").write_text(WORDS, newline="\n")
    return tmp_path / "mine.txt"


@unsynced
def test_training_leaves_a_run_whose_model_loads(corpus, tmp_path):
    run = charlm.train(small(corpus), tmp_path / "run")
    assert (run.finished, run.step, run.total_steps) == (True, 24, 24)
    assert run.best_loss == min(line["valid_loss"] for line in metrics(run.path) if "valid_loss" in line)
    model = run.load()
    assert model.score(model.read_part("valid")).loss == pytest.approx(run.best_loss, rel=1e-5)
    assert model.config.training.max_steps == 24


@unsynced
def test_a_dictionary_a_file_and_a_configuration_are_the_same_training(corpus, tmp_path):
    written = tmp_path / "mine.yaml"
    written.write_text(json.dumps(small(str(corpus))))
    forms = [small(corpus), written, str(written), charlm.load_config(written)]
    runs = [charlm.train(form, tmp_path / f"run {n}") for n, form in enumerate(forms)]
    weights = [run.load().parameters["decoder.weight"] for run in runs]
    for other in weights[1:]:
        np.testing.assert_array_equal(other, weights[0])


@unsynced
def test_a_run_that_was_stopped_goes_on_as_if_it_never_had(corpus, tmp_path):
    whole = charlm.train(small(corpus), tmp_path / "whole")
    losses: list[float] = []

    def stop_at_13(update):
        losses.append(update.progress.loss)
        return update.progress.step == 13

    cut = charlm.train(small(corpus), tmp_path / "cut", on_step=stop_at_13)
    assert (cut.finished, cut.step, len(losses)) == (False, 13, 13)
    resumed = charlm.train(resume=cut.path)
    assert (resumed.finished, resumed.step) == (True, 24)
    assert resumed.history == whole.history
    ended = state(tmp_path / "cut")
    assert {**ended, "config": None} == {**state(tmp_path / "whole"), "config": None}
    assert charlm.train(resume=cut.path).history == whole.history, "a finished run is answered with what it came to"


@unsynced
def test_a_length_may_be_a_number_of_numpys(corpus, tmp_path):
    run = charlm.train(small(corpus), tmp_path / "run")
    longer = charlm.train(resume=run.path, changes=charlm.Changes(max_steps=np.int64(30)))  # type: ignore[arg-type]
    assert (longer.step, longer.total_steps) == (30, 30)


@unsynced
def test_a_run_is_only_replaced_where_that_is_asked_for(corpus, tmp_path):
    first = charlm.train(small(corpus), tmp_path / "run")
    with pytest.raises(charlm.UsageError, match="already holds a run"):
        charlm.train(small(corpus), tmp_path / "run")
    again = charlm.train(small(corpus, seed=2), tmp_path / "run", replace=True, init_from=first.path)
    assert again.load().config.seed == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "config: is missing; give a configuration or a text, or resume a run"),
        ({"config": {"corpus": {"path": "x"}}}, "out: is missing; name the run directory"),
        ({"config": {}, "out": "x"}, "corpus.path: is missing; name the text to learn from"),
        ({"resume": "x", "out": "y"}, "resume: goes on exactly as the run began; leave out config, out"),
        ({"resume": "nowhere"}, "nowhere"),
    ],
)
def test_a_training_that_cannot_begin_is_told(arguments, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(charlm.UsageError) as error:
        charlm.train(**arguments)
    assert told in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_all_mistakes_of_a_configuration_come_at_once(tmp_path):
    (tmp_path / "bad.yaml").write_text("corpus: {path: x}\nmodel:\n  cell: lstmm\ntraining:\n  batch_size: 0\n")
    with pytest.raises(charlm.ConfigError) as error:
        charlm.load_config(tmp_path / "bad.yaml", {"model.hiden_size": 3})
    mistakes = error.value.mistakes
    assert [mistake.split(": ")[1 if "bad.yaml" in mistake else 0] for mistake in mistakes] == [
        "model.cell", "training.batch_size", "model.hiden_size"
    ]  # fmt: skip
    assert str(error.value) == "\n".join(mistakes)
    assert "did you mean 'hidden_size'" in mistakes[2]
    with pytest.raises(charlm.ConfigError, match=r"^training\.batch_size: must be at least 1, got 0$"):
        charlm.train({"corpus": {"path": "x"}, "training": {"batch_size": 0}}, tmp_path / "run")


def test_values_given_beside_a_file_win_in_either_form(tmp_path):
    (tmp_path / "file.yaml").write_text("corpus: {path: x}\ntraining: {epochs: 3}\n")
    overrides = {"model.hidden_size": 7, "training.max_steps": 5}
    config = charlm.load_config(tmp_path / "file.yaml", overrides)
    assert (config.model.hidden_size, config.training.max_steps, config.training.epochs) == (7, 5, None)
    assert config == charlm.load_config(tmp_path / "file.yaml", [f"{key}={value}" for key, value in overrides.items()])
    with pytest.raises(charlm.ConfigError, match=r"^seed: needs KEY=VALUE"):
        charlm.load_config(tmp_path / "file.yaml", ["seed"])


@unsynced
def test_a_training_in_a_thread_and_a_model_in_use_do_not_disturb_each_other(corpus, folder, tmp_path):
    model = charlm.load(folder / "stream")
    alone = charlm.train(small(corpus), tmp_path / "alone"), model.sample(seed=1), model.score(WORDS)
    before = threadpool_info()
    with ThreadPoolExecutor() as pool:
        training = pool.submit(charlm.train, small(corpus), tmp_path / "in a thread")
        used = [(model.sample(seed=1), model.score(WORDS)) for _ in range(5)]
        trained_there = training.result()
    assert used == [alone[1:]] * 5
    assert trained_there.history == alone[0].history
    assert threadpool_info() == before


def test_a_script_needs_no_guard_around_its_training(corpus, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        f"import charlm\nrun = charlm.train({small(str(corpus))!r}, 'run')\nprint(run.load().sample(length=20))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout) == 21


@unsynced
def test_a_training_leaves_the_process_as_it_was_even_after_an_error(corpus, tmp_path):
    before = threadpool_info()
    run = charlm.train(small(corpus), tmp_path / "run")
    with pytest.raises(charlm.CharlmError):
        charlm.train(small(corpus, model={"hidden_size": 9}), tmp_path / "other", init_from=run.path)
    with pytest.raises(ZeroDivisionError):
        charlm.train(small(corpus), tmp_path / "third", on_step=lambda update: 1 // 0)
    assert threadpool_info() == before


def small(path, **changes):
    """Return a small configuration as nested dictionaries."""
    nested: dict[str, Any] = {"corpus": {"path": path}}
    for dotted, value in SMALL.items():
        place = nested
        *sections, name = dotted.split(".")
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = value
    for name, value in changes.items():
        nested[name] = {**nested[name], **value} if isinstance(value, dict) else value
    return nested


# --- What stands around it


def test_importing_the_library_imports_next_to_nothing():
    code = "import sys, charlm; print(*(name for name in sys.modules if name.startswith(('charlm', 'numpy', 'click'))))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == ["charlm"]


def test_every_public_name_is_there_and_listed():
    for name in charlm.__all__:
        assert getattr(charlm, name) is not None
        assert name in dir(charlm)
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        charlm.laod  # type: ignore[attr-defined] # noqa: B018


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system pins no threads")
def test_a_model_leaves_the_process_as_it_was(folder):
    before = threadpool_info(), os.sched_getaffinity(0)
    model = charlm.load(folder / "stream")
    model.sample(length=50)
    model.score(WORDS * 4)
    model.log_probabilities("tin")
    with pytest.raises(charlm.CharlmError):
        model.score("†")
    assert (threadpool_info(), os.sched_getaffinity(0)) == before


# --- The form of the corpus


FORMS = [
    ({}, "tin\r\nra\r", "tin\nra\n"),
    ({"corpus__lowercase": True}, "TIN Ra É", "tin ra é"),
    ({"corpus__normalize": "NFC"}, "E\u0301lan", "Élan"),
    ({"corpus__normalize": "NFD"}, "Élan", "E\u0301lan"),
]


@pytest.mark.parametrize(("options", "given", "same"), FORMS)
def test_texts_are_read_as_the_corpus_was(tmp_path, options, given, same):
    model = charlm.load(trained(tmp_path, "m", WORDS, training__max_steps=4, **options))
    assert model.as_in_corpus(given) == same == model.as_in_corpus(same)
    assert model.vocabulary.decode(model.encode(given)) == same
    assert model.sample(given, length=30, seed=1) == model.sample(same, length=30, seed=1)
    assert list(model.stream(given, length=30, seed=1)) != []
    assert model.score(given) == model.score(same)
    np.testing.assert_array_equal(model.log_probabilities(given), model.log_probabilities(same))
    assert model.next_probabilities(given) == model.next_probabilities(same)


def test_a_stop_is_compared_as_the_corpus_was_read(tmp_path):
    model = charlm.load(trained(tmp_path, "m", WORDS, training__max_steps=4, corpus__lowercase=True))
    text = model.sample(length=400, seed=1)
    letter = next(letter for letter in text if letter.isalpha())
    assert model.sample(length=400, seed=1, stop=letter.upper()) == text[: text.index(letter) + 1]


def test_newlines_that_the_corpus_kept_are_kept(tmp_path):
    model = charlm.load(trained(tmp_path, "m", WORDS + "a\r\n" * 9, corpus__newlines="keep", training__max_steps=4))
    assert model.as_in_corpus("a\r\n") == "a\r\n"


def test_the_symbol_for_rare_characters_is_written_only_when_it_is_asked_for(tmp_path):
    rare = "".join(chr(0x4E00 + index) + "tin ra" for index in range(300))
    model = charlm.load(trained(tmp_path, "m", rare, corpus__min_count=2, training__sample_every=6))
    assert model.vocabulary.unknown is not None
    choices: list[dict[str, Any]] = [{}, {"temperature": 5.0}, {"temperature": 0.0}, {"top_k": 8}, {"min_p": 0.0}]
    for options in choices:
        samples: list[str] = model.sample(length=300, seed=1, count=3, **options)
        assert "\ufffd" not in "".join(samples)
    assert "\ufffd" in model.sample(length=300, temperature=1.0, seed=1, allow_unknown=True)
    assert "\ufffd" not in (tmp_path / "m" / "samples.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("kernels", BACKENDS)
def test_probabilities_are_the_models_own_where_a_symbol_is_never_written(tmp_path, kernels):
    rare = "".join(chr(0x4E00 + index) + "tin ra" for index in range(300))
    model = charlm.load(trained(tmp_path, "m", rare, corpus__min_count=2), kernels=kernels)
    assert "\ufffd" not in model.sample(length=500, seed=1, temperature=2.0)
    writing = model.writing("tin", length=20, seed=1, probabilities=True)
    for _ in writing:
        pass
    (text,) = writing.texts
    expected = np.exp(model.log_probabilities("tin" + text.text))[3:]
    np.testing.assert_allclose(text.probabilities, expected[range(20), text.ids], rtol=1e-4)
