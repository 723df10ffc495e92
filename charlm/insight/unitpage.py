"""A page of a text that is coloured by the unit that its reader chooses, with what the units follow.

A page with every unit of a large network would be too large, so it holds those that are found, the strongest of every
feature, and of all gates and states as many more as fit, and says so.
"""

from collections.abc import Iterator

from charlm.insight import textcells
from charlm.insight.inspection import Inspection
from charlm.insight.page import json_text, page, text
from charlm.insight.saturation import Saturation
from charlm.insight.traces import Unit
from charlm.insight.unitdata import LARGEST, chosen_units, text_data, unit_data
from charlm.insight.units import Following
from charlm.insight.unitscript import SCRIPT, STYLE
from charlm.phrases import count

ROWS = 30  # of the table of units
PLOT = 120  # side of a plot of saturation


def unit_page(inspection: Inspection, title: str, first: Unit | None = None) -> Iterator[str]:
    """Yield the page piece by piece.

    Parameters
    ----------
    inspection : Inspection
        The text and the network.
    title : str
        What stands above them.
    first : Unit, optional
        The unit that is shown at first; the strongest one where it is not given.
    """
    return page(title, _body(inspection, first), textcells.STYLE + STYLE, textcells.SCRIPT + SCRIPT)


def _body(inspection: Inspection, first: Unit | None) -> Iterator[str]:
    data = text_data(inspection)
    listed = (inspection.ranking.found or inspection.ranking.units)[:ROWS]
    strongest = [following.unit for following in [*listed, *inspection.ranking.features.values()]]
    shown = first or inspection.strongest
    chosen = chosen_units(inspection, [shown, *strongest], LARGEST - len(json_text(data).encode()))
    place = {unit: index for index, unit in enumerate(chosen)}
    yield (
        "<p>Choose a unit: the text below is coloured by its value after each character, blue above the middle of its "
        "scale and orange below. Point at a character, or move with the arrow keys, to see the value, the surprise in "
        "bits, and what the model held likeliest there.</p>\n"
    )
    yield from _features(inspection, place)
    yield from _units(inspection, listed, place)
    yield from _gates(inspection.saturation)
    yield from _chooser(inspection, chosen, place[shown])
    data |= {"units": [unit_data(inspection, unit) for unit in chosen], "shown": place[shown]}
    yield f'<script type="application/json" id="data">{json_text(data)}</script>'


def _features(inspection: Inspection, place: dict[Unit, int]) -> Iterator[str]:
    """Yield the table of what was looked for."""
    ranking = inspection.ranking
    if not ranking.features:
        yield "<p>The text is too short or too uniform to tell what its units follow.</p>\n"
        return
    head = "<th>feature<th>strongest unit<th>first half<th>second half<th>shifted<th>shuffled<th>beyond chance"
    yield (
        "<h2>What the units follow</h2>\n<p>Correlations of the unit that follows each feature best, in the first half "
        "of the text and in the second, beside what the strongest unit comes to by chance: with the feature shifted in "
        "time, and in networks with the same weights in random order.</p>\n"
        f"<table><thead><tr>{head}</tr></thead>\n"
    )
    for name, best in ranking.features.items():
        yield f'<tr><th scope="row">{text(name)}<td>{_button(best, place)}{_figures(best)}</tr>\n'
    yield "</table>\n"
    if ranking.missing:
        yield f"<p>The text has too little of: {text(', '.join(ranking.missing))}.</p>\n"


def _units(inspection: Inspection, listed: list[Following], place: dict[Unit, int]) -> Iterator[str]:
    """Yield the table of units."""
    if not listed:
        return
    found, all_of_them = len(inspection.ranking.found), count(len(inspection.ranking.units), "unit")
    rows = "none is; the strongest are" if not found else f"{found} are" if found > 1 else "one is"
    more = f", the {ROWS} strongest of which are below" if found > ROWS else ""
    yield (
        f"<details><summary>Of {all_of_them}, {rows} {'beyond chance' if found else 'below'}{more}</summary>\n<table>"
        "<thead><tr><th>unit<th>follows<th>first half<th>second half<th>shifted<th>shuffled<th>beyond chance"
        "</tr></thead>\n"
    )
    for following in listed:
        yield f"<tr><td>{_button(following, place)}<td>{text(following.feature)}{_figures(following)}</tr>\n"
    yield "</table></details>\n"


