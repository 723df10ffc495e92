"""Facts about the configuration: what it accepts, what it refuses and how it says so."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm import config as configuration
from charlm.cells import CELLS, NAMES
from charlm.cli.config import command
from charlm.config import Config, Override, commented_defaults, dump_yaml, from_dict, load, schema
from charlm.corpus import decoding, splits
from charlm.corpus.vocabulary import UNITS
from charlm.errors import UsageError
from charlm.kernels.choice import BACKENDS
from charlm.network.regularisers.dropout import Dropout
from charlm.training import optimizers, schedules

CORPUS = "corpus: {path: data/plays}\n"


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write mine.yaml in the current directory, so that messages begin with its bare name."""
    monkeypatch.chdir(tmp_path)

    def writer(text: str | bytes) -> Path:
        path = Path("mine.yaml")
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return writer


@pytest.fixture
def problems(write):
    """Return the lines of the error that a file, and what is given beside it, leads to."""

    def tell(text: str | bytes, overrides=(), extra=()) -> list[str]:
        with pytest.raises(UsageError) as caught:
            load(write(text), overrides, extra)
        return str(caught.value).split("\n")

    return tell


def problem_of(*overrides: str) -> str:
    with pytest.raises(UsageError) as caught:
        load(None, ["corpus.path=x", *overrides])
    return str(caught.value)


# --- Reading


def test_a_corpus_is_all_that_a_file_needs(write):
    config = load(write(CORPUS))
    assert config.corpus.path == "data/plays"
    assert (config.model.cell, config.model.hidden_size, config.training.batch_size) == ("lstm", 256, 64)
    assert (config.optimizer.learning_rate, config.optimizer.betas, config.seed) == (2e-3, (0.9, 0.999), 1)


def test_values_of_every_type_are_read(write):
    text = """
        corpus: {path: [a.txt, b.txt], lowercase: true, normalize: NFC}
        model: {hidden_size: 7, embedding_size: 7, tie_weights: true}
        training: {epochs: 3, clip_norm: null}
        workers: 2
    """
    config = load(write(text))
    assert config.corpus.path == ("a.txt", "b.txt")
    assert config.corpus.lowercase is True
    assert config.corpus.normalize == "NFC"
    assert (config.model.embedding_size, config.training.epochs, config.training.clip_norm) == (7, 3.0, None)
    assert config.workers == 2


@pytest.mark.parametrize("text", ["2e-3", "0.002", "2.0e-3", "2E-3", ".002", "+2e-3"])
def test_every_way_to_write_a_float_is_a_float(write, text):
    assert load(write(f"{CORPUS}optimizer: {{learning_rate: {text}}}")).optimizer.learning_rate == 0.002


def test_a_byte_order_mark_is_passed_over(write):
    assert load(write(b"\xef\xbb\xbf" + CORPUS.encode())).corpus.path == "data/plays"


def test_windows_line_ends_keep_the_line_numbers(problems):
    assert problems(CORPUS.replace("\n", "\r\n") + "seed: x\r\n")[0].startswith("mine.yaml:2: seed: ")


def test_an_empty_file_with_a_corpus_given_beside_it_is_enough(write):
    assert load(write("# nothing yet\n"), ["corpus.path=x"]) == load(None, ["corpus.path=x"])


def test_a_configuration_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        load(None, ["corpus.path=x"]).seed = 2


# --- What is wrong with a value


