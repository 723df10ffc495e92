"""Facts about plots of runs: what the panels hold, what the chart and the legend say, and the pictures."""

import json
import re
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

import charlm
from charlm.errors import CharlmError, UsageError
from charlm.insight.plot import MOST_RUNS

LINES = [
    {"step": step, "chars": 100 * step, "seconds": 3.0 * step}
    | {"loss": 4 / step, "learning_rate": 0.01, "grad_norm": 1.0}
    | ({"valid_loss": 5 / step} if step % 2 == 0 else {})
    for step in range(1, 9)
]  # fmt: skip


@pytest.fixture
def run(tmp_path):
    """Return a function that writes lines of metrics into a directory and returns that."""

    def write(name="a", lines=LINES):
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return tmp_path / name

    return write


def series(plot, panel=0):
    return {one.kind: (one.x.tolist(), one.y.tolist()) for one in plot.panels[panel].series}


def test_the_losses_come_first_then_the_rate_and_the_norm(run):
    plot = charlm.plot(run(), smooth=0.5)
    assert [panel.title for panel in plot.panels] == ["loss, nats per character", "learning rate", "gradient norm"]
    steps = [line["step"] for line in LINES]
    found = series(plot)
    assert list(found) == ["measured", "smoothed", "validation"]
    assert found["measured"] == (steps, [line["loss"] for line in LINES])
    assert found["smoothed"][1][:2] == [4, (2 + 4 / 2) / 1.5]
    assert found["validation"] == ([2, 4, 6, 8], [5 / 2, 5 / 4, 5 / 6, 5 / 8])
    assert series(plot, 1) == {"measured": (steps, [0.01] * 8)}


@pytest.mark.parametrize(("x", "factor"), [("steps", 1), ("characters", 100), ("minutes", 0.05)])
def test_x_is_steps_characters_or_minutes(run, x, factor):
    plot = charlm.plot(run(), x=x)
    assert series(plot)["validation"][0] == pytest.approx([2 * factor, 4 * factor, 6 * factor, 8 * factor])
    assert x in plot.text().splitlines()[-3]


def test_means_can_be_left_out_and_so_can_values(run):
    here = run()
    assert list(series(charlm.plot(here, smooth=0))) == ["measured", "validation"]
    assert list(series(charlm.plot(here, raw=False))) == ["smoothed", "validation"]


def test_nothing_is_drawn_before_the_start(run):
    plot = charlm.plot(run(), start=5)
    assert {min(one.x) for panel in plot.panels for one in panel.series} == {5, 6}


def test_the_network_alone_has_a_curve_of_its_own(run):
    lines = [line | ({"valid_network_loss": 9 / line["step"]} if "valid_loss" in line else {}) for line in LINES]
    plot = charlm.plot(run(lines=lines))
    assert series(plot)["network alone"] == ([2, 4, 6, 8], [9 / 2, 9 / 4, 9 / 6, 9 / 8])
    assert "+ without the n-gram" in plot.legend[0]


def test_norms_of_several_magnitudes_have_a_logarithmic_axis(run):
    spike = [line | {"grad_norm": 10.0 ** (line["step"] % 4)} for line in LINES]
    assert [panel.logarithmic for panel in charlm.plot(run("b", spike)).panels] == [False, False, True]
    assert not any(panel.logarithmic for panel in charlm.plot(run()).panels)


def test_the_chart_has_the_lowest_validation_loss_in_the_column_of_its_step(run):
    lines = [line | ({"valid_loss": abs(line["step"] - 6) + 1.0} if "valid_loss" in line else {}) for line in LINES]
    plot = charlm.plot(run(lines=lines), smooth=0)
    rows = [line for line in plot.text(80).splitlines() if re.match(r"[ \d.]*[┤│]", line)][:16]
    edge = len(re.split("[┤│]", rows[0])[0]) + 1
    found = [(row, column - edge) for row, line in enumerate(rows) for column, char in enumerate(line) if char == "●"]
    width = 80 - edge
    assert max(found) == (found[-1][0], round((6 - 1) / (8 - 1) * (width - 1)))
    assert {column for _, column in found} == {round((step - 1) / 7 * (width - 1)) for step in (2, 4, 6, 8)}


def test_the_legend_names_each_run_with_its_best_loss_and_what_happened(run):
    here, event = run(), {"step": 4, "event": "rollback"}
    there = run("b", [line for line in LINES if "valid_loss" not in line] + [event])
    empty = run("c", [])
    plot = charlm.plot(here, there, empty)
    assert plot.legend == (
        f"○ training  ● validation  {here}: lowest validation loss 0.6250 nats at step 8",
        f"△ training  {there}: no validation; lowest training loss 0.5714 nats at step 7; rollback to step 4",
        f"□ training  {empty}: no figures yet",
    )
    assert plot.text().endswith("\n".join(plot.legend))


