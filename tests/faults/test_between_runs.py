"""What changes between the end of a training and its resume is told in one line, and then harms nothing."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from charlm.errors import CharlmError
from tests.runs import advance, configured, corpus_file, finish, resume, start, state


@dataclass
class Scene:
    """A run that was cut after some steps, its corpus, and another run of the same text."""

    folder: Path
    run: Path
    corpus: Path
    other: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a scene that is copied for each test, and how its run ends when nothing changes."""
    folder = tmp_path_factory.mktemp("between")
    corpus = corpus_file(folder)
    config = configured(corpus, training__ema=0.9, training__max_steps=30)
    uncut = state(finish(start(folder / "uncut", config)))
    run = start(folder / "run", config)
    advance(run, 13)
    run.save()
    run.close()
    finish(start(folder / "other", configured(corpus, seed=9)))
    return folder, uncut


@pytest.fixture
def scene(made, tmp_path):
    """Return a copy of the scene; its corpus has the place in it that the checkpoint names."""
    folder, _ = made
    corpus = folder / "text.txt"
    shutil.copytree(folder / "run", tmp_path / "run")
    shutil.copytree(folder / "other", tmp_path / "other")
    kept = corpus.read_bytes()
    yield Scene(tmp_path, tmp_path / "run", corpus, tmp_path / "other")
    if corpus.is_dir() and not corpus.is_symlink():
        shutil.rmtree(corpus)
    corpus.unlink(missing_ok=True)
    corpus.write_bytes(kept)


def in_place(path: Path, make: Callable[[Path], object]) -> None:
    """Put something else in the place of a file."""
    path.unlink()
    make(path)


def contents(run: Path) -> dict[str, bytes | None]:
    return {path.name: path.read_bytes() if path.is_file() else None for path in run.iterdir()}


REFUSED: dict[str, tuple[Callable[[Scene], object], str]] = {
    "corpus, cut": (lambda s: os.truncate(s.corpus, 700), "is not the text"),
    "corpus, emptied": (lambda s: os.truncate(s.corpus, 0), "is empty"),
    "corpus, grown": (lambda s: s.corpus.write_text(s.corpus.read_text() + "x"), "is not the text"),
    "corpus, no text": (lambda s: s.corpus.write_bytes(bytes(range(256)) * 9), "is not valid utf-8"),
    "corpus, an empty directory": (lambda s: in_place(s.corpus, Path.mkdir), "the directory holds no files"),
    "corpus, a pipe": (lambda s: in_place(s.corpus, os.mkfifo), "is neither a file nor a directory"),
    "corpus, a broken link": (
        lambda s: in_place(s.corpus, lambda path: path.symlink_to(s.folder / "nothing")),
        "there is no such file",
    ),
    "metrics, a directory": (lambda s: in_place(s.run / "metrics.jsonl", Path.mkdir), "it is a directory"),
    "metrics, another run's": (
        lambda s: shutil.copy(s.other / "metrics.jsonl", s.run),
        "is not the checkpoint of the run",
    ),
    "samples, a directory": (lambda s: in_place(s.run / "samples.txt", Path.mkdir), "it is a directory"),
    "samples, a pipe": (lambda s: in_place(s.run / "samples.txt", os.mkfifo), "it is a named pipe"),
    "config, a directory": (lambda s: in_place(s.run / "config.yaml", Path.mkdir), "it is a directory"),
    "best, a directory": (lambda s: in_place(s.run / "best.safetensors", Path.mkdir), "it is a directory"),
    "last, another run's": (
        lambda s: shutil.copy(s.other / "last.safetensors", s.run),
        "is not the checkpoint of the run",
    ),
    "last, the best": (
        lambda s: shutil.copy(s.run / "best.safetensors", s.run / "last.safetensors"),
        "holds a model but no training",
    ),
    "last, gone": (lambda s: (s.run / "last.safetensors").unlink(), "no last.safetensors to resume from"),
    "last, cut": (lambda s: os.truncate(s.run / "last.safetensors", 3000), "damaged"),
    "lock, a directory": (lambda s: (s.run / ".lock").mkdir(), "it is a directory"),
    "lock, a link": (lambda s: (s.run / ".lock").symlink_to(s.folder / "precious"), "it is a symbolic link"),
}
# What is told, and which parts of the run then differ from one in which nothing was changed.
RESUMED: dict[str, tuple[Callable[[Scene], object], str | None, set[str]]] = {
    "corpus, newer": (lambda s: os.utime(s.corpus), None, set()),
    "corpus, other ends of lines": (
        lambda s: s.corpus.write_bytes(s.corpus.read_bytes().replace(b"\n", b"\r\n")), None, set()
    ),
    "metrics, gone": (lambda s: (s.run / "metrics.jsonl").unlink(), "metrics.jsonl: has lost", {"metrics"}),
    "metrics, cut": (lambda s: os.truncate(s.run / "metrics.jsonl", 100), "metrics.jsonl: has lost", {"metrics"}),
    "metrics, no text": (
        lambda s: (s.run / "metrics.jsonl").write_bytes(bytes(range(256)) * 9), "metrics.jsonl: has lost", {"metrics"}
    ),
    "metrics, grown": (lambda s: grow(s.run / "metrics.jsonl", '{"step": 14}\nhello\n'), None, set()),
    "samples, grown": (lambda s: grow(s.run / "samples.txt", "hello\n"), None, set()),
    "samples, gone": (
        lambda s: (s.run / "samples.txt").unlink(), "samples.txt: has lost", {"samples", "metadata"}
    ),
    "config, gone": (lambda s: (s.run / "config.yaml").unlink(), None, set()),
    "config, no YAML": (lambda s: (s.run / "config.yaml").write_bytes(b"\xff"), "config.yaml: was changed", {"config"}),
    "config, another run's": (
        lambda s: shutil.copy(s.other / "config.yaml", s.run), "config.yaml: was changed", {"config"}
    ),
    "best, gone": (lambda s: (s.run / "best.safetensors").unlink(), "best.safetensors: is missing", set()),
    "best, cut": (lambda s: os.truncate(s.run / "best.safetensors", 500), "best.safetensors: is damaged", set()),
    "best, another run's": (
        lambda s: shutil.copy(s.other / "best.safetensors", s.run), "is not the best model of this run", set()
    ),
    "files of a person": (lambda s: (s.run / "notes.md").write_text("so far, so good"), None, set()),
}  # fmt: skip


