"""Facts about charts of characters: the cells follow the values, and the labels stand beside the cells they are of."""

import re

import numpy as np
import pytest

from charlm.insight.charts import Axis, Points, chart, label


def drawn(x, y, columns=21, rows=11, **options):
    return chart([Points(np.array(x, float), np.array(y, float), "o")], columns=columns, rows=rows, **options)


def grid(lines, rows=11):
    """Return the cells of a chart, the lowest row first."""
    width = len(re.split("[┤│]", lines[0])[0]) + 1
    return [line[width:] for line in reversed(lines[:rows])]


def cells(lines, marker="o", rows=11):
    return {(column, row) for row, line in enumerate(grid(lines, rows)) for column, c in enumerate(line) if c == marker}


def test_each_point_is_in_the_cell_of_its_values():
    assert cells(drawn([0, 5, 10, 20], [0, 10, 3, 7])) == {(0, 0), (5, 10), (10, 3), (20, 7)}


def test_the_lowest_value_is_in_the_lowest_row_and_its_own_column():
    x = np.arange(21)
    lines = drawn(x, (x - 13) ** 2)
    assert min(cells(lines), key=lambda cell: (cell[1], abs(cell[0] - 13))) == (13, 0)
    assert {column for column, row in cells(lines) if row == 10} == {0}


def test_the_labels_of_y_stand_in_the_rows_of_their_values():
    lines = drawn([0, 20], [0, 10])
    labels = {row: line.split("┤")[0].strip() for row, line in enumerate(reversed(lines[:11])) if "┤" in line}
    assert labels == {0: "0", 2: "2", 4: "4", 6: "6", 8: "8", 10: "10"}


def test_the_labels_of_x_stand_below_the_columns_of_their_values():
    *_, axis, labels = drawn([0, 4000], [0, 1], columns=41)
    corner = axis.index("└")
    ticks = [column - corner - 1 for column, char in enumerate(axis) if char == "┬"]
    assert ticks == [0, 20, 40]
    assert [(found.group(), found.start() <= corner + 1 + tick < found.end())
            for found, tick in zip(re.finditer(r"\S+", labels), ticks, strict=True)
            ] == [("0", True), ("2,000", True), ("4,000", True)]  # fmt: skip


def test_the_axis_of_x_can_be_given():
    assert cells(drawn([10, 15], [0, 10], between=(0, 20))) == {(10, 0), (15, 10)}


def test_a_logarithmic_axis_has_equal_ratios_and_leaves_out_what_is_not_positive():
    lines = drawn([0, 5, 10, 15, 20], [1, 0, 100, -3, 10_000], logarithmic=True)
    assert cells(lines) == {(0, 0), (10, 5), (20, 10)}
    labels = [line.split("┤")[0].strip() for line in lines if "┤" in line]
    assert labels == ["10,000", "1,000", "100", "10", "1"]


def test_values_that_are_not_finite_are_left_out():
    assert cells(drawn([0, 5, 20, np.nan], [0, np.nan, 10, 5])) == {(0, 0), (20, 10)}


def test_a_single_value_is_in_the_middle():
    assert cells(drawn([3], [7])) == {(10, 5)}
    assert cells(drawn([0], [0])) == {(10, 5)}


def test_later_points_are_drawn_over_earlier_ones():
    x = np.array([0.0, 1.0])
    lines = chart([Points(x, x, "a"), Points(x[:1], x[:1], "b")], columns=21, rows=11)
    assert (cells(lines, "b"), cells(lines, "a")) == ({(0, 0)}, {(20, 10)})


def test_few_rows_have_their_ends_as_labels():
    lines = drawn([0, 1], [0.31, 1.62], rows=3)
    assert [line.split("┤")[0].strip() for line in (lines[0], lines[2])] == ["1.62", "0.31"]


def test_colours_are_escapes_around_the_markers():
    plain, coloured = (drawn([0, 5], [0, 1], coloured=is_coloured) for is_coloured in (False, True))
    assert "\x1b[34mo\x1b[0m" in "".join(coloured)
    assert [re.sub(r"\x1b\[\d+m", "", line) for line in coloured] == plain


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.5, 1]), (1.43, 3.77, [2, 3]), (-5, 995, [0, 500]), (1e-9, 3e-9, [1e-9, 2e-9, 3e-9])],
)
def test_ticks_are_round_numbers(low, high, expected):
    ticks = Axis(low, high, 100).ticks(3)
    assert list(ticks.values()) == pytest.approx(expected)
    assert list(ticks) == [round((tick - low) / (high - low) * 99) for tick in expected]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.002, "0.002"), (2.5, "2.5"), (1000, "1,000"), (12_500, "12,500"), (11e6, "11M"), (2.5e6, "2.5M"), (1e-20, "0")],
)
def test_a_label_is_short(value, text):
    assert label(value) == text
