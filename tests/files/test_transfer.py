"""Starting from trained weights on another text: rows follow their characters."""

import numpy as np
import pytest

import charlm
from charlm.config import from_dict
from charlm.errors import UsageError
from charlm.files import checkpoint, modelfile
from tests.runs import configured, finish, metrics, start

OLD, NEW = "abcdefg \n", "efgxyz \n"  # a to d are dropped, x to z are new


def corpus_of(tmp_path, name, letters):
    path = tmp_path / name
    path.write_text("".join(np.random.default_rng(0).choice(list(letters), 600)), newline="\n")
    return path


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"model__embedding_size": 5},
        {"model__embedding_size": 8, "model__tie_weights": True},
        {"model__cell": "gru", "model__num_layers": 2},
        {"corpus__mode": "lines"},
        {"corpus__unit": "byte"},
    ],
    ids=lambda options: " ".join(map(str, options.values())) or "one-hot",
)
def test_what_was_learnt_of_a_character_goes_to_its_new_place(tmp_path, options):
    trained = finish(start(tmp_path / "old", configured(corpus_of(tmp_path, "old.txt", OLD), **options)))
    config = configured(corpus_of(tmp_path, "new.txt", NEW), **options)
    fresh = start(tmp_path / "fresh", config)
    run = start(tmp_path / "new", config, init_from=trained)
    old, new, untrained = (
        modelfile.load(trained / "best.safetensors").parameters,
        run.batch.parameters,
        fresh.batch.parameters,
    )
    places = {char: (sorted(OLD).index(char), sorted(NEW).index(char)) for char in set(OLD) & set(NEW)}
    assert len(places) == 5
    for name, array in new.items():
        if array.shape == old[name].shape and "decoder" not in name and "embedding" not in name:
            assert np.array_equal(array, old[name]), name
            continue
        by_symbol = [
            values if name.startswith(("decoder", "embedding")) else values.T
            for values in (old[name], array, untrained[name])
        ]
        for symbol in NEW:
            here = sorted(NEW).index(symbol)
            wanted = by_symbol[0][places[symbol][0]] if symbol in places else by_symbol[2][here]
            assert np.array_equal(by_symbol[1][here], wanted), (name, symbol)
    assert run.notes[-3:] == [
        f"weights from {trained}: 5 of 8 symbols known",
        "new symbols, initialised: " + ("'x' 'y' 'z'" if "corpus__unit" not in options else "0x78 0x79 0x7A"),
        "dropped, as this corpus lacks them: "
        + ("'a' 'b' 'c' 'd'" if "corpus__unit" not in options else "0x61 0x62 0x63 0x64"),
    ]
    fresh.close()
    finish(run)


def test_the_same_text_goes_on_from_the_loss_it_had(tmp_path):
    path = corpus_of(tmp_path, "old.txt", "ab")
    path.write_text("abcd" * 300)
    options = {"training__max_steps": 120, "optimizer__learning_rate": 0.02, "training__log_every": 1}
    trained = finish(start(tmp_path / "old", configured(path, **options)))
    again = metrics(finish(start(tmp_path / "again", configured(path, **options), init_from=trained)))
    assert again[0]["loss"] < 0.5 * metrics(trained)[0]["loss"]


def test_an_ngram_stays_behind_and_that_is_told(tmp_path):
    path = corpus_of(tmp_path, "old.txt", OLD)
    trained = finish(start(tmp_path / "old", configured(path, model__ngram__order=3)))
    run = start(tmp_path / "new", configured(path, model__ngram__order=None), init_from=trained)
    assert run.notes[-1] == "not its 3-gram: an n-gram counts the text of its own run, where model.ngram asks for one"
    assert modelfile.load(finish(run) / "best.safetensors").mixture is None


@pytest.mark.parametrize("mode", ["stream", "lines"])
def test_a_run_that_starts_from_a_model_with_an_ngram_counts_its_own(tmp_path, mode):
    trained = finish(start(tmp_path / "old", configured(corpus_of(tmp_path, "old.txt", OLD), corpus__mode=mode,
                                                        model__ngram__order=3)))  # fmt: skip
    config = configured(corpus_of(tmp_path, "new.txt", NEW), corpus__mode=mode, model__ngram__order=4)
    start(tmp_path / "fresh", config).close()
    run = start(tmp_path / "new", config, init_from=trained)
    fresh, new, old = (
        {name: array.tolist() for name, array in checkpoint.load(path)[0].items() if name.startswith("ngram.")}
        for path in (tmp_path / name / "last.safetensors" for name in ("fresh", "new", "old"))
    )
    assert new == fresh  # the scales, too, which were fitted to the other network and the other counts
    assert np.all(np.array(new["ngram.scales"]) == 0.5)
    assert not np.all(np.array(old["ngram.scales"]) == 0.5)
    assert any(note.startswith("n-gram of 4 symbols: ") for note in run.notes)
    assert run.notes[-1].startswith("not its 3-gram: an n-gram counts the text of its own run")
    model = charlm.load(finish(run))
    assert model.mixture is not None
    assert model.mixture.ngram.order == 4
    assert np.exp(model.log_probabilities("xyz\nef")).sum(axis=1) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("ema", [None, 0.9])