def grow(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


@pytest.mark.skipif(os.name == "nt", reason="needs links and pipes")
@pytest.mark.parametrize("name", REFUSED)
def test_a_run_is_refused_in_one_line_and_stays_as_it_is(scene, name):
    change, message = REFUSED[name]
    change(scene)
    before = contents(scene.run)
    with pytest.raises(CharlmError) as caught:
        resume(scene.run)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert contents(scene.run) == before
    assert not (scene.folder / "precious").exists()


@pytest.mark.parametrize("name", RESUMED)
def test_a_run_goes_on_to_the_same_bytes_and_says_what_was_lost(scene, made, name):
    change, message, lost = RESUMED[name]
    change(scene)
    run = resume(scene.run)
    assert len(run.warnings) == (message is not None), run.warnings
    assert all(message is not None and message in warning for warning in run.warnings)
    ended, uncut = state(finish(run)), made[1]
    assert {part for part in uncut if ended[part] != uncut[part]} == lost


def test_a_best_model_that_a_kill_left_newer_than_the_checkpoint_is_right(made, scene):
    run = resume(scene.run)
    advance(run, 8)
    run.close()
    again = resume(scene.run)
    assert again.warnings == []
    assert state(finish(again)) == made[1]


def test_a_corpus_that_changes_while_it_is_trained_on_changes_nothing(made, scene):
    run = resume(scene.run)
    os.truncate(scene.corpus, 10)
    assert state(finish(run)) == made[1]


@pytest.mark.skipif(os.name == "nt", reason="a directory in use cannot be removed there")
def test_a_directory_that_is_removed_while_it_is_trained_in_is_told_in_one_line(scene):
    run = resume(scene.run)
    shutil.rmtree(scene.run)
    with pytest.raises(CharlmError, match="No such file or directory") as caught:
        finish(run)
    assert "\n" not in str(caught.value)
    assert not scene.run.exists()