def _button(following: Following, place: dict[Unit, int]) -> str:
    return f'<button type="button" data-unit="{place[following.unit]}">{following.unit}</button>'


def _figures(following: Following) -> str:
    chance = following.chance
    numbers = (following.first, following.second, chance.shifted, chance.shuffled)
    cells = "".join(f"<td>{number:.2f}".replace("-", "−") for number in numbers)
    return f"{cells}<td>{'yes' if following.found else 'no'}"


def _gates(saturations: list[Saturation]) -> Iterator[str]:
    """Yield the plots of how often gates are shut or open, and the figures."""
    if not saturations:
        return
    yield (
        "<details><summary>How often gates are shut or open</summary>\n<p>Each dot is a unit: to the right, the share "
        "of the text at which the gate is above 0.9; upwards, that at which it is below 0.1.</p>\n"
        '<div class="plots">\n'
    )
    for gate in saturations:
        left, right = f"{gate.left.mean():.0%}", f"{gate.right.mean():.0%}"
        mostly = f"below 0.1 at nine tenths of it or more: {gate.mostly_left}; above 0.9: {gate.mostly_right}"
        figures = f"{left} of the text below 0.1, {right} above 0.9; units {mostly}"
        yield (
            f"<figure>{_plot(gate)}<figcaption>layer {gate.layer}, gate {text(gate.gate)}: {figures}</figcaption>"
            "</figure>\n"
        )
    yield "</div></details>\n"


def _plot(gate: Saturation) -> str:
    """Return a scatter plot; a dot is a path of no length with a round end."""
    x, y = (gate.right * PLOT).round(1), ((1 - gate.left) * PLOT).round(1)
    dots = "".join(f"M{a:g} {b:g}h0" for a, b in zip(x, y, strict=True))
    return (
        f'<svg viewBox="-6 -6 {PLOT + 12} {PLOT + 12}" width="180" height="180" aria-hidden="true">'
        f'<path class="axes" d="M0 0V{PLOT}H{PLOT}"/><path class="rim" d="M0 0L{PLOT} {PLOT}"/>'
        f'<path class="dots" d="{dots}"/></svg>'
    )


def _chooser(inspection: Inspection, chosen: list[Unit], shown: int) -> Iterator[str]:
    """Yield the list to choose from, the scale, and the place of the text."""
    all_of_them = len(inspection.traces.units)
    follows = {following.unit: following.feature for following in inspection.ranking.found}
    yield '<h2>The text</h2>\n<div class="bar"><label>Unit <select id="unit">\n'
    for index, unit in enumerate(chosen):
        if index == 0 or unit[:2] != chosen[index - 1][:2]:
            yield f'{"</optgroup>" if index else ""}<optgroup label="layer {unit.layer}, {_kind(inspection, unit)}">\n'
        what = f": {follows[unit]}" if unit in follows else ""
        yield f'<option value="{index}"{" selected" * (index == shown)}>{unit}{text(what)}</option>\n'
    yield (
        '</optgroup></select></label> <span class="scale"><span id="low"></span> <span id="shades" aria-hidden="true">'
        '</span> <span id="high"></span></span></div>\n'
    )
    if len(chosen) < all_of_them:
        yield (
            f"<p>This page holds {len(chosen):,} of {all_of_them:,} gates and states: those that follow something and, "
            "of every gate and state of every layer, as many more as fit.</p>\n"
        )
    yield (
        '<div id="text" class="t" role="application" aria-label="The text; move with the arrow keys"></div>\n'
        '<p id="said" aria-live="polite"></p>\n'
    )


def _kind(inspection: Inspection, unit: Unit) -> str:
    """Return what a person calls an array: a gate, a state, or the candidate for one."""
    kind = "gate" if unit.array in inspection.gates else "state" if unit.array in inspection.states else "candidate"
    return f"{kind} {unit.array}"