def test_all_problems_are_told_at_once_in_the_order_of_the_file(problems):
    text = """\
seed: -1
corpus:
  path: data/plays
  split: {valid: 0.3}
model:
  hiden_size: 3
  cell: lstmm
  num_layers: 1
  dropout: {between: 0.5}
training:
  batch_size: 0
"""
    assert problems(text, ["workers=0"], [Override("training.max_minutes", -1.0, "--max-minutes")]) == [
        "mine.yaml:1: seed: must be at least 0, got -1",
        "mine.yaml:4: corpus.split.valid: train, valid and test must sum to 1, got 0.9 + 0.3 + 0.05 = 1.25",
        "mine.yaml:6: model.hiden_size: is not a key; did you mean 'hidden_size'? "
        "(cell, hidden_size, num_layers, embedding_size, dropout, ngram, tie_weights, dtype)",
        f"mine.yaml:7: model.cell: 'lstmm' is not a cell; did you mean 'lstm'? ({', '.join(NAMES)})",
        "mine.yaml:9: model.dropout.between: has no effect with model.num_layers 1; remove it or add a layer",
        "mine.yaml:11: training.batch_size: must be at least 1, got 0",
        "--set workers: must be 'auto' or a whole number from 1 to 1024, got 0",
        "--max-minutes: must be above 0 or null, got -1.0",
    ]


@pytest.mark.parametrize("given", ["null", "auto", "{order: 4}"])
@pytest.mark.parametrize(
    ("overrides", "order"),
    [
        (["model.ngram=null"], None),
        (["model.ngram=auto"], "auto"),
        (["model.ngram.order=5"], 5),
        (["model.ngram=null", "model.ngram.order=6"], 6),
        (["model.ngram.order=6", "model.ngram=auto"], "auto"),
    ],
)
def test_an_ngram_in_short_is_given_beside_a_file_as_in_it(write, given, overrides, order):
    path = write(f"{CORPUS}model: {{hidden_size: 7, ngram: {given}}}\n")
    assert (
        load(path, overrides).model
        == load(write(f"{CORPUS}model: {{hidden_size: 7, ngram: {{order: {order or 'null'}}}}}\n")).model
    )


def test_an_ngram_in_short_changes_its_order_alone_and_null_leaves_none_of_it(write):
    path = write(f"{CORPUS}model: {{ngram: {{order: 5, max_megabytes: 8}}}}\n")
    assert load(path, ["model.ngram=auto"]) == load(path, ["model.ngram.order=auto"])
    assert load(path, ["model.ngram=auto"]).model.ngram.max_megabytes == 8
    assert load(path, ["model.ngram=null"]) == load(write(CORPUS))