def test_a_run_that_starts_from_one_with_an_average_starts_from_the_average(tmp_path, ema):
    path = corpus_of(tmp_path, "old.txt", OLD)
    trained = finish(start(tmp_path / "old", configured(path, training__ema=0.9, training__max_steps=6)))
    last = trained / "last.safetensors"
    tensors, _ = checkpoint.load(last)
    source = modelfile.load(last).parameters.flat
    assert not np.array_equal(source, tensors["training.weights"])
    with start(tmp_path / "new", configured(path, training__ema=ema), init_from=last) as run:
        np.testing.assert_array_equal(run.batch.parameters.flat, source)
        np.testing.assert_array_equal(modelfile.load(tmp_path / "new/last.safetensors").parameters.flat, source)
        first = next(run.train()).progress
    assert first.learning_rate == run.config.optimizer.learning_rate  # which no rate of the other run lowers


def test_a_run_may_start_from_a_model_that_has_adapted(tmp_path):
    path = corpus_of(tmp_path, "old.txt", OLD)
    trained = charlm.load(finish(start(tmp_path / "old", configured(path, model__ngram__order=3))))
    file = tmp_path / "adapted.safetensors"
    trained.adapt("abcabdabe\n" * 20)[0].save(file)
    adapted = modelfile.load(file)
    with start(tmp_path / "new", configured(path, model__ngram__order=3), init_from=file) as run:
        np.testing.assert_array_equal(run.batch.parameters.flat, adapted.parameters.flat)
        assert f"weights from {file}: 9 of 9 symbols known" in run.notes
        assert run.notes[-1].startswith("not its 3-gram")
    assert (adapted.parameters.flat != modelfile.load(trained.path).parameters.flat).any()
    begun = modelfile.load(tmp_path / "new/last.safetensors")
    assert "adapted" in adapted.metadata
    assert "adapted" not in begun.metadata
    assert begun.mixture is not None
    assert adapted.mixture is not None
    assert begun.mixture.ngram.entries < adapted.mixture.ngram.entries


def test_a_preset_takes_the_network_of_the_weights_unless_another_is_given(tmp_path):
    path = corpus_of(tmp_path, "old.txt", OLD)
    network = {"cell": "gru", "hidden_size": 7, "num_layers": 2, "embedding_size": 7, "tie_weights": True,
               "dtype": "float64"}  # fmt: skip
    trained = finish(start(tmp_path / "old", configured(path, **{f"model__{key}": network[key] for key in network})))
    values = {"corpus": {"path": str(path)}, "preset": "auto", "training": {"max_steps": 1}}
    run = start(tmp_path / "new", from_dict(values, ""), init_from=trained)
    run.close()
    assert network.items() <= run.config.model.model_dump().items()
    assert f"  2 x gru of 7: as in {trained}" in run.notes
    with pytest.raises(UsageError, match=r"^model\.cell is 'lstm' here and 'gru' in .*; use the latter$"):
        start(tmp_path / "other", from_dict({**values, "model": {"cell": "lstm"}}, ""), init_from=trained)


def test_every_difference_between_the_networks_is_told(tmp_path):
    path = corpus_of(tmp_path, "old.txt", OLD)
    trained = finish(start(tmp_path / "old", configured(path)))
    other = configured(path, model__cell="gru", model__hidden_size=9, model__num_layers=2, model__embedding_size=9,
                       model__tie_weights=True, model__dtype="float64", corpus__unit="byte")  # fmt: skip
    with pytest.raises(UsageError) as caught:
        start(tmp_path / "new", other, init_from=trained)
    lines = str(caught.value).splitlines()
    keys = ("cell", "hidden_size", "num_layers", "embedding_size", "tie_weights", "dtype")
    assert [line.split(" is ")[0] for line in lines] == [*(f"model.{key}" for key in keys), "corpus.unit"]
    assert lines[0] == f"model.cell is 'gru' here and 'lstm' in {trained}; use the latter"
    assert not (tmp_path / "new").exists()


def test_many_new_symbols_are_counted(tmp_path):
    trained = finish(start(tmp_path / "old", configured(corpus_of(tmp_path, "old.txt", OLD))))
    path = corpus_of(tmp_path, "new.txt", "ABCDEFGHIJKLMNOP")
    run = start(tmp_path / "new", configured(path), init_from=trained)
    run.close()
    told = next(note for note in run.notes if note.startswith("new symbols"))
    assert told.endswith("'L' and 4 more")
