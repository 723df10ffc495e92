"""A model with an n-gram beside its network: trained, cut, resumed, scored and sampled."""

import io
import json

import numpy as np
import pytest

import charlm
from charlm import cli
from charlm.files import checkpoint
from charlm.files.checkpoint import METADATA_KEY
from tests.networks import BACKENDS, FUSED
from tests.runs import (
    EVERYTHING,
    advance,
    configured,
    corpus_file,
    finish,
    metrics,
    resume,
    start,
    state,
    text,
    trained,
)

NGRAM = {"model__ngram__order": 4}
UNSEEN = text(seed=1)[:400]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    names = "\n".join(np.random.default_rng(0).choice(["emma", "olivia", "ada", "mia"], 300)) + "\n"
    trained(folder, "stream", text(), **NGRAM)
    trained(folder, "lines", names, corpus__mode="lines", **NGRAM)
    trained(folder, "bytes", "äöü€\n" * 200, corpus__unit="byte", **NGRAM)
    trained(folder, "pruned", text(), model__ngram={"order": 6, "max_megabytes": 0.005})
    trained(folder, "plain", text())
    return folder


@pytest.fixture
def run(capfd):
    """Run a command, and return what it wrote to standard output, or to standard error if it failed as expected."""

    def run(*arguments, status=0):
        assert cli.main([str(argument) for argument in arguments]) == status
        printed = capfd.readouterr()
        return printed.out if status == 0 else printed.err

    return run


@pytest.mark.parametrize("kernels", BACKENDS)
@pytest.mark.parametrize(
    "others",
    [{}, {**EVERYTHING, "workers": 2}, {"corpus__mode": "lines"}, {"corpus__unit": "byte"}],
    ids=["alone", "with all else", "of lines", "of bytes"],
)
def test_cut_and_resumed_it_ends_in_the_same_bytes(tmp_path, kernels, others):
    path = tmp_path / "text.txt"
    path.write_text(text().replace("a", "ä"), encoding="utf-8", newline="\n")
    config = configured(path, **{"kernels": kernels, **others, **NGRAM})
    uncut = state(finish(start(tmp_path / "uncut", config)))
    for step in (3, 11, 17):  # resumed from 15, it writes a sample before its scales are fitted anew
        cut = start(tmp_path / f"cut-{step}", config)
        advance(cut, step)
        cut.close()
        assert state(finish(resume(tmp_path / f"cut-{step}"))) == uncut


def test_what_is_printed_is_the_loss_of_both_and_of_the_network_alone(tmp_path):
    config = configured(corpus_file(tmp_path), **NGRAM)
    last = metrics(finish(start(tmp_path / "run", config)))[-1]
    both, alone = (charlm.load(tmp_path / "run/last.safetensors", ngram=ngram) for ngram in (True, False))
    ids = both.read_part("valid")
    assert both.score(ids).loss == pytest.approx(last["valid_loss"], abs=1e-4)
    assert both.score(ids).network_loss == pytest.approx(last["valid_network_loss"], abs=1e-4)
    assert alone.score(ids).loss == pytest.approx(last["valid_network_loss"], abs=1e-4)
    assert alone.score(ids).network_loss is None
    assert last["valid_loss"] < last["valid_network_loss"] - 0.1


@pytest.mark.parametrize("name", ["stream", "lines", "bytes"])
def test_the_losses_of_the_characters_add_up_to_the_score(folder, name):
    model = charlm.load(folder / name)
    read = "emma\nada\nmia\n" if name == "lines" else "äöü€\nöä" if name == "bytes" else UNSEEN
    ids = model.encode(read)
    losses = -model.log_probabilities(read)[np.arange(len(ids)), ids]
    given = 0 if name == "lines" else 1  # the first character of a stream
    assert losses[given:].mean() == pytest.approx(model.score(read).loss, abs=1e-5)


@pytest.mark.parametrize("name", ["stream", "lines", "bytes"])
def test_the_first_of_several_texts_is_the_one_that_is_written_alone(folder, name):
    model = charlm.load(folder / name)
    assert model.sample(count=3, length=60, seed=4)[0] == model.sample(length=60, seed=4)


def test_a_likelier_text_is_written_more_often(folder):
    model = charlm.load(folder / "lines")
    expected = model.next_probabilities("em", top=1)
    drawn = model.sample("em", count=300, length=1, seed=1, temperature=1.0)
    ((symbol, probability),) = expected.items()
    assert np.mean([one == symbol for one in drawn]) == pytest.approx(probability, abs=0.08)


def test_without_the_ngram_the_network_is_what_it_is_in_a_model_that_has_none(folder, run):
    with_one, without = charlm.load(folder / "stream", ngram=False), charlm.load(folder / "plain")
    assert (with_one.log_probabilities(UNSEEN) == without.log_probabilities(UNSEEN)).all()
    assert run("sample", folder / "stream", "--without-ngram", "--seed", 1) == run(
        "sample", folder / "plain", "--seed", 1
    )


