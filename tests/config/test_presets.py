"""`preset: auto`: what a text and the minutes choose, and what a person's own keys are to it."""

import bz2
import gzip
import json
import lzma
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import yaml

import charlm
from charlm import cli
from charlm.config import commented_defaults, dump_yaml, from_dict, resolve
from charlm.corpus.facts import facts
from charlm.corpus.loading import load as load_corpus
from charlm.corpus.vocabulary import Vocabulary
from charlm.errors import UsageError
from charlm.run import Run, chosen
from charlm.workers.ranks import Ranks
from tests.runs import corpus_file, text

NAMES = "\n".join(np.random.default_rng(0).choice(["emma", "olivia", "ada", "mia rose"], 3_000)) + "\n"
VERSE = "I come to bury Caesar,\nNot to praise him.\nThe evil that men do\n" * 400
PROSE = ("It was the best of times, it was the worst of times, it was the age of wisdom. " * 5 + "\n\n") * 40


def facts_of(content: str):
    vocabulary = Vocabulary(tuple(sorted(set(content))))
    return facts(vocabulary.encode(content).astype(np.uint8), vocabulary)


def resolved(content: str = PROSE, kernels: str = "fused", **values):
    return resolve(from_dict({"corpus": {"path": "x"}, "preset": "auto", **values}, ""), facts_of(content), kernels)


def test_facts_are_counted():
    found = facts_of("ab\n\nabcde\nabc")
    assert (found.characters, found.symbols, found.median_line) == (13, 6, 2)
    kept = facts_of("ab\r\n\r\nabcde\r\nabc")
    assert kept.median_line == 2


@pytest.mark.parametrize(("content", "listed"), [(NAMES, True), (VERSE, False), (PROSE, False), ("x" * 5_000, False)])
def test_a_list_of_names_is_told_from_verse_and_prose(content, listed):
    assert facts_of(content).listed == listed
    config, reasons = resolved(content)
    assert config.corpus.mode == ("lines" if listed else "stream")
    assert f"set corpus.mode to {'stream' if listed else 'lines'}" in reasons[0]


@pytest.mark.parametrize("mode", [{}, {"mode": "lines"}])
def test_a_column_is_read_as_lines_and_no_other_mode_is_advised(mode):
    config, reasons = resolved(VERSE, corpus={"path": "x", "column": "title", **mode})
    assert config.corpus.mode == "lines"
    assert reasons[0].endswith(" are the fields of column 'title', each an item of its own")


def test_keys_that_are_given_stay_and_the_reasons_are_those_of_what_is_done():
    config, reasons = resolved(model={"hidden_size": 77, "ngram": {"order": None}}, training={"max_steps": 9})
    assert (config.model.hidden_size, config.model.ngram.order) == (77, None)
    assert (config.training.max_steps, config.training.max_minutes, config.training.epochs) == (9, None, None)
    assert len(reasons) == 5
    said = "\n".join(reasons)
    assert "of 77" in said
    assert "no n-gram" in said
    assert "9 steps" in said


def test_what_only_another_choice_uses_is_not_chosen():
    sgd, _ = resolved(optimizer={"name": "sgd"})
    assert sgd.optimizer == from_dict({"corpus": {"path": "x"}, "optimizer": {"name": "sgd"}}, "").optimizer
    assert resolved(optimizer={"name": "muon"})[0].optimizer == resolved()[0].optimizer
    long = "".join(np.random.default_rng(1).choice(list("abcdefgh \n"), 1_200_000))
    flat, _ = resolved(long, model={"num_layers": 1}, training={"max_minutes": 60})
    assert (flat.model.num_layers, flat.model.dropout.between) == (1, 0)


