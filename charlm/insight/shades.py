"""A text coloured by the values of a unit in a terminal: blue above the middle of its scale, orange below."""

from collections.abc import Iterator
from itertools import groupby

from charlm.insight.heatmap import painted
from charlm.insight.inspection import Inspection
from charlm.insight.traces import Unit
from charlm.phrases import visible

# Colours of a terminal of 256, from the low end of the scale to the high one; the middle has none.
COLOURS = (202, 209, 216, 223, None, 189, 147, 75, 33)
SHADES = len(COLOURS) // 2


def shaded_lines(inspection: Inspection, unit: Unit) -> Iterator[str]:
    """Yield the lines of a text without their ends, for a terminal.

    Parameters
    ----------
    inspection : Inspection
        The text and the network.
    unit : Unit
        What colours it.
    """
    shades = (inspection.deviations(unit) * SHADES).round().astype(int).tolist()
    line: list[tuple[int, str]] = []
    for character, shade in zip(inspection.characters, shades, strict=True):
        if character == "\n":
            yield _shaded(line)
            line = []
        else:
            line.append((shade, character))
    if line:
        yield _shaded(line)


def _shaded(line: list[tuple[int, str]]) -> str:
    runs = groupby(line, lambda cell: cell[0])
    return "".join(
        painted(COLOURS[shade + SHADES], visible("".join(character for _, character in run))) for shade, run in runs
    )