def test_the_commands_say_whose_figures_they_are(folder, run):
    both, alone = (json.loads(run("eval", folder / "stream", "--json", *flag)) for flag in ((), ("--without-ngram",)))
    assert both["network_loss"] == alone["loss"] > both["loss"]
    assert "network_loss" not in alone
    assert "with the 4-gram" in run("eval", folder / "stream")
    assert "the network alone" in run("eval", folder / "stream", "--without-ngram")
    assert "alone" not in run("eval", folder / "plain")
    assert "\nvalidation, with the 4-gram\n" in run("info", folder / "stream")
    assert "\nvalidation\n" in run("info", folder / "plain")


def test_a_sample_with_probabilities_says_whose_they_are(folder, capfd, monkeypatch):
    for name, flags, said in (("stream", [], "the probabilities are of the network and its 4-gram together\n"),
                              ("stream", ["--without-ngram"], ""), ("plain", [], "")):  # fmt: skip
        assert cli.main(["sample", str(folder / name), "--json", "--seed", "1", "--length", "5", *flags]) == 0
        assert capfd.readouterr().err == said
        monkeypatch.setattr("sys.stdin", io.StringIO())
        assert cli.main(["sample", str(folder / name), "--interactive", *flags]) == 0
        assert capfd.readouterr().err.startswith(said)


def test_an_adapted_model_keeps_its_ngram(run, folder, tmp_path):
    file = tmp_path / "adapted.safetensors"
    words = ("eval", folder / "stream", "--dynamic", "--save", file)
    run(*words, "--without-ngram", status=2)
    assert not file.exists()
    run(*words)
    assert "with the 4-gram" in run("eval", file)


ADAPTED_TO = {"stream": UNSEEN, "lines": "livia\nmado\n" * 30, "bytes": "€üöä\n" * 30, "plain": UNSEEN}


@pytest.mark.parametrize("name", ADAPTED_TO)
def test_a_dynamic_score_is_that_of_eval_and_the_model_stays_as_it_was(folder, name, run, tmp_path):
    file, read, model = tmp_path / "unseen.txt", ADAPTED_TO[name], charlm.load(folder / name)
    file.write_text(read, encoding="utf-8", newline="\n")
    static = model.score(read)
    model.save(tmp_path / "before.safetensors")
    dynamic = model.score(read, dynamic=True)
    model.save(tmp_path / "after.safetensors")
    assert (tmp_path / "after.safetensors").read_bytes() == (tmp_path / "before.safetensors").read_bytes()
    assert model.score(read) == static
    unit, told = dynamic.unit, json.loads(run("eval", folder / name, file, "--dynamic", "--json"))
    assert unit == ("byte" if name == "bytes" else "char")
    for score, figures in ((static, told), (dynamic, told["dynamic"])):
        assert (figures["loss"], figures.get("network_loss")) == (score.loss, score.network_loss)
        assert figures[f"bits_per_{unit}"] == score.bits_per_char
        assert figures[f"{unit}s"] == score.chars == len(model.encode(read)) - (name != "lines")
    assert (static.dynamic, dynamic.dynamic) == (False, True)
    assert (dynamic.network_loss is None) == (name == "plain")
    assert abs(dynamic.loss - static.loss) > 1e-4
    if name in ("lines", "bytes"):  # which repeat themselves
        assert dynamic.loss < static.loss - 0.2


def test_without_the_ngram_a_network_adapts_as_one_that_has_none(folder, run):
    without, plain = (run("eval", folder / name, "--dynamic", "--json", *flag)
                      for name, flag in (("stream", ["--without-ngram"]), ("plain", [])))  # fmt: skip
    assert json.loads(without) == json.loads(plain)
    assert "dynamic" in json.loads(plain)
    assert run("eval", folder / "stream", "--dynamic", "--without-ngram").count("the network alone") == 2
    assert run("eval", folder / "lines", "--dynamic").count("with the 4-gram") == 2


@pytest.mark.parametrize("valid", [0.1, 0.0])
def test_a_training_says_whose_its_best_loss_is_or_that_no_scales_were_fitted(tmp_path, capsys, valid):
    parts = f"corpus.split.valid={valid}", f"corpus.split.test={0.1 - valid}"
    settings = [word for key in ("model.hidden_size=8", *parts) for word in ("--set", key)]
    words = ("train", corpus_file(tmp_path, 9_000), "--max-steps", "3", "--out", tmp_path / "run", *settings)
    arguments = [str(word) for word in words]
    assert cli.main(arguments) == 0
    told = capsys.readouterr().err
    assert ("bits/char with the n-gram\nwrite with it" in told) == (valid > 0)
    assert ("the n-gram's scales stay at a half each" in told) == (valid == 0)
    assert cli.main([*arguments, "--force", "--set", "model.ngram.order=null"]) == 0
    told = capsys.readouterr().err
    assert "with the n-gram" not in told
    assert "scales" not in told