def test_a_whole_section_is_not_given_beside_a_file(problems):
    keys = "model.ngram.order, model.ngram.max_megabytes"
    for value in ("7", "{order: 3}"):
        assert problems(CORPUS, [f"model.ngram={value}"]) == [
            f"--set model.ngram: is a section; set one of its keys ({keys})"
        ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("corpus.lowercase=no", "must be true or false, got 'no'; write false"),
        ("corpus.lowercase=On", "must be true or false, got 'On'; write true"),
        ("corpus.lowercase='true'", "must be true or false, got 'true', which is text; remove the quotes"),
        ("corpus.lowercase=1", "must be true or false, got 1"),
        ("corpus.encoding=utf9", "must be the name of a text encoding, such as 'utf-8', got 'utf9'"),
        ("corpus.encoding=hex", "must be the name of a text encoding, such as 'utf-8', got 'hex'"),
        ("corpus.encoding=1252", "must be the name of a text encoding, such as 'utf-8', got 1252"),
        ('corpus.encoding="a\\0b"', "must be the name of a text encoding, such as 'utf-8', got 'a\\x00b'"),
        ("corpus.unknown=ab", "must be exactly one character, got 'ab'"),
        ("corpus.unknown=''", "must be exactly one character, got ''"),
        ('corpus.unknown="\\ud800"', "must be exactly one character, got '\\ud800'"),
        ("corpus.path=[]", "must be a path or a list of paths, got []"),
        ("corpus.path=''", "must be a path or a list of paths, got ''"),
        ("corpus.path=[a, 1]", "must be a path or a list of paths, got ['a', 1]"),
        ("corpus.path={a: b}", "must be a path or a list of paths, got a section"),
        ("corpus.normalize=nfc", "'nfc' is not a normalization form; did you mean 'NFC'? (NFC, NFD, NFKC, NFKD, null)"),
        ("corpus.unit=3", "3 is not a unit (char, byte)"),
        ("corpus.split.train=0", "must be above 0, got 0"),
        ("corpus.split.test=1.5", "must be at most 1, got 1.5"),
        ("model.cell=null", f"null is not a cell ({', '.join(NAMES)})"),
        ("model.cell=GRU", f"'GRU' is not a cell; did you mean 'gru'? ({', '.join(NAMES)})"),
        ("model.hidden_size=256.0", "must be a whole number, got 256.0; write 256"),
        ("model.hidden_size=1e2", "must be a whole number, got 100.0; write 100"),
        ("model.hidden_size=2.5", "must be a whole number, got 2.5"),
        ("model.hidden_size='256'", "must be a whole number, got '256', which is text; remove the quotes"),
        ("model.hidden_size=1_000", "must be a whole number, got '1_000'"),
        ("model.hidden_size=true", "must be a whole number, got true"),
        ("model.hidden_size=[1]", "must be a whole number, got [1]"),
        ("model.hidden_size=null", "must be a whole number, got null"),
        ("model.embedding_size=x", "must be a whole number or null, got 'x'"),
        ("model.dropout.input=1", "must be below 1, got 1"),
        ("optimizer.learning_rate=abc", "must be a number, got 'abc'"),
        ("optimizer.learning_rate='1e-3'", "must be a number, got '1e-3', which is text; remove the quotes"),
        ("optimizer.learning_rate=.inf", "must be a finite number, got inf"),
        ("optimizer.learning_rate=-.INF", "must be a finite number, got -inf"),
        ("optimizer.learning_rate=.nan", "must be a finite number, got nan"),
        ("optimizer.learning_rate=1e999", "must be a finite number, got inf"),
        (f"optimizer.learning_rate={'9' * 5000}", "must be a finite number, got inf"),
        ("optimizer.betas=[0.9]", "must be two numbers, each at least 0 and below 1, got [0.9]"),
        ("optimizer.betas=[0.9, 1]", "must be two numbers, each at least 0 and below 1, got [0.9, 1]"),
        ("seed=18446744073709551616", "must be below 18446744073709551616, got 18446744073709551616"),
        ("workers='4'", "must be 'auto' or a whole number from 1 to 1024, got '4'"),
        ("kernels=fast", "'fast' is not a choice of kernels (auto, numpy, fused)"),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(line, told):
    assert problem_of(line) == f"--set {line.split('=')[0]}: {told}"


def test_a_long_value_is_shortened():
    assert problem_of(f"model.cell={'x' * 500}").startswith(f"--set model.cell: '{'x' * 56}... is not a cell")


@pytest.mark.parametrize(("value", "got"), [("5", "5"), ("", "null"), ("[a]", "['a']")])
def test_a_section_without_keys_is_refused(problems, value, got):
    expected = f"mine.yaml:2: model.dropout: must be a section with keys (input, between, output, locked), got {got}"
    assert problems(f"model:\n  dropout: {value}\n{CORPUS}") == [expected]


def test_a_missing_corpus_is_told_where_it_belongs(problems):
    missing = "corpus.path: is missing; name the text to learn from, such as data/plays/*.txt"
    assert problems("seed: 1") == [f"mine.yaml: {missing}"]
    assert problems("seed: 1\ncorpus: {unit: char}") == [f"mine.yaml:2: {missing}"]
    with pytest.raises(UsageError, match=f"^{re.escape(missing)}$"):
        load(None)


# --- Unknown keys


def test_a_key_of_another_section_is_sent_home(problems):
    text = f"{CORPUS}model:\n  batch_size: 3\n  patience: 2\n  name: adam\n  seed: 2\nhidden_size: 3\nmodel.cell: gru\n"
    assert problems(text) == [
        "mine.yaml:3: model.batch_size: is not a key here; it belongs to training",
        "mine.yaml:4: model.patience: is not a key here; it belongs to schedule",
        "mine.yaml:5: model.name: is not a key here; it belongs to optimizer or schedule",
        "mine.yaml:6: model.seed: is not a key here; it belongs to the top level",
        "mine.yaml:7: hidden_size: is not a key here; it belongs to model",
        "mine.yaml:8: model.cell: is not a key here; 'cell' belongs to model",
    ]


def test_a_misspelt_key_of_another_section_is_recognised(problems):
    told = "mine.yaml:2: model.batchsize: is not a key here; 'batch_size' belongs to training"
    assert problems(f"{CORPUS}model: {{batchsize: 3}}") == [told]


def test_a_key_like_no_other_gets_the_list(problems):
    keys = "(corpus, preset, model, training, optimizer, schedule, seed, workers, kernels)"
    text = f"{CORPUS}5: x\nnull: x\n'a\\nb': 1\n? [a]\n: 1\n"
    assert problems(text) == [f"mine.yaml:{2 + n}: {key}: is not a key {keys}" for n, key in enumerate(
        ["5", "null", "a\\nb", "{...}"])]  # fmt: skip


def test_a_misspelt_key_does_not_make_its_neighbours_wrong(problems):
    assert len(problems(f"{CORPUS}model: {{tie_weights: true, embeding_size: 256}}")) == 1


# --- YAML


def test_a_key_given_twice_is_refused_with_both_lines(problems):
    text = f"model:\n  cell: gru\n  dtype: float64\n  cell: lstm\n{CORPUS}"
    assert problems(text) == ["mine.yaml:4: model.cell: is given twice; keep this one or the one at mine.yaml:2"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", "mine.yaml:3: is not valid YAML: expected ',' or ']', but got ':'"),
        ("a: b: c\n", "mine.yaml:1: is not valid YAML: mapping values are not allowed here"),
        ("a:\n\tb: 1", "mine.yaml:2: is not valid YAML: found character '\\t' that cannot start any "
                      "token; indent with spaces instead of tabs"),
        ("a: 1\nb: \x00", "mine.yaml:2: is not valid YAML: '\\x00' is a control character"),
        ("a: 1\n---\nb: 2", "mine.yaml:2: is not valid YAML: but found another document"),
        ('a: 1\nb: "\\UFFFFFFFF"', "mine.yaml:2: is not valid YAML: there is no such character or number"),
        ("a: " + "[" * 50 + "]" * 50, "mine.yaml:1: is not valid YAML: too many brackets in brackets"),
        (b"a: 1\nb: \xff\n", "mine.yaml:2: is not UTF-8 text (byte 0xff); save it as UTF-8"),
        ("just words", "mine.yaml: must be a configuration with keys (corpus, preset, model, training, optimizer, "
                       "schedule, seed, workers, kernels), got 'just words'; the text to learn from is named by "
                       "corpus.path in it"),
        ("x" * 32_769, "mine.yaml: is too large for a configuration, which has at most 32,768 bytes; the text to "
                       "learn from is given by corpus.path"),
    ],
)  # fmt: skip
def test_what_is_no_configuration_is_told_in_one_line(problems, text, told):
    assert problems(text) == [told]


