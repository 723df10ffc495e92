"""Facts about logs besides a run's own files: they have the same figures and samples, and change nothing of the run."""

import re
import struct
import sys
from itertools import pairwise

import pytest

from charlm.errors import CharlmError, UsageError, WriteError
from charlm.files.logs import TensorBoard
from tests.runs import advance, configured, corpus_file, finish, metrics, resume, start, state

TENSORBOARD = {"training__log_to": ["tensorboard"]}


def events(folder):
    """Return the events of the files of a folder in TensorBoard's order."""
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("Q", data[:8])
            found.append(Event.FromString(data[12 : 12 + length]))
            data = data[16 + length :]
    return found


def kept(folder):
    """Return what TensorBoard shows: values by name and step, without what a later start discards."""
    shown: dict[tuple[str, int], float | str] = {}
    for event in events(folder):
        if event.HasField("session_log"):
            shown = {key: value for key, value in shown.items() if key[1] < event.step}
        for value in event.summary.value:
            content = value.tensor.string_val[0].decode() if value.HasField("tensor") else value.simple_value
            assert (value.tag, event.step) not in shown, "a figure is there twice"
            shown[value.tag, event.step] = content
    return shown


def lines(run):
    return {(name, line["step"]): value for line in metrics(run) for name, value in line.items() if name != "step"}


@pytest.fixture
def corpus(tmp_path):
    return corpus_file(tmp_path)


def test_tensorboard_has_the_figures_and_the_samples_of_the_run(tmp_path, corpus):
    pytest.importorskip("tensorboardX")
    run = finish(start(tmp_path / "run", configured(corpus, **TENSORBOARD)))
    shown = kept(run)
    samples = {step: text for (tag, step), text in shown.items() if tag == "sample/text_summary"}
    figures = {key: value for key, value in shown.items() if key[0] != "sample/text_summary"}
    assert figures == pytest.approx(lines(run), rel=1e-6)
    written = re.findall(
        r"--- step (\d+), epoch [\d.]+\n(.*?)\n\n(?=---|\Z)", (run / "samples.txt").read_text(), re.DOTALL
    )
    assert samples == {int(step): "".join(f"    {line}\n" for line in text.split("\n")) for step, text in written}
    assert sorted(samples) == [8, 16, 24]


def test_a_run_that_is_logged_has_the_bytes_of_one_that_is_not(tmp_path, corpus):
    pytest.importorskip("tensorboardX")
    plain = state(finish(start(tmp_path / "plain", configured(corpus))))
    logged = state(finish(start(tmp_path / "logged", configured(corpus, **TENSORBOARD))))
    for name in ("tensors", "metrics", "samples"):
        assert logged[name] == plain[name]


def test_a_run_that_was_cut_and_resumed_is_the_same_and_has_each_figure_once(tmp_path, corpus):
    pytest.importorskip("tensorboardX")
    uncut = finish(start(tmp_path / "uncut", configured(corpus, **TENSORBOARD)))
    cut = start(tmp_path / "cut", configured(corpus, **TENSORBOARD))
    advance(cut, 13)  # the last checkpoint is of step 10, and there are figures of step 12
    cut.close()
    resumed = finish(resume(tmp_path / "cut"))
    assert state(resumed)["tensors"] == state(uncut)["tensors"]
    figures = {key: value for key, value in kept(resumed).items() if isinstance(value, float)}
    assert figures == pytest.approx(lines(resumed), rel=1e-6)
    assert [event.step for event in events(resumed) if event.HasField("session_log")] == [0, 11]


def test_a_run_that_replaces_another_has_its_own_figures_alone(tmp_path, corpus):
    pytest.importorskip("tensorboardX")
    finish(start(tmp_path / "run", configured(corpus, training__log_every=1, **TENSORBOARD)))
    run = finish(start(tmp_path / "run", configured(corpus, **TENSORBOARD), force=True))
    figures = {key: value for key, value in kept(run).items() if isinstance(value, float)}
    assert figures == pytest.approx(lines(run), rel=1e-6)


def test_a_rollback_discards_what_comes_after_the_checkpoint(tmp_path):
    pytest.importorskip("tensorboardX")
    log = TensorBoard(tmp_path)
    for step in (1, 2, 3):
        log.figures(step, {"step": step, "loss": float(step)})
    log.rewind(1)
    log.figures(2, {"step": 2, "loss": 0.5})
    log.close()
    log.close()
    assert kept(tmp_path) == {("loss", 1): 1.0, ("loss", 2): 0.5}
    times = [event.wall_time for event in events(tmp_path)]
    assert all(before <= after for before, after in pairwise(times))


def test_a_missing_package_is_told_before_anything_is_written(tmp_path, corpus, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    message = r"^training\.log_to: tensorboard needs tensorboardX, .*: `pip install 'charlm\[tensorboard\]'`$"
    with pytest.raises(UsageError, match=message):
        start(tmp_path / "run", configured(corpus, **TENSORBOARD))
    assert not (tmp_path / "run").exists()


def test_a_log_that_cannot_be_written_is_told(tmp_path):
    pytest.importorskip("tensorboardX")
    log = TensorBoard(tmp_path / "gone" / "file")
    (tmp_path / "gone").touch()
    with pytest.raises(WriteError, match="the log cannot be written: "):
        log.figures(1, {"loss": 1.0})


@pytest.mark.parametrize("value", ["tensorboard", ["tensorbord"], ["tensorboard", "tensorboard"], None])
def test_what_is_no_log_is_told(corpus, value):
    with pytest.raises(CharlmError, match=r"training\.log_to: must be \[\] or \[tensorboard\], got "):
        configured(corpus, training__log_to=value)