def test_more_minutes_choose_a_larger_network_and_a_short_text_a_smaller_one():
    long = "".join(np.random.default_rng(1).choice(list("abcdefgh \n"), 1_200_000))
    sizes = [
        (config.model.num_layers, config.model.hidden_size)
        for config in (resolved(long, training={"max_minutes": minutes})[0] for minutes in (2, 12, 60))
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
    short = resolved(long[:5_000], training={"max_minutes": 60.0})[0]
    assert short.model.hidden_size < sizes[0][1]
    assert (short.training.max_minutes, short.training.epochs) == (60, 20)  # more would only be learnt by heart


def test_the_large_network_is_an_lstm_where_the_text_is_long_enough_for_it():
    long = "".join(np.random.default_rng(1).choice(list("abcdefgh \n"), 1_200_000))
    for characters, minutes, network in ((1_200_000, 60, "2 x lstm of 448"), (1_200_000, 12, "1 x gru of 384"),
                                         (300_000, 2, "1 x gru of 256")):  # fmt: skip
        _, reasons = resolved(long[:characters], training={"max_minutes": minutes})
        assert reasons[1].startswith(f"  {network}: ")


def test_a_short_text_that_the_minutes_let_it_read_often_gets_two_layers_and_much_dropout():
    short = "".join(np.random.default_rng(1).choice(list("abcdefgh \n"), 100_000))
    config, reasons = resolved(short)
    assert reasons[1:3] == [
        "  2 x lstm of 256: as 5 minutes with fused kernels let it read a text of this length 30 times",
        "  dropout 0.1 on the input, 0.4 between the layers, 0.5 after the last layer, against learning by heart",
    ]
    assert reasons[4].startswith("  5 minutes, at most 30 epochs")
    dropout = config.model.dropout
    assert (dropout.input, dropout.between, dropout.output) == (0.1, 0.4, 0.5)
    assert (config.training.ema, config.schedule.final_ratio) == (0.998, 0.2)
    own, said = resolved(short, model={"dropout": {"output": 0.2}}, schedule={"name": "constant"})
    assert said[1] == reasons[1]
    assert (own.model.dropout.output, own.model.dropout.between, own.schedule.name) == (0.2, 0.4, "constant")
    foreign = "".join(chr(0x4E00 + k % 300) for k in range(len(short)))  # as many symbols as Chinese texts have
    for other in (resolved(short, training={"max_minutes": 2.0}), resolved(short, "numpy"), resolved(foreign),
                  resolved(short[:40_000]), resolved(NAMES * 4, training={"max_minutes": 60.0}),
                  resolved(short, training={"epochs": 3.0}), resolved(short, training={"max_steps": 20}),
                  resolved(short, model={"hidden_size": 64}), resolved(short, model={"num_layers": 1})):  # fmt: skip
        assert other[1][1].startswith("  1 x gru of ")
        assert other[0].training.ema is None


def test_one_core_and_slower_kernels_need_more_minutes_for_the_same_network():
    long = "".join(np.random.default_rng(1).choice(list("abcdefgh \n"), 1_200_000))

    def chosen(minutes, *means):
        values = {"corpus": {"path": "x"}, "preset": "auto", "training": {"max_minutes": minutes}}
        config, reasons = resolve(from_dict(values, ""), facts_of(long), *means)
        return config, reasons[1].strip().removesuffix(" and a text of this length")

    assert chosen(30, "fused", 1)[1] == "1 x gru of 384: the size for 30 minutes with fused kernels on one core"
    assert chosen(49, "fused", 1)[0].model == chosen(24.5, "fused", 8)[0].model
    assert chosen(50, "fused", 1)[1] == "2 x lstm of 448: the size for 50 minutes with fused kernels on one core"
    assert chosen(120, "fused", 1)[0].model == chosen(60, "fused", 2)[0].model
    assert chosen(62, "numpy", 2)[1] == "1 x gru of 384: the size for 62 minutes with numpy kernels"
    assert chosen(63, "numpy", 2)[1] == "2 x lstm of 448: the size for 63 minutes with numpy kernels"


def test_the_largest_network_is_for_a_text_that_it_reads_seven_times():
    known = facts_of(PROSE)

    def chosen(characters, minutes):
        values = {"corpus": {"path": "x"}, "preset": "auto", "training": {"max_minutes": minutes}}
        facts = replace(known, characters=characters)
        return resolve(from_dict(values, ""), facts, "fused")[0].model.hidden_size

    counted = 6 * 448 * (3 * 4 * 448 + known.symbols)  # operations for a character: three matrices of four gates
    minutes = 7 * 3_000_000 * counted / (60 * 100e9)
    assert 50 < minutes < 52
    assert [chosen(3_000_000, m) for m in (24.9, 25, 0.999 * minutes, 1.001 * minutes)] == [384, 320, 320, 448]
    assert chosen(10_000_000, 120) == 320
    assert chosen(1_000_000, 25) == 448


@pytest.mark.parametrize(("length", "steps"), [({"max_steps": 40}, 40), ({"epochs": 30.0}, 232)])
def test_warm_up_and_evaluations_are_those_of_the_length_that_was_given(length, steps):
    config, _ = resolved(training=length)
    assert (config.schedule.warmup_steps, config.training.eval_every) == (steps // 20, 50)
    assert config.training.max_minutes is None
    long, _ = resolved(training={"max_steps": 6_000})
    assert (long.schedule.warmup_steps, long.training.eval_every) == (100, 500)


def test_the_reason_of_a_size_is_the_text_the_minutes_or_the_person():
    long = "".join(np.random.default_rng(1).choice(list("abcdefgh \n"), 1_200_000))
    assert resolved(long)[1][1].endswith("the size for 5 minutes with fused kernels and a text of this length")
    assert resolved(PROSE)[1][1].endswith("the most that a text of this length trains well")
    assert resolved(PROSE, model={"hidden_size": 512})[1][1].endswith("2: as given")


def test_epochs_that_were_given_are_no_choice():
    most = resolved()[0].training.epochs
    told = f"  5 minutes, at most {most:g} epochs, as more would only learn the text by heart; "
    assert resolved()[1][4].startswith(told)
    assert resolved(training={"epochs": most})[1][4].startswith(f"  {most:g} epochs; ")


def test_a_file_with_all_keys_does_not_ask_for_endless_epochs():
    written = yaml.safe_load(commented_defaults())
    values = {**written, "corpus": {"path": "x"}, "preset": "auto"}
    config, reasons = resolve(from_dict(values, ""), facts_of(PROSE), "fused")
    assert config.training.epochs == resolved()[0].training.epochs
    assert "at most 20 epochs, as more would only" in reasons[4]


def test_a_mode_that_was_given_chooses_the_windows_too():
    assert resolved(NAMES)[0].training.seq_length < 64
    assert resolved(NAMES, corpus={"path": "x", "mode": "stream"})[0].training.seq_length == 64


def test_what_follows_from_a_key_that_is_given_follows_from_its_value():
    long = "".join(np.random.default_rng(1).choice(list("abcdefgh \n"), 300_000))
    assert resolved(long)[0].training.epochs == 40
    slow, reasons = resolved(long, model={"hidden_size": 1024, "num_layers": 2}, training={"max_minutes": 5.0})
    assert (slow.training.epochs, slow.training.max_minutes) == (40, 5)
    assert slow.schedule.warmup_steps < resolved(long)[0].schedule.warmup_steps  # as five minutes are fewer steps
    assert reasons[4].startswith("  5 minutes, at most 40 epochs, as")
    given = resolved(long, training={"epochs": None, "max_minutes": 5.0})
    assert (given[0].training.epochs, given[1][4][:13]) == (None, "  5 minutes; ")
    batches, _ = resolved(long, training={"batch_size": 500, "epochs": 4.0})  # 37 steps
    assert batches.schedule.warmup_steps == 1
    windows, _ = resolved(long[:20_000], training={"seq_length": 1000})
    assert windows.training.batch_size == 5


@pytest.mark.parametrize("length", [{"epochs": 1_000.0}, {"max_steps": 1_000_000}])
def test_minutes_beside_a_length_bound_what_follows_from_it(length):
    long = "".join(np.random.default_rng(1).choice(list("abcdefgh \n"), 300_000))
    minutes = {"max_minutes": 0.5}
    alone, beside = (resolved(long, training=given)[0] for given in (minutes, minutes | length))
    assert beside.training.max_minutes == 0.5
    for section, name in (("training", "eval_every"), ("training", "checkpoint_every"), ("schedule", "warmup_steps")):
        assert getattr(getattr(beside, section), name) == getattr(getattr(alone, section), name)


def test_a_configuration_with_the_preset_is_written_as_it_was_given():
    given = {"corpus": {"path": "x"}, "preset": "auto", "model": {"ngram": {"order": 3}}, "optimizer": {"name": "sgd"}}
    config = from_dict(given, "")
    assert config.to_dict() == given
    again = from_dict(yaml.safe_load(dump_yaml(config)), "")
    kernels, about = "fused", facts_of(PROSE)
    assert resolve(again, about, kernels) == resolve(config, about, kernels)


def test_a_key_that_the_choice_gives_an_effect_may_be_given():
    model = {"dropout": {"locked": True}, "ngram": {"max_megabytes": 3.0}}
    config, _ = resolved(schedule={"final_ratio": 0.1}, model=model)
    assert config.schedule.final_ratio == 0.1
    assert config.model.dropout.locked
    assert config.model.ngram.max_megabytes == 3
    with pytest.raises(UsageError, match="has no effect"):
        resolved(schedule={"final_ratio": 0.1, "name": "constant"})


def test_a_text_that_is_read_a_few_times_only_needs_no_dropout():
    seldom, often = (resolved(training={"epochs": epochs})[0].model.dropout for epochs in (2.0, 10.0))
    assert (seldom.output, often.output) == (0, 0.5)


def test_two_layers_on_a_long_text_that_is_read_twelve_times_need_little_dropout():
    long = PROSE * (500_000 // len(PROSE))
    seldom, often = (
        resolved(long, model={"num_layers": 2}, training={"epochs": epochs})[0].model.dropout for epochs in (12.0, 13.0)
    )
    assert (seldom.between, seldom.output, often.between, often.output) == (0.1, 0.1, 0.3, 0.3)


def test_no_dropout_is_no_help_against_learning_by_heart():
    assert resolved(model={"dropout": {"output": 0.0}})[1][2] == "  no dropout"


@pytest.mark.parametrize("command", ["bench", "gradcheck"])
def test_a_command_that_reads_no_text_refuses_the_preset(tmp_path, capsys, command):
    (tmp_path / "mine.yaml").write_text("corpus: {path: x}\npreset: auto\n")
    assert cli.main([command, str(tmp_path / "mine.yaml")]) == 2
    assert "preset: auto chooses by a text, and none is read here" in capsys.readouterr().err


def test_a_short_text_keeps_its_small_batches_however_many_minutes_there_are():
    text = "".join(np.random.default_rng(1).choice(list("abcdefgh \n"), 300_000))
    few, many = (resolved(text, training={"max_minutes": minutes})[0] for minutes in (24.0, 60.0))
    assert few.to_dict() | {"training": None} == many.to_dict() | {"training": None}
    assert few.training.batch_size == 32


@pytest.mark.parametrize("module", [gzip, bz2, lzma])
def test_a_compressed_text_needs_no_configuration_and_nobody_asked_for_nine_characters(
    tmp_path, monkeypatch, capfd, module
):
    monkeypatch.chdir(tmp_path)
    name = {gzip: "a.txt.gz", bz2: "a.txt.bz2", lzma: "a.txt.xz"}[module]
    (tmp_path / name).write_bytes(module.compress(b"ab\nba\n" * 400))
    assert cli.main(["train", name, "--set", "training.max_steps=2", "--set", "corpus.mode=lines"]) == 0
    told = capfd.readouterr().err
    assert "n-gram of 4 symbols: " in told


def test_a_window_is_no_longer_than_a_tiny_text(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.txt").write_text("To be, or not to be, that is a matter", encoding="utf-8")
    assert cli.main(["train", "tiny.txt", "--set", "training.max_steps=2"]) == 0
    assert "1 x 32 characters a step" in capfd.readouterr().err


def test_what_was_chosen_is_a_configuration_that_chooses_nothing():
    config, _ = resolved()
    assert config.preset is None
    assert from_dict(config.to_dict(), "") == config


def test_a_text_in_place_of_a_configuration_trains(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    corpus_file(tmp_path, 9_000)
    assert cli.main(["train", "text.txt", "--max-steps", "3", "--set", "model.hidden_size=8"]) == 0
    assert "preset auto: " in capfd.readouterr().err
    written = charlm.load_config("runs/text/config.yaml")
    assert (written.model.hidden_size, written.preset) == (8, None)
    assert charlm.load("runs/text").mixture is not None
    run = charlm.train("text.txt", out="runs/again", on_step=lambda update: True)
    assert any("preset auto" in note for note in run.notes)


@pytest.mark.parametrize(
    ("kernels", "workers", "ranks", "counted"),
    [("fused", "auto", 1, 2), ("fused", 1, 1, 1), ("fused", 4, 1, 2), ("numpy", 1, 1, 2), ("fused", "auto", 2, 2),
     ("fused", 1, 3, 3)],
)  # fmt: skip
def test_the_cores_that_a_preset_counts_are_those_that_train(tmp_path, monkeypatch, kernels, workers, ranks, counted):
    class Job(Ranks):
        def __init__(self):
            super().__init__()
            self.size = ranks

        def on_this_machine(self):
            return ranks

    def noted(config, about, kernels, cores, source):
        seen.append(cores)
        return resolve(config, about, kernels, cores, source)

    seen: list[int] = []
    monkeypatch.setattr("charlm.run.available_cores", lambda processes: max(1, 2 // processes))
    monkeypatch.setattr("charlm.run.choose", lambda kernels, dtype: kernels)
    monkeypatch.setattr("charlm.config.resolve", noted)
    values = {"corpus": {"path": str(corpus_file(tmp_path, 9_000))}, "preset": "auto"}
    settings = from_dict({**values, "kernels": kernels, "workers": workers}, "")
    chosen(settings, load_corpus(**settings.corpus.model_dump(), seed=1), None, Job())
    assert seen == [counted]


def test_a_list_is_read_as_lines_without_being_asked(tmp_path, capfd):
    (tmp_path / "names.txt").write_text(NAMES, encoding="utf-8")
    arguments = ["--corpus", str(tmp_path / "names.txt"), "--out", str(tmp_path / "run"), "--max-steps", "2"]
    assert cli.main(["train", *arguments]) == 0
    assert charlm.load(tmp_path / "run").config.corpus.mode == "lines"
    assert charlm.load(tmp_path / "run").sample("em", lines=1, seed=1).count("\n") == 1


ACCENTED = {"lines": NAMES.replace("a", "ä"), "stream": VERSE.replace("e", "é")}


@pytest.mark.parametrize("mode", ACCENTED)
def test_a_corpus_of_bytes_gets_the_choice_that_its_report_tells(tmp_path, mode):
    path = tmp_path / "text.txt"
    path.write_bytes(ACCENTED[mode].encode())
    values = {"corpus": {"path": [str(path)], "unit": "byte"}, "preset": "auto", "training": {"max_minutes": 1.0}}
    run = Run.plan(tmp_path / "run", from_dict(values, ""), Ranks())
    run.close()
    report, of_characters = (charlm.corpus_report(path, unit=unit, max_minutes=1) for unit in ("byte", "char"))
    assert run.config.to_dict() == report.configuration
    assert [note.strip() for note in run.notes[-5:]] == list(report.reasons)
    assert (run.config.corpus.unit, run.config.corpus.mode, run.config.model.ngram.order) == ("byte", mode, "auto")
    bytes_read = len(run.corpus.train) if mode == "stream" else int(len(path.read_bytes()) * 0.9)
    assert f"preset auto: {bytes_read:,} bytes of " in report.reasons[0]
    assert report.reasons[0] != of_characters.reasons[0]


def test_a_list_in_bytes_is_trained_by_the_preset_and_written_line_by_line(tmp_path):
    path = tmp_path / "names.txt"
    path.write_bytes(ACCENTED["lines"].encode())
    values = {"corpus": {"path": str(path), "unit": "byte"}, "preset": "auto",
              "model": {"hidden_size": 8}, "training": {"max_steps": 2}}  # fmt: skip
    model = charlm.train(values, tmp_path / "run").load()
    assert (model.vocabulary.unit, model.config.corpus.mode) == ("byte", "lines")
    assert model.mixture is not None
    drawn = model.sample(b"emm", lines=3, seed=1)
    assert isinstance(drawn, bytes)
    assert (drawn.count(b"\n"), drawn.startswith(b"emm")) == (3, False)


@pytest.mark.parametrize("name", ["names.txt", "my-names.txt"])
def test_a_list_is_divided_by_lines_whatever_its_name(tmp_path, name):
    (tmp_path / name).write_text(NAMES, encoding="utf-8")
    run = charlm.train(tmp_path / name, tmp_path / "run", on_step=lambda update: True)
    assert run.load().config.corpus.mode == "lines"
    assert set(run.load().vocabulary.decode(run.load().read_part("valid")).split("\n")) <= {*NAMES.split("\n"), ""}
    assert charlm.train(resume=run.path, on_step=lambda update: True).step == run.step + 1


def test_a_list_from_standard_input_is_one_stream_and_can_be_resumed(tmp_path, run_charlm):
    run, text = tmp_path / "run", NAMES.encode()
    begun = run_charlm("train", "-", "--out", run, "--max-steps", "2", stdin=text)
    assert begun.returncode == 0, begun.stderr
    assert charlm.load(run).config.corpus.mode == "stream"
    reason = "a list of short lines, read as one stream, as it can be read only once"
    assert reason in begun.stderr.decode()
    told = run_charlm("corpus", "-", "--json", stdin=text).stdout
    assert reason in " ".join(json.loads(told)["reasons"])
    assert run_charlm("train", "--resume", run, "--max-steps", "4", stdin=text).returncode == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_list_from_a_named_pipe_is_read_once_and_as_one_stream(tmp_path, run_charlm):
    pipe = tmp_path / "names"
    os.mkfifo(pipe)
    reason = "a list of short lines, read as one stream, as it can be read only once"
    for arguments in (["train", "--corpus", pipe, "--max-steps", "2", "--dry-run"], ["corpus", pipe, "--json"]):
        with ThreadPoolExecutor(1) as writer:
            writer.submit(pipe.write_text, NAMES)
            done = run_charlm(*arguments, cwd=tmp_path, timeout=60)
        assert done.returncode == 0, done.stderr
        assert reason in " ".join((done.stdout + done.stderr).decode().split())
    told = json.loads(done.stdout)
    assert (told["mode"], told["likely_mode"]) == ("stream", "lines")


@pytest.mark.parametrize(("mode", "form"), [("lines", "lines, each an item of its own"), ("stream", "one stream")])
def test_a_mode_that_is_given_is_not_put_down_to_standard_input(mode, form):
    config, reasons = resolved(NAMES, corpus={"path": "-", "mode": mode})
    assert config.corpus.mode == mode
    assert reasons[0].endswith(f" are read as {form}, as given")


def test_a_text_of_a_few_characters_is_refused_in_one_line(tmp_path, capfd):
    (tmp_path / "few.txt").write_text(text(20), encoding="utf-8")
    assert cli.main(["train", str(tmp_path / "few.txt"), "--out", str(tmp_path / "run")]) == 1
    assert len(capfd.readouterr().err.splitlines()[-1]) < 300


@pytest.mark.parametrize("keys", [{"split": {"layout": "stripes"}}, {"separator": "--"}])
def test_a_list_with_a_key_that_lines_do_not_have_is_one_stream(keys):
    config, reasons = resolved(NAMES, corpus={"path": "x", **keys})
    assert (config.corpus.mode, config.training.seq_length) == ("stream", 64)
    assert reasons[0].endswith(" a list of short lines, read as one stream, as lines have no stripes and no separator")
    told, other = (resolved(PROSE, corpus=corpus)[1][0] for corpus in ({"path": "x", **keys}, {"path": "x"}))
    assert f"{told} (if not, set corpus.mode to lines)" == other  # which these keys do not allow
    with pytest.raises(UsageError, match=r"has no effect with 'lines', .* or choose mode 'stream'"):
        resolved(NAMES, corpus={"path": "x", "mode": "lines", **keys})