@pytest.mark.parametrize("text", ["path: *.txt", "path: *all", "path: &a b", "path: !!python/name:os.system x"])
def test_nothing_refers_or_constructs(problems, text):
    (told,) = problems(f"corpus:\n  {text}\n")
    assert told.startswith("mine.yaml:2: is not valid YAML: ")
    assert told.endswith("put text that begins with '*', '&' or '!' in quotes")


def test_a_missing_file_and_a_directory_are_told_in_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"none\.yaml: there is no such file$"):
        load(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match=r"is a directory; a configuration is a YAML file$"):
        load(tmp_path)


# --- Values from outside the file


def test_later_values_win(write):
    text = f"{CORPUS}seed: 1\nmodel: {{hidden_size: 3}}\n"
    config = load(write(text), ["seed=2", "model.hidden_size=4", "seed=3"], [Override("seed", 4, "--seed")])
    assert (config.seed, config.model.hidden_size) == (4, 4)
    assert load(write(text), ["optimizer.betas=[0.5, 0.6]"]).optimizer.betas == (0.5, 0.6)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["training.max_minutes=5"], {"max_minutes": 5}),
        (["training.max_steps=7", "training.max_steps=5"], {"max_steps": 5}),
        (["training.max_steps=7", "training.epochs=5"], {"epochs": 5}),
        (["training.max_steps=7", "training.max_minutes=5"], {"max_steps": 7, "max_minutes": 5}),
        (["training.max_minutes=5", "training.max_steps=7", "training.epochs=4"], {"epochs": 4, "max_minutes": 5}),
    ],
)
def test_a_length_given_beside_the_file_replaces_the_files(write, overrides, expected):
    config = load(write(f"{CORPUS}training: {{epochs: 3, max_minutes: 9}}"), overrides)
    given = {name: value for name, value in config.training if name in configuration.LENGTHS and value is not None}
    assert given == expected


