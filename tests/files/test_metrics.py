"""Facts about the lines of metrics: they hold means over the steps of an interval, and come back as written."""

import json
from math import log

import pytest

from charlm.files.metrics import Interval, read


def line(interval, valid_loss=None):
    return interval.line(step=6, epoch=0.5, window=32, seconds=9.0, learning_rate=0.1, valid_loss=valid_loss)


def test_a_line_holds_means_over_the_steps_of_its_interval():
    interval = Interval()
    interval.add(loss=2.0, grad_norm=1.0, seconds=0.5)
    interval.add(loss=1.0, grad_norm=4.0, seconds=1.5)
    written = json.loads(line(interval))
    assert (written["loss"], written["grad_norm"], written["chars_per_second"]) == (1.5, 2.5, 32.0)
    assert (written["step"], written["chars"], written["seconds"]) == (6, 192, 9.0)
    assert written["bits_per_char"] == pytest.approx(1.5 / log(2))


def test_a_validation_loss_is_there_only_where_there_was_an_evaluation():
    interval = Interval(steps=1, loss=2.0, grad_norm=1.0, seconds=0.0)
    assert "valid_loss" not in json.loads(line(interval))
    written = json.loads(line(interval, valid_loss=1.25))
    assert (written["valid_loss"], written["valid_bits_per_char"]) == (1.25, 1.25 / log(2))


def test_lines_come_back_as_they_were_written(tmp_path):
    interval, path = Interval(steps=3, loss=1 / 3, grad_norm=0.1, seconds=0.7), tmp_path / "metrics.jsonl"
    path.write_text(line(interval) + line(interval, 2 / 3))
    assert read(path) == [json.loads(line(interval)), json.loads(line(interval, 2 / 3))]
    assert read(path)[1]["valid_loss"] == 2 / 3
