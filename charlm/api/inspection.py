"""What the units of a model do along a text."""

from collections.abc import Callable

import numpy as np

from charlm.api.language_model import LanguageModel, check_model
from charlm.api.model_text import Readable
from charlm.arguments import check
from charlm.errors import UsageError
from charlm.insight.inspection import Inspection, inspection
from charlm.workers.blas import blas_threads

GUESSES = 5


def inspect(
    model: LanguageModel,
    text: "Readable | None" = None,
    *,
    characters: int = 20_000,
    on_unknown: str = "error",
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> Inspection:
    """Find what the units of a model do, after Karpathy, Johnson & Fei-Fei (2016).

    Parameters
    ----------
    model : LanguageModel
        The model.
    text : str, bytes or ndarray of int, optional
        What it reads; the validation part of its corpus where there is none.
    characters : int
        How many characters of the text are read at most, in a model of bytes how many bytes; at most 50,000.
    on_unknown : {"error", "skip", "replace"}
        What to do with characters that the model never saw.
    on_progress : callable
        Called with how much is done and of how much.

    Returns
    -------
    Inspection
        `ranking` has the units by what they follow (`ranking.found` those that follow something better than chance
        explains), `traces` every gate and state after each character, `saturation` how often gates are shut or open.
        `charlm.insight.unitpage.unit_page` makes a page of it.

    Raises
    ------
    UsageError
        If the text is empty or has characters that the model never saw.
    CharlmError
        If there is no text, and the corpus cannot be read.
    NotFiniteError
        If the weights of the model are too large.

    Examples
    --------
    >>> found = charlm.inspect(model, "To be, or not to be")
    >>> found.traces.values.shape[0], str(found.traces.units[-1])
    (19, 'l0.c.7')
    """
    check_model(model)
    check(characters=characters)
    ids = model.read_part() if text is None else model.encode(text, on_unknown)
    ids = ids[:characters].astype(np.int64)
    if not len(ids):
        raise UsageError("text: is empty; a unit is seen at work on a text of at least one character")
    with model.symbol_reader(model.architecture.start_symbol, GUESSES) as reader:
        expected = reader.read(ids)
    with blas_threads(1):
        return inspection(model.architecture, model.parameters, model.vocabulary, ids, expected, on_progress)