def test_no_length_beside_the_file_replaces_nothing(write):
    assert load(write(f"{CORPUS}training: {{epochs: 3}}"), ["training.max_steps=null"]).training.epochs == 3


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("seed", "--set seed: needs KEY=VALUE, such as model.hidden_size=512"),
        ("seed=", "--set seed: needs a value; write null for none"),
        ("seed=[", "--set seed:1: is not valid YAML: expected the node content, but found '<stream end>'"),
        ("split=3", "--set split: is not a key here; it belongs to corpus"),
        ("corpus.split=3", "--set corpus.split: is a section; set one of its keys (corpus.split.train, "
                           "corpus.split.valid, corpus.split.test, corpus.split.layout)"),
        ("seed.x=3", "--set seed.x: is not a key (corpus, preset, model, training, optimizer, schedule, seed, workers, "
                     "kernels)"),
    ],
)  # fmt: skip
def test_a_wrong_override_is_told_as_it_was_typed(override, told):
    assert problem_of(override) == told


def test_an_override_of_a_broken_section_leaves_the_files_mistake(problems):
    (told,) = problems(f"{CORPUS}model: 3", ["model.cell=gru"])
    assert told.startswith("mine.yaml:2: model: must be a section with keys (cell, ")


# --- Keys that must agree


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("corpus.unknown='?'", "corpus.unknown: has no effect with corpus.min_count 1; remove it or raise min_count"),
        ("corpus.unit=byte corpus.lowercase=true",
         "corpus.lowercase: has no effect with 'byte'; remove it or choose corpus.unit 'char'"),
        ('corpus.mode=lines corpus.min_count=2 corpus.unknown="\\n"',
         "corpus.unknown: must not be the end of a line when corpus.mode is 'lines'"),
        ("corpus.mode=lines corpus.split.layout=stripes",
         "corpus.split.layout: has no effect with 'lines', whose lines are shuffled; remove it or choose mode "
         "'stream'"),
        ("model.tie_weights=true", "model.tie_weights: needs model.embedding_size equal to model.hidden_size (256), "
                                   "got null"),
        ("model.dropout.locked=true", "model.dropout.locked: has no effect while every rate is 0; remove it or set "
                                      "a rate"),
        ("model.dtype=float64 kernels=fused", "kernels: 'fused' needs model.dtype 'float32', got 'float64'; choose "
                                              "'auto' or 'numpy'"),
        ("training.max_steps=10 schedule.warmup_steps=10",
         "schedule.warmup_steps: must be below training.max_steps (10), got 10; set it to 1, for example"),
        ("model.ngram.max_megabytes=3",
         "model.ngram.max_megabytes: has no effect without an n-gram; remove it or set model.ngram.order"),
        ("optimizer.name=sgd optimizer.nesterov=true", "optimizer.nesterov: needs optimizer.momentum above 0"),
        ("optimizer.nesterov=true",
         "optimizer.nesterov: has no effect with 'adam'; remove it or choose optimizer.name 'sgd'"),
        ("optimizer.name=sgd optimizer.eps=1e-6", "optimizer.eps: has no effect with 'sgd'; remove it or choose "
                                                  "optimizer.name 'adagrad' or 'adam' or 'adamw' or 'muon' or "
                                                  "'rmsprop'"),
        ("schedule.after=2 schedule.name=cosine", "schedule.after: has no effect with 'cosine'; remove it or choose "
                                                  "schedule.name 'exponential' or 'step'"),
        ("corpus.split.train=0.95 corpus.split.valid=0 training.early_stopping=3",
         "training.early_stopping: needs text for validation; set corpus.split.valid above 0"),
        ("corpus.split.train=0.95 corpus.split.valid=0 schedule.name=plateau",
         "schedule.name: 'plateau' needs text for validation; set corpus.split.valid above 0"),
    ],
)  # fmt: skip
def test_keys_that_do_not_agree_are_told(text, told):
    assert problem_of(*text.split()) == f"--set {told}"


