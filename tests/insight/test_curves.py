"""Facts about curves: a file of metrics of any state and age becomes arrays, and means weigh older values less."""

import json

import numpy as np
import pytest

import charlm
from charlm.errors import FileError
from charlm.insight.curves import Event, read, smoothed
from tests.runs import configured, corpus_file, finish, metrics, start, trained


def written(folder, *lines, end="\n"):
    path = folder / "metrics.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + end)
    return path


def test_the_curves_of_a_run_are_its_lines(tmp_path):
    run = finish(start(tmp_path / "run", configured(corpus_file(tmp_path))))
    found, lines = charlm.curves(run), metrics(run)
    assert found.unit == "char"
    assert found.steps.tolist() == [line["step"] for line in lines] == [4, 6, 8, 12, 16, 18, 20, 24]
    assert found.chars.tolist() == [line["chars"] for line in lines]
    assert found.loss.tolist() == [line["loss"] for line in lines]
    assert found.learning_rate.tolist() == [line["learning_rate"] for line in lines]
    assert found.grad_norm.tolist() == [line["grad_norm"] for line in lines]
    assert found.chars_per_second.tolist() == [line["chars_per_second"] for line in lines]
    assert found.minutes.tolist() == [line["seconds"] / 60 for line in lines]
    assert found.steps[np.isfinite(found.valid_loss)].tolist() == [6, 12, 18, 24]
    assert np.nanmin(found.valid_loss) == min(line["valid_loss"] for line in lines if "valid_loss" in line)
    assert np.isnan(found.valid_network_loss).all()


def test_a_run_of_bytes_has_its_bytes_as_characters(tmp_path):
    run = trained(tmp_path, "bytes", b"ab\xffcd" * 200, corpus__unit="byte")
    found, lines = charlm.curves(run), metrics(run)
    assert found.unit == "byte"
    assert found.chars.tolist() == [line["bytes"] for line in lines]
    assert found.chars_per_second.tolist() == [line["bytes_per_second"] for line in lines]


def test_lines_that_are_no_metrics_are_left_out(tmp_path):
    path = written(
        tmp_path,
        {"step": 10, "loss": 3.0},
        '{"step": 20, "loss": 2.',
        "",
        "[1, 2]",
        "\0\0\0",
        "[" * 5_000,
        {"loss": 9.0},
        {"step": -1, "loss": 9.0},
        {"step": "30", "loss": 9.0},
        {"step": 40, "loss": 1.0},
        '{"step": 50, "loss": 0.5}',
        end="",
    )
    assert read(path).steps.tolist() == [10, 40]  # a last line without its end was cut
    assert read(path).loss.tolist() == [3, 1]


@pytest.mark.parametrize("value", [None, True, "2", [2], float("nan"), float("inf"), 10**400, -1e305])
def test_a_value_that_is_no_number_is_not_a_number(tmp_path, value):
    found = read(written(tmp_path, {"step": 10, "loss": value, "grad_norm": 2}))
    assert np.isnan(found.loss).all()
    assert found.grad_norm.tolist() == [2]


def test_an_old_file_lacks_what_it_lacks(tmp_path):
    found = read(written(tmp_path, {"step": 5, "loss": 2.5}))
    assert (len(found), found.loss[0]) == (1, 2.5)
    assert np.isnan([found.chars, found.minutes, found.valid_loss, found.learning_rate]).all()


def test_events_are_not_lines_of_metrics(tmp_path):
    path = written(
        tmp_path,
        {"step": 10, "loss": 3.0, "valid_loss": 2.0, "valid_network_loss": 2.5},
        {"step": 10, "event": "rollback", "learning_rate": 0.1, "reason": "x"},
    )
    found = read(path)
    assert found.events == (Event(10, "rollback"),)
    assert (found.steps.tolist(), found.valid_network_loss.tolist()) == ([10], [2.5])


def test_an_empty_file_has_curves_of_no_points(tmp_path):
    path = written(tmp_path, end="")
    assert len(read(path)) == 0
    assert read(path).loss.shape == (0,)


def test_what_is_no_file_is_told(tmp_path):
    with pytest.raises(FileError, match=r"metrics\.jsonl: cannot be read: "):
        read(tmp_path / "metrics.jsonl")


def test_an_older_value_counts_less_by_the_factor():
    values = np.array([4.0, 2.0, 1.0])
    assert smoothed(values, 0.5).tolist() == [4, (2 + 4 / 2) / 1.5, (1 + 2 / 2 + 4 / 4) / 1.75]
    assert smoothed(values, 0).tolist() == [4, 2, 1]
    assert smoothed(np.full(30, 7.0), 0.9) == pytest.approx(np.full(30, 7.0))


def test_a_value_that_is_not_finite_counts_for_no_other():
    means = smoothed(np.array([4.0, np.nan, 1.0]), 0.5)
    assert np.isnan(means[1])
    assert means[2] == (1 + 4 / 2) / 1.5
