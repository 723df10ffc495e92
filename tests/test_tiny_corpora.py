"""A corpus of any size either trains or explains in one line what would fit."""

import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from charlm import cli
from charlm.errors import CharlmError
from charlm.run import Run
from charlm.workers.ranks import Ranks
from tests.conftest import ROOT
from tests.runs import configured, finish, start, text

SIZES = [*range(61), 64, 65, 72, 73, 99, 100, 127, 128, 129, 200, 255, 256, 500, 999, 1_000, 2_345, 4_999, 5_000]
TINY = {"training__max_steps": 2, "training__batch_size": 2, "training__seq_length": 4, "training__eval_every": 1}
NONE_HELD_BACK = {"train": 1.0, "valid": 0.0, "test": 0.0}
SHAPES = {
    "words": text(5_000),
    "one line": text(5_000).replace("\n", " "),
    "letters in lines": "ab\ncde\n\nf\n" * 500,
    "a name": "ab" * 2_500,
}


def outcome(path: Path, **changes):
    """Train two steps without writing a file, and return None or the message that says why not."""
    run = None
    try:
        run = Run.plan(path.parent / "run", configured(path, **changes), Ranks())
        run.settle()
        losses = [progress.loss for progress in run.trainer.run()]
        assert len(losses) == 2
        assert np.isfinite(losses).all()
    except CharlmError as error:
        return str(error)
    finally:
        if run is not None:
            run.close()
    return None


@pytest.mark.parametrize(
    ("size", "split", "advised"),
    [
        (20, "0.9,0.05,0.05", "1,0,0"),
        (30, "0.9,0.05,0.05", "0.95,0,0.05"),
        (30, "0.8,0.19,0.01", "0.81,0.19,0"),
    ],
)
def test_the_split_that_is_advised_is_possible(tmp_path, capsys, monkeypatch, size, split, advised):
    monkeypatch.chdir(tmp_path)
    Path("tiny.txt").write_text(text(size), newline="\n")
    assert cli.main(["corpus", "tiny.txt", "--split", split]) == 1
    assert capsys.readouterr().err.endswith(f" (--split {advised})\n")
    assert cli.main(["corpus", "tiny.txt", "--split", advised]) == 0
    capsys.readouterr()
    keys = zip(NONE_HELD_BACK, split.split(","), strict=True)
    words = ["train", "tiny.txt", "--dry-run", "--max-steps", "2"]
    assert cli.main([*words, *(word for key, share in keys for word in ("--set", f"corpus.split.{key}={share}"))]) == 1
    advice = capsys.readouterr().err.rpartition(" (")[2].removesuffix(")\n")
    assert cli.main([*words, *advice.split()]) == 0


@pytest.mark.parametrize(("mode", "shape"), list(product(["stream", "lines"], SHAPES)))
def test_every_size_trains_or_explains(tmp_path, mode, shape):
    path = tmp_path / "tiny.txt"
    trains = []
    for size in SIZES:
        path.write_text(SHAPES[shape][:size], newline="\n")
        for split in ({}, {"corpus__split": NONE_HELD_BACK}):
            message = outcome(path, corpus__mode=mode, **TINY, **split)
            if message is None:
                trains.append((size, bool(split)))
                continue
            assert "\n" not in message
            assert "Error" not in message
            assert re.search(r"needed|needs|to learn|at least|give a longer corpus", message), message
    smallest = {held: min((size for size, split in trains if split == held), default=9_999) for held in (True, False)}
    one_line = mode == "lines" and "\n" not in SHAPES[shape]
    assert smallest[True] <= 12, "two streams of four characters and one to predict"
    assert (smallest[False] == 9_999) == one_line, "a single line cannot be divided"
    if shape == "words" and mode == "stream":
        assert trains == [(size, held) for size in SIZES for held in (False, True) if size >= smallest[held]]


@pytest.mark.parametrize("mode", ["stream", "lines"])
def test_what_is_said_to_fit_fits(tmp_path, mode):
    path = tmp_path / "tiny.txt"
    shape = {"training__batch_size": 6, "training__seq_length": 9}
    suggestions = 0
    for size in range(2, 64):
        path.write_text(SHAPES["words"][:size], newline="\n")
        options = {**TINY, **shape, "corpus__mode": mode, "corpus__split": NONE_HELD_BACK}
        message = outcome(path, **options)
        if message is None or "would fit" not in message:
            continue
        for number in re.findall(r"(batch_size \d+)(?: would fit)? with (seq_length \d+)", message):
            fitting = dict(f"training__{part}".split() for part in number)
            assert outcome(path, **{**options, **{key: int(value) for key, value in fitting.items()}}) is None, message
            suggestions += 1
        for number in re.findall(r"(seq_length \d+)(?: would fit)? with (batch_size \d+)", message):
            fitting = dict(f"training__{part}".split() for part in number)
            assert outcome(path, **{**options, **{key: int(value) for key, value in fitting.items()}}) is None, message
            suggestions += 1
    assert suggestions > 50


@pytest.mark.parametrize(
    "content", ["\n" * 50, "\r\n" * 50, " " * 50, "\ufeff", "a", "\x00\x01" * 50, "\ufeff" + "ab" * 50]
)
@pytest.mark.parametrize(
    "options", [{}, {"corpus__unit": "byte"}, {"corpus__mode": "lines"}], ids=["chars", "bytes", "lines"]
)
def test_odd_texts_train_or_explain(tmp_path, content, options):
    (tmp_path / "odd.txt").write_text(content, encoding="utf-8", newline="")
    message = outcome(tmp_path / "odd.txt", corpus__split=NONE_HELD_BACK, **TINY, **options)
    assert message is None or "\n" not in message


@pytest.mark.parametrize("mode", ["stream", "lines"])
def test_the_smallest_corpus_leaves_a_whole_run_that_can_be_used(tmp_path, capsys, mode):
    path = tmp_path / "tiny.txt"
    path.write_text("ab\ncd\nef\ngh\nij\nkl\n", newline="\n")
    split = {"train": 0.6, "valid": 0.2, "test": 0.2}
    run = finish(start(tmp_path / "run", configured(path, corpus__mode=mode, corpus__split=split, **TINY)))
    for arguments in (["sample"], ["eval"], ["eval", "--split", "test"], ["info"]):
        assert cli.main([arguments[0], str(run), *arguments[1:]]) == 0
        assert capsys.readouterr().out


# --- The configurations that come along

CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_configuration_plans_a_run(path, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    (tmp_path / "text.txt").write_text(text(60_000), newline="\n")
    own = path.stem in ("plays", "bytes")  # the others' texts may not be here, or are long
    arguments = [] if own else ["--corpus", str(tmp_path / "text.txt")]
    smaller = ["--set", "training.max_steps=301", "--set", "model.hidden_size=8", "--set", "kernels=numpy"]
    smaller += ["--set", "model.embedding_size=8"] if "embedding_size" in path.read_text(encoding="utf-8") else []
    status = cli.main(["train", str(path), "--dry-run", "--out", str(tmp_path / "run"), *arguments, *smaller])
    output, message = capsys.readouterr()
    assert (status, output) == (0, ""), message
    assert "a dry run: nothing was written" in message
    assert not (tmp_path / "run").exists()