def test_steps_and_epochs_in_a_file_are_one_length_too_many(problems):
    text = f"{CORPUS}training:\n  max_steps: 5\n  epochs: 3\n"
    told = "only one of the two may be given, and training.epochs is given too; remove one"
    assert problems(text) == [f"mine.yaml:3: training.max_steps: {told}"]


def test_an_option_at_its_default_may_stand_beside_a_choice_that_ignores_it(write):
    assert load(write(f"{CORPUS}optimizer: {{name: adam, momentum: 0.0}}")).optimizer.name == "adam"


def test_the_tables_of_options_name_every_choice_and_only_keys():
    for section, table in (
        (configuration.Optimizer, configuration.OPTIMIZER_OPTIONS),
        (configuration.Schedule, configuration.SCHEDULE_OPTIONS),
        (configuration.Corpus, configuration.UNIT_OPTIONS),
    ):
        assert {option for options in table.values() for option in options} <= set(section.model_fields)


@pytest.mark.parametrize("name", optimizers.RULES)
def test_a_rule_has_the_same_defaults_in_a_file_as_by_itself(name):
    assert configuration.Optimizer(name=name).build() == optimizers.RULES[name]()


@pytest.mark.parametrize("name", schedules.SCHEDULES)
def test_a_schedule_has_the_same_defaults_in_a_file_as_by_itself(name):
    assert configuration.Schedule(name=name).build() == schedules.WarmUp(schedules.SCHEDULES[name]())


def test_a_schedule_takes_its_numbers_from_the_file(write):
    config = load(write(f"{CORPUS}schedule: {{name: step, factor: 0.5, every: 2, after: 3.0, warmup_steps: 7}}"))
    assert config.schedule.build() == schedules.WarmUp(schedules.Step(0.5, 2, 3.0), 7)


def test_a_file_may_choose_what_there_is_to_choose_from():
    schemas = schema()["$defs"]
    for section, key, names in (
        ("Corpus", "unit", UNITS),
        ("Corpus", "mode", decoding.MODES),
        ("Corpus", "newlines", decoding.NEWLINES),
        ("Split", "layout", splits.LAYOUTS),
        ("Model", "cell", CELLS),
        ("Optimizer", "name", optimizers.RULES),
        ("Schedule", "name", schedules.SCHEDULES),
    ):
        assert schemas[section]["properties"][key]["enum"] == [*names]
    assert schema()["properties"]["kernels"]["enum"] == ["auto", *BACKENDS]
    (forms, _) = schemas["Corpus"]["properties"]["normalize"]["anyOf"]
    assert forms["enum"] == [*decoding.FORMS]


def test_dropout_has_the_same_defaults_in_a_file_as_by_itself():
    assert configuration.Dropout().build() == Dropout()


