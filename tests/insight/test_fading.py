"""Facts about plots and tables of gradients over lags."""

import numpy as np
import pytest

from charlm.errors import UsageError
from charlm.insight.fading import Fading, plot, shown_lags
from charlm.insight.plot import MOST_RUNS, NothingToDrawError

INF = float("inf")
POWERS = 0.5 ** np.arange(7.0)


def test_each_state_has_a_panel_and_each_curve_its_points():
    c = np.array([np.nan, 0.1, 0.0, -0.2])
    drawn = plot([Fading("a", "h", "untrained", POWERS[:4]), Fading("b", "c", "trained", c)])
    assert [panel.title for panel in drawn.panels] == ["|d loss(t) / d h(t-k)|", "|d loss(t) / d c(t-k)|"]
    assert all(panel.logarithmic for panel in drawn.panels)
    first, second = (panel.series[0] for panel in drawn.panels)
    assert (first.run, first.kind, first.marker) == (0, "untrained", "○")
    assert (first.x.tolist(), first.y.tolist()) == ([0, 1, 2, 3], [1, 0.5, 0.25, 0.125])
    assert (second.run, second.kind, second.marker) == (1, "trained", "▲")
    assert (second.x.tolist(), second.y.tolist()) == ([1, 3], [0.1, 0.2]), "no ratio leads to zero"


def test_the_legend_is_a_table():
    c = np.array([np.nan, 1e-9, 2e-9, 4e-9, 8e-9, 0, 16e-9])
    drawn = plot([Fading("net", "h", "trained", POWERS), Fading("net", "c", "trained", c)])
    assert [line.split() for line in drawn.legend] == [
        ["lag", "0", "lag", "1", "lag", "2", "lag", "5", "lag", "6", "a", "step"],
        ["●", "net", "trained", "h", "1", "0.5", "0.25", "0.0312", "0.0156", "0.5"],
        ["●", "net", "trained", "c", "1e-09", "2e-09", "0", "1.6e-08", "1.74"],
    ]
    assert len(set(map(len, drawn.legend))) == 1
    assert drawn.text().endswith("\n".join(drawn.legend))


@pytest.mark.parametrize(
    ("values", "factor"),
    [(POWERS, 0.5), ([np.nan, 3, -1, 3], 1), ([9, 1, 0], 0), ([1, 0, 0], None), ([1, 0.5], None), ([1, 1, INF], None)],
)
def test_the_factor_is_a_mean_of_ratios_from_lag_one(values, factor):
    found = Fading("a", "h", "trained", np.asarray(values, float)).factor
    assert np.isnan(found) if factor is None else found == pytest.approx(factor)


@pytest.mark.parametrize(
    ("lags", "shown"),
    [(1, [0, 1]), (2, [0, 1, 2]), (7, [0, 1, 2, 5, 7]), (50, [0, 1, 2, 5, 10, 20, 50])],
)
def test_a_table_shows_round_lags_and_the_last(lags, shown):
    assert shown_lags(lags) == shown


def test_what_cannot_be_drawn_is_told():
    with pytest.raises(NothingToDrawError, match="every gradient is zero at every lag"):
        plot([Fading("a", "h", "trained", np.zeros(4))])
    with pytest.raises(UsageError, match="13 curves are too many for one plot; choose at most 12 of them"):
        plot([Fading(str(n), "h", "trained", POWERS) for n in range(MOST_RUNS + 1)])


def test_an_axis_of_tiny_values_is_labelled_with_them():
    lines = plot([Fading("a", "h", "trained", 10.0 ** -np.arange(0, 25, 4))]).text().splitlines()
    labels = [line.split()[0] for line in lines if "┤" in line]
    assert labels == ["1", "1e-05", "1e-10", "1e-15", "1e-20"]


def test_lags_are_labelled_with_whole_numbers():
    text = plot([Fading("a", "h", "trained", POWERS)]).text(90).splitlines()
    ticks = next(line for line in text if line.split() and set("".join(line.split())) <= set("0123456789."))
    assert ticks.split() == ["0", "1", "2", "3", "4", "5", "6"]