@pytest.mark.parametrize(("name", "flag", "said"), [("stream", (), True), ("stream", ("--without-ngram",), False),
                                                    ("plain", (), False)])  # fmt: skip
def test_a_score_says_whether_the_ngram_has_a_part_in_it(folder, name, flag, said, tmp_path, capsys):
    (tmp_path / "unseen.txt").write_text(UNSEEN, encoding="utf-8")
    assert cli.main(["score", str(folder / name), str(tmp_path / "unseen.txt"), *flag]) == 0
    assert ("network and its 4-gram together" in capsys.readouterr().err) == said


@pytest.mark.skipif(not FUSED, reason="needs Numba")
@pytest.mark.parametrize("adapts", [False, True], ids=["as it was trained", "adapted"])
@pytest.mark.parametrize("name", ["stream", "lines", "bytes", "pruned"])
def test_both_kernels_write_the_same_text(folder, name, adapts, tmp_path):
    path = folder / name
    if adapts:
        adapted, _ = charlm.load(path).adapt(ADAPTED_TO.get(name, UNSEEN))
        path = tmp_path / "adapted.safetensors"
        adapted.save(path)
    fused, numpys = (charlm.load(path, kernels=kernels) for kernels in ("fused", "numpy"))
    assert fused.sample(length=300, seed=2) == numpys.sample(length=300, seed=2)


def test_the_weights_load_by_name_as_before(folder):
    tensors, _ = checkpoint.load(folder / "stream/best.safetensors")
    assert {name for name in tensors if not name.startswith("ngram.")} == set(
        checkpoint.load(folder / "plain/best.safetensors")[0]
    )


def test_auto_and_null_choose_the_order(tmp_path):
    path = corpus_file(tmp_path)
    assert configured(path, model__ngram="auto").model.ngram.order == "auto"
    assert configured(path, model__ngram=None).model.ngram.order is None
    with start(tmp_path / "run", configured(path, model__ngram="auto")) as begun:
        assert any("n-gram of 9 symbols" in note for note in begun.notes)


def test_a_size_that_is_too_small_is_kept_to_and_told(tmp_path):
    config = configured(corpus_file(tmp_path, 9_000), model__ngram__order=7, model__ngram__max_megabytes=0.01)
    with start(tmp_path / "run", config) as begun:
        (note,) = [note for note in begun.notes if "n-gram" in note]
    assert "left out, for model.ngram.max_megabytes" in note
    assert "exceed" not in note
    mixture = charlm.load(tmp_path / "run/last.safetensors").mixture
    assert mixture is not None
    assert mixture.ngram.size <= 10_000


def test_a_size_that_the_shortest_contexts_exceed_is_told_and_so_is_the_order(tmp_path):
    config = configured(corpus_file(tmp_path, 9_000), model__ngram__order=7, model__ngram__max_megabytes=0.0001)
    with start(tmp_path / "run", config) as begun:
        (note,) = [note for note in begun.notes if "n-gram" in note]
    assert note.startswith("n-gram of 2 symbols (7 were asked for): ")
    assert "; contexts of two symbols or more that occurred fewer than " in note
    assert " kB;" in note
    assert note.endswith("which its shortest contexts alone exceed (0.0001 MB)")


@pytest.mark.parametrize(
    "damage",
    [
        lambda tensors, metadata: tensors.pop("ngram.scales"),
        lambda tensors, metadata: tensors.update({"ngram.scales": tensors["ngram.scales"] * np.nan}),
        lambda tensors, metadata: tensors.update({"ngram.2.counts": tensors["ngram.2.counts"] * 0}),
        lambda tensors, metadata: tensors.pop("ngram.3.older"),
        lambda tensors, metadata: metadata.update(ngram={"order": 10**9}),
        lambda tensors, metadata: metadata.update(ngram={"order": "4"}),
        lambda tensors, metadata: metadata.update(ngram=[]),
        lambda tensors, metadata: metadata.update(ngram={}),
    ],
)
def test_a_forged_ngram_is_refused_in_one_line(folder, tmp_path, damage, run):
    tensors, metadata = checkpoint.load(folder / "stream/best.safetensors")
    damage(tensors, metadata)
    metadata.pop(METADATA_KEY, None)
    checkpoint.save(tmp_path / "forged.safetensors", tensors, metadata)
    message = run("sample", tmp_path / "forged.safetensors", status=1)
    assert message.count("\n") == 1
    assert "forged.safetensors: " in message