def test_dropout_takes_its_rates_from_the_file(write):
    text = f"{CORPUS}model: {{dropout: {{input: 0.1, between: 0.2, output: 0.3, locked: true}}}}"
    assert load(write(text)).model.dropout.build() == Dropout(0.1, 0.2, 0.3, True)


def test_a_rule_takes_its_numbers_from_the_file(write):
    config = load(write(f"{CORPUS}optimizer: {{name: sgd, momentum: 0.5, nesterov: true, weight_decay: 0.1}}"))
    assert config.optimizer.build() == optimizers.SGD(0.5, True, 0.1)


# --- Writing


def test_the_commented_defaults_are_the_defaults(write):
    text = commented_defaults()
    assert load(write(text)) == load(None, ["corpus.path=data/plays/*.txt"])
    assert text.isascii()
    for line in text.splitlines()[1:]:
        assert not line or "  # " in line, f"{line!r} has no comment"
    assert "  hidden_size: 256             # hidden units in a layer (1 to 65536)\n" in text
    assert (
        "  max_steps: null              # length in optimizer steps, instead of epochs (1 to 10^12, or null)\n" in text
    )


@pytest.mark.parametrize(
    "path", ["2e-3", "no", "null", "1:30", "0x1", "1_000", "~", "*.txt", "a: b # c", "a\nb", "w " * 99]
)
def test_text_is_written_on_one_line_and_read_as_text_by_any_yaml(write, path):
    config = load(None, extra=[Override("corpus.path", path, "--corpus")])
    written = dump_yaml(config)
    assert load(write(written)) == config
    assert yaml.safe_load(written)["corpus"]["path"] == path
    assert len(written.splitlines()) == len(configuration.KEYS)


def test_every_key_is_written_out():
    written = yaml.safe_load(dump_yaml(load(None, ["corpus.path=x"])))
    flat = {(section, key) for section in written if isinstance(written[section], dict) for key in written[section]}
    assert {key for key in configuration.KEYS if len(key) == 2} == flat


@pytest.mark.parametrize("where", ["runs/a/best.safetensors", "x"])
def test_a_checkpoints_configuration_is_checked_as_strictly(where):
    data = load(None, ["corpus.path=[a, b]", "model.cell=gru"]).to_dict()
    restored = json.loads(json.dumps(data))
    assert from_dict(restored, where).to_dict() == data
    restored["model"] |= {"cell": "grue", "layers": 3}
    with pytest.raises(UsageError) as caught:
        from_dict(restored, where)
    assert [line.split(": ")[:2] for line in str(caught.value).split("\n")] == [
        [where, "model.cell"],
        [where, "model.layers"],
    ]


@pytest.mark.parametrize("data", [None, [], "text", 3, {5: 1}, {"\ud800": 1}, {"model": {"\ud800": 1}}])
def test_no_metadata_gives_a_traceback(data):
    with pytest.raises(UsageError, match=r"^a file: "):
        from_dict(data, "a file")


def test_the_schema_describes_and_checks_files():
    described = schema()
    jsonschema.Draft202012Validator.check_schema(described)
    validator = jsonschema.Draft202012Validator(described)
    assert validator.is_valid(yaml.safe_load(commented_defaults()))
    wrongs: list[dict[str, Any]] = [
        {"model": {"cell": "lstmm"}},
        {"modl": {}},
        {"training": {"batch_size": 0}},
        {"workers": "many"},
    ]
    for wrong in wrongs:
        assert not validator.is_valid({"corpus": {"path": "x"}, **wrong}), wrong
    assert not validator.is_valid({})
    sections = [described, *described["$defs"].values()]
    assert all("description" in entry for section in sections for entry in section["properties"].values())
    assert described["$defs"]["Model"]["properties"]["cell"]["enum"] == list(NAMES)


# --- The command


def run(*arguments: str) -> Any:
    return CliRunner().invoke(command, arguments)


