"""Facts about the memory of a training: the formula is close to what is allocated, and too much is refused before."""

import tracemalloc
from typing import Any

import numpy as np
import pytest

from charlm import assemble, cli
from charlm.cells import NAMES
from charlm.config import dump_yaml
from charlm.corpus.windows import Windows
from charlm.memory import machine_memory, peak_memory
from charlm.workers.ranks import Ranks
from charlm.workers.team import Team
from tests.runs import configured, corpus_file

V = 60
# Large enough for arrays to count for more than objects: whatever is left out of the formula shows in one of them.
CASES: dict[str, dict[str, Any]] = {
    **{cell: {"model__cell": cell} for cell in NAMES},
    "many units": {"model__hidden_size": 400, "training__batch_size": 4, "training__seq_length": 8},
    "many layers": {"model__num_layers": 6, "model__hidden_size": 32},
    "many symbols": {"model__hidden_size": 16, "vocabulary": 2_000, "training__batch_size": 128},
    "a long window": {"training__seq_length": 500, "model__hidden_size": 16, "training__batch_size": 8},
    "a large batch": {"training__batch_size": 300},
    "two workers": {"workers": 2},
    "float64": {"model__dtype": "float64"},
    "lines": {"corpus__mode": "lines"},
    "an average": {"training__ema": 0.99, "optimizer__name": "sgd"},
    "dropout": {"model__dropout": {"input": 0.1, "between": 0.1, "output": 0.1}, "model__num_layers": 3},
    "locked dropout": {"model__dropout": {"input": 0.1, "between": 0.1, "output": 0.1, "locked": True}},
    "an embedding": {"model__embedding_size": 64, "model__dropout": {"input": 0.1}},
}


@pytest.mark.parametrize("case", CASES)
def test_the_formula_is_close_to_what_a_training_allocates(case):
    values = {"model__hidden_size": 96, "model__num_layers": 2, "training__batch_size": 32, "training__seq_length": 24}
    values |= CASES[case]
    vocabulary = values.pop("vocabulary", V)
    config, ranks = configured("unused", **values), Ranks()
    lines = config.corpus.mode == "lines"
    ids = np.random.default_rng(1).integers(0, vocabulary, 60_000, np.int32)
    model = assemble.network(config, vocabulary, 0 if lines else None)
    team = Team(*assemble.split(config, model, ranks))
    t = config.training
    windows = Windows(ids, batch_size=t.batch_size, seq_length=t.seq_length, seed=1, mode=config.corpus.mode,
                      newline_id=0 if lines else None)  # fmt: skip
    tracemalloc.start()
    batch = assemble.batch(config, model, team, ranks)
    trainer = assemble.trainer(config, batch, windows, ids[:300], total_steps=2)
    for _ in trainer.run():
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    team.close()
    assert 0.7 < assemble.needed_memory(config, model, team.workers, ranks) / peak < 2


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("train", ["--dry-run"]),
        ("train", []),
        ("bench", []),
    ],
)
@pytest.mark.parametrize("immense", ["model.hidden_size=65536", "model.embedding_size=65536"])
def test_more_memory_than_the_machine_has_is_refused_before_it_is_allocated(
    tmp_path, capsys, monkeypatch, command, options, immense
):
    monkeypatch.chdir(tmp_path)
    corpus_file(tmp_path)
    (tmp_path / "c.yaml").write_text(dump_yaml(configured("text.txt", model__hidden_size=60_000)))
    arguments = ["--set", immense, "--set", "model.num_layers=1000", *options]
    before = peak_memory()
    assert cli.main([command, "c.yaml", *arguments]) == 2
    output, message = capsys.readouterr()
    *notes, line = message.splitlines()
    assert line.startswith("charlm: the training takes about ")
    assert " GB of memory, and this machine has " in line
    assert not any(note.startswith("charlm: ") for note in notes)
    assert (output, [path.name for path in tmp_path.iterdir() if path.name == "runs"]) == ("", [])
    assert peak_memory() - before < 200_000_000


def test_the_machines_memory_is_more_than_this_process_has_held():
    there = machine_memory()
    assert there is None or peak_memory() < there < 2**50
