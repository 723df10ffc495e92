"""A text coloured by its surprise: in a terminal of 256 colours, and as a page."""

from collections.abc import Iterable, Iterator
from itertools import groupby

import numpy as np

from charlm.insight import textcells
from charlm.insight.page import page, text
from charlm.insight.surprise import Cell, Guess, LineScore
from charlm.phrases import one_line, visible

LEVELS = (1.0, 2.0, 3.0, 4.5, 6.0, 8.0, 11.0)  # bits at which the next colour begins
COLOURS = (None, 230, 229, 222, 215, 209, 203, 196)  # of a terminal, from pale yellow to red
STEPS = (0, 12, 22, 34, 46, 58, 72, 88)  # per cent of red on a page

COLOURS_OF_LEVELS = "".join(
    f".s{level} {{ background: rgb(226 74 32 / {step}%); }}\n" for level, step in enumerate(STEPS) if level
)

STYLE = """
table { border-spacing: 0; width: 100%; }
td { vertical-align: top; padding: .1rem .5rem; }
td:first-child, td:nth-child(2) { color: var(--faint); text-align: right; font-variant-numeric: tabular-nums; }
.t { font-family: ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
i { border-radius: 2px; }
i:focus { outline: 2px solid var(--ink); }
.n { color: var(--faint); }
""" + COLOURS_OF_LEVELS

SCRIPT = """
const cells = [...document.querySelectorAll("i")], said = document.getElementById("said");
const row = cell => cell.closest("tr");
const places = walk(
  cells,
  cell => row(cell).previousElementSibling?.querySelector("i"),
  cell => row(cell).nextElementSibling?.querySelector("i"));
document.addEventListener("focusin", event => {
  if (places.has(event.target))
    said.textContent = event.target.textContent + ": " + (event.target.dataset.g || "given");
});
"""


def level(bits: float) -> int:
    """Return the colour of a surprise, from 0 for none; that of what was not predicted is 0."""
    return int(np.searchsorted(LEVELS, bits, side="right")) if np.isfinite(bits) else 0


def coloured(score: LineScore) -> str:
    """Return a line for a terminal, its characters on backgrounds by their surprise; its end is not shown."""
    cells = [cell for cell in score.cells() if cell.text != "\n"]
    runs = groupby(cells, lambda cell: level(cell.bits))
    return "".join(painted(COLOURS[of], visible("".join(cell.text for cell in run))) for of, run in runs)


def painted(colour: int | None, characters: str) -> str:
    """Return characters in black on a colour of a terminal, of which there are 256, or as they are."""
    return characters if colour is None else f"\x1b[38;5;16;48;5;{colour}m{characters}\x1b[0m"


def heatmap(scores: Iterable[LineScore], title: str) -> Iterator[str]:
    """Yield a page of lines, coloured by surprise, with the likeliest characters under each.

    Parameters
    ----------
    scores : iterable of LineScore
        Lines that were scored with guesses.
    title : str
        What stands above them.
    """
    return page(title, _body(scores), textcells.STYLE + STYLE, textcells.SCRIPT + SCRIPT)


def _body(scores: Iterable[LineScore]) -> Iterator[str]:
    yield (
        "<p>The redder a character, the more it surprised the model. Point at one, or move with the arrow keys, to see "
        "its surprise in bits and what the model held likeliest there. The number before a line is its mean.</p>"
        "\n<table>\n"
    )
    for score in scores:
        cells = "".join(map(_cell, score.cells()))
        mean = f"{score.bits_per_char:.2f}" if score.chars else ""
        yield f'<tr><td>{score.line}</td><td>{mean}</td><td class="t">{cells}</td></tr>\n'
    yield '</table>\n<p id="said" aria-live="polite"></p>'


def _cell(cell: Cell) -> str:
    shown, kind = ("↵", " n") if cell.text == "\n" else (text(cell.text), "")
    if not np.isfinite(cell.bits):
        return f'<i tabindex="-1">{shown}</i>'
    guesses = "&#10;".join(_guess(guess) for guess in cell.guesses)
    return f'<i tabindex="-1" class="s{level(cell.bits)}{kind}" data-g="{cell.bits:.1f} bits&#10;{guesses}">{shown}</i>'


def _guess(guess: Guess) -> str:
    return f"{text(name_of(guess.symbol))} {guess.probability:.0%}"


def name_of(symbol: str) -> str:
    """Return what a guess is called: blanks have names."""
    return {" ": "space", "\n": "line end", "\t": "tab"}.get(symbol, one_line(symbol))