def test_the_command_prints_defaults_results_and_the_schema(write):
    path = str(write(f"{CORPUS}model: {{cell: gru}}"))
    assert run().stdout == commented_defaults()
    assert run(path, "--set", "seed=5").stdout == dump_yaml(load(Path(path), ["seed=5"]))
    assert run("--set", "corpus.path=x").stdout == dump_yaml(load(None, ["corpus.path=x"]))
    assert json.loads(run("--schema").stdout) == schema()


def test_the_commands_help_keeps_its_examples_on_their_lines():
    assert "\n    charlm config > mine.yaml\n    charlm config mine.yaml --set model.cell=gru\n" in run("--help").stdout


def test_the_command_leaves_errors_to_the_front_door():
    assert isinstance(run("none.yaml").exception, UsageError)
    assert isinstance(run("none.yaml", "--schema").exception, UsageError)


# --- Properties

TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
PATHS = TEXT.filter(lambda path: path.isprintable() or not re.match(r"[A-Za-z]:|\\", path))  # see test_textfile.py
TRAPS = st.sampled_from(["no", "2e-3", "null", "1:30", "~", "- a", "a: b", "# x", "*.txt", "0x1", ".inf", "=", "<<"])
CONFIGS = st.fixed_dictionaries(
    {
        "corpus": st.fixed_dictionaries(
            {
                "path": PATHS | TRAPS | st.lists(PATHS | TRAPS, min_size=1, max_size=3),
                "min_count": st.integers(2, 10**12),
            },
            optional={"unknown": st.characters(codec="utf-8"), "normalize": st.sampled_from([None, "NFC", "NFKD"])},
        )
    },
    optional={
        "model": st.fixed_dictionaries(
            {}, optional={"cell": st.sampled_from(NAMES), "hidden_size": st.integers(1, 65_536)}
        ),
        "training": st.fixed_dictionaries(
            {}, optional={"clip_norm": st.none() | st.floats(1e-30, 1e30), "epochs": st.floats(1, 1e9)}
        ),
        "optimizer": st.fixed_dictionaries(
            {"name": st.just("adam")},
            optional={
                "learning_rate": st.floats(1e-30, 1e30),
                "betas": st.lists(st.floats(0, 1, exclude_max=True), min_size=2, max_size=2),
            },
        ),
        "seed": st.integers(0, 2**64 - 1),
        "workers": st.just("auto") | st.integers(1, 1024),
    },
)


@given(data=CONFIGS)
@settings(max_examples=60, deadline=None)
def test_a_written_configuration_reads_back_the_same(tmp_path_factory, data):
    config = from_dict(data, "test")
    path = tmp_path_factory.mktemp("round") / "config.yaml"
    path.write_text(dump_yaml(config), encoding="utf-8")
    assert load(path) == config
    assert from_dict(json.loads(json.dumps(config.to_dict())), "test") == config


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | TRAPS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(
    changes=st.lists(st.tuples(st.sampled_from(configuration.KEYS), VALUES), min_size=1, max_size=4),
    stray=st.dictionaries(st.text(max_size=6) | st.integers(), VALUES, max_size=2),
)
@settings(max_examples=150, deadline=None)
def test_whatever_the_values_each_problem_is_one_plain_line(changes, stray):
    data: dict[Any, Any] = {"corpus": {"path": "x"}, **stray}
    for key, value in changes:
        section = data
        for name in key[:-1]:
            section = section.setdefault(name, {}) if isinstance(section.get(name, {}), dict) else {}
        section[key[-1]] = value
    try:
        assert isinstance(from_dict(data, "test"), Config)
    except UsageError as error:
        for line in str(error).split("\n"):
            assert line.startswith("test: ")
            assert "pydantic" not in line
            assert line.isprintable()


@given(text=st.text(st.sampled_from("abc:-[]{}#&*!|>'\"%@`,?\\ \t\n~<=01.e\ufeff\u2028\x07"), max_size=40))
@settings(max_examples=200, deadline=None)
def test_whatever_the_text_there_is_a_configuration_or_a_usage_error(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("fuzz") / "mine.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    with pytest.raises(UsageError):
        load(path)