def test_the_last_of_several_events_is_named(run):
    plot = charlm.plot(run(lines=[*LINES, {"step": 2, "event": "rollback"}, {"step": 6, "event": "rollback"}]))
    assert plot.legend[0].endswith("nats at step 8; rollback to step 6, the last of 2")


def test_a_loss_that_is_never_a_number_is_said(run):
    plot = charlm.plot(run(), run("b", [{"step": 1, "loss": None}]))
    assert plot.legend[1].endswith("b: no loss")


def test_runs_of_bytes_are_per_byte(run):
    lines = [{"bytes" if name == "chars" else name: value for name, value in line.items()} for line in LINES]
    here = run("bytes", lines)
    assert charlm.plot(here).panels[0].title == "loss, nats per byte"
    assert charlm.plot(here, run()).panels[0].title == "loss, nats per character or byte"


def test_controls_in_a_name_are_visible(run):
    plot = charlm.plot(run("a\x1b[2Jb"))
    assert plot.names[0].endswith(r"a\x1b[2Jb")
    assert "\x1b" not in plot.text()


@pytest.mark.parametrize("columns", [1, 40, 79, 160])
def test_the_chart_fits_into_its_columns(run, columns):
    lines = charlm.plot(run()).text(columns).splitlines()
    assert max(map(len, lines[:-1])) <= max(40, columns)


def test_what_cannot_be_drawn_is_told(run):
    here, empty, old = run(), run("empty", []), run("old", [{"step": 3, "loss": 1.0}])
    for message, runs, options in (
        ("no figures yet; the first line of metrics is written after training.log_every steps", [empty], {}),
        ("no figures from 9 steps on; begin earlier", [here], {"start": 9}),
        ("the lines of metrics have no loss by minutes; choose another x", [old], {"x": "minutes"}),
        ("is given twice; leave one out", [here, here], {}),
        ("runs are too many for one plot; choose at most 12 of them", [run(f"n{n}") for n in range(MOST_RUNS + 1)], {}),
    ):
        with pytest.raises(UsageError, match=message):
            charlm.plot(*runs, **options)


# --- Pictures


def test_a_picture_needs_matplotlib_and_says_how_to_install_it(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(CharlmError, match=r"^pictures need Matplotlib, .*: `pip install 'charlm\[plot\]'`$"):
        charlm.plot(run()).save(tmp_path / "x.svg")
    assert not (tmp_path / "x.svg").exists()


@pytest.mark.parametrize("name", ["x.gif", "x", "png"])
def test_a_picture_of_another_format_is_refused(run, tmp_path, name):
    with pytest.raises(UsageError, match=rf"{name}: must end with \.png, \.svg or \.html$"):
        charlm.plot(run()).save(tmp_path / name)


def test_a_png_has_the_width_of_the_figure(run, tmp_path):
    pytest.importorskip("matplotlib")
    charlm.plot(run()).save(str(tmp_path / "x.PNG"))
    data = (tmp_path / "x.PNG").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(data[16:20], "big") == 800


def test_an_svg_has_a_point_for_every_evaluation_and_is_the_same_each_time(run, tmp_path):
    pytest.importorskip("matplotlib")
    plot = charlm.plot(run("$x_1$ <b>"), smooth=0)
    plot.save(tmp_path / "x.svg")
    text = (tmp_path / "x.svg").read_text("utf-8")
    root = ElementTree.fromstring(text)
    markers = [len(list(group)) for group in root.iter("{http://www.w3.org/2000/svg}g")
               if group.find("{http://www.w3.org/2000/svg}use") is not None]  # fmt: skip
    assert 4 in markers
    assert "$x_1$ &lt;b&gt;" in text
    plot.save(tmp_path / "y.svg")
    assert (tmp_path / "y.svg").read_text("utf-8") == text


def test_a_page_holds_the_picture_and_fetches_nothing(run, tmp_path):
    pytest.importorskip("matplotlib")
    lines = [line | {"grad_norm": 10.0 ** line["step"]} for line in LINES]
    charlm.plot(run("<script>", lines)).save(tmp_path / "x.html")
    text = (tmp_path / "x.html").read_text("utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;: lowest validation loss 0.6250 nats at step 8" in text
    assert "default-src 'none'" in text
    assert re.findall(r"(?:src|href)=\"(?!#)[^\"]*\"", text) == []
    assert np.all([name in text for name in ("learning rate", "gradient norm", "steps", "</svg>")])
