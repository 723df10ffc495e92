"""What the page of units reads: a text with the guesses at each character, and the values of the units that fit.

Numbers are written in base 64, with the digits of URLs (RFC 4648) and a fixed width. One digit is enough for a colour,
so a unit takes a byte for each character.
"""

from collections.abc import Iterable
from itertools import zip_longest
from typing import Any

import numpy as np

from charlm.arrays import Array, IntArray
from charlm.insight.heatmap import name_of
from charlm.insight.inspection import Inspection
from charlm.insight.traces import Unit

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
BASE = len(DIGITS)
LARGEST = 2_700_000  # bytes; tables and plots come on top
NAME = 60  # bytes of a unit besides its values
FEWEST = 40  # units, however long the text
PAIR = BASE**2 - 1  # the largest number of two digits; as a surprise it stands for none


def chosen_units(inspection: Inspection, wanted: Iterable[Unit], room: int) -> list[Unit]:
    """Return the units that fit, in the order of the network.

    Parameters
    ----------
    inspection : Inspection
        The text and the network.
    wanted : iterable of Unit
        Those that come first. The others follow in turn from every gate and state of every layer, by their ranks.
    room : int
        How many bytes there are.
    """
    places = max(FEWEST, room // (len(inspection.characters) + NAME))
    arrays: dict[tuple[int, str], list[Unit]] = {}
    for unit in [following.unit for following in inspection.ranking.units] or inspection.traces.units:
        arrays.setdefault((unit.layer, unit.array), []).append(unit)
    in_turn = [unit for turn in zip_longest(*arrays.values()) for unit in turn if unit is not None]
    chosen = set(list(dict.fromkeys([*wanted, *in_turn]))[:places])
    return [unit for unit in inspection.traces.units if unit in chosen]


def text_data(inspection: Inspection) -> dict[str, Any]:
    """Return the text, the surprise of each character in tenths of a bit, and the guesses there."""
    bits = np.where(np.isnan(inspection.bits), PAIR, np.minimum(inspection.bits * 10, PAIR - 1))
    used, places = np.unique(inspection.guesses, return_inverse=True)
    width = 1 if len(used) <= BASE else 2 if len(used) <= BASE**2 else 3
    return {
        "text": "".join(map(_displayed, inspection.characters)),
        "bits": digits(bits, 2),
        "symbols": [name_of(inspection.symbols[index]) for index in used],
        "width": width,
        "guesses": digits(places.reshape(-1), width),
        "shares": digits(np.nan_to_num(inspection.probabilities).ravel() * PAIR, 2),
    }


def unit_data(inspection: Inspection, unit: Unit) -> dict[str, Any]:
    """Return the name of a unit, its scale, and its value at each character, from 0 at the low end to 63."""
    low, high = inspection.scale(unit)
    levels = (inspection.deviations(unit) + 1) / 2 * (BASE - 1)
    return {"name": str(unit), "low": round(low, 3), "high": round(high, 3), "levels": digits(levels, 1)}


def digits(numbers: Array | IntArray, width: int) -> str:
    """Return numbers, rounded to whole ones from 0 to 64^width - 1, in base 64, each of so many digits."""
    whole = np.asarray(numbers).round().astype(np.int64)
    powers = BASE ** np.arange(width)[::-1]
    places = whole[:, None] // powers % BASE
    written: bytes = np.frombuffer(DIGITS.encode(), np.uint8)[places].tobytes()
    return written.decode()


def _displayed(character: str) -> str:
    """Return a character as one that can be seen and does nothing: controls have pictures, others U+FFFD."""
    if character in "\n\t" or character.isprintable():
        return character
    return chr(0x2400 + ord(character)) if ord(character) < 32 else "\ufffd"
