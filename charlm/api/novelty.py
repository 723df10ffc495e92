"""Whether a model copies: what it writes, or another text, held against the text that it was trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from charlm.api.language_model import LONGEST_LINE, LanguageModel, load
from charlm.api.model_text import Readable
from charlm.arguments import WritingOptions, check, seed_of
from charlm.arrays import Ids, IntArray
from charlm.corpus.places import place_of
from charlm.errors import UsageError
from charlm.inference.text import Text
from charlm.insight.fingerprints import Prints
from charlm.insight.novelty import Originality, is_among, items_of, originality

LENGTH = 20_000  # symbols of a sample, where no other length is asked for
AT_ONCE = 64  # items written together
TRIES = 100  # items written for each that is asked for, before a model is held to know no other

OnProgress = Callable[[str, int, int], object]


@dataclass(frozen=True, slots=True)
class Novelty:
    """A text beside the training part of a corpus, and beside what an honest writer would have.

    Attributes
    ----------
    text : Originality
        The figures of the text.
    valid : Originality or None
        The same figures of the validation part, as much of it as the text is long; None where there is none.
    passage : str
        The longest passage of the text that stands in the corpus.
    file, line : str and int, or None
        Where it stands there; None where it goes from one file into the next, or came through standard input.
    seed : int or None
        That of the sample; None for a text that was given.
    """

    text: Originality
    valid: Originality | None
    passage: str
    file: str | None
    line: int | None
    seed: int | None


def novelty(
    model: LanguageModel | str | Path,
    text: Readable | None = None,
    *,
    corpus: str | Path | Sequence[str | Path] | None = None,
    on_progress: OnProgress | None = None,
    **options: Unpack[WritingOptions],
) -> Novelty:
    """Tell how much of a text stands verbatim in the text that a model was trained on.

    Parameters
    ----------
    model : LanguageModel, str or Path
        A model, or the run directory or checkpoint file of one.
    text : str or bytes, optional
        The text; without it, the model writes one.
    corpus : str, Path or sequence of them, optional
        Where the corpus of the model is now, if it was moved.
    on_progress : callable, optional
        Called with the name of what is being done, how much of it is done, and how much there is to do.
    options
        How the model writes, as for `LanguageModel.sample`; 20,000 characters where no length is given. For a text that
        is given, `on_unknown` alone.

    Returns
    -------
    Novelty

    Raises
    ------
    CharlmError
        If the corpus cannot be read, or is no longer the text that the model was trained on.
    UsageError
        If an option is out of its range, or the text is empty.

    Examples
    --------
    >>> found = charlm.novelty(model, length=2_000, seed=1)
    >>> found.text.longest == len(found.passage), 0 <= found.text.copied <= found.text.novel_ngrams[12] <= 1
    (True, True)
    """
    model = model if isinstance(model, LanguageModel) else load(model)
    report = on_progress or (lambda stage, done, total: None)
    if text is not None:
        _refuse_options(options)
        ids, seed = model.encode(text, options.get("on_unknown", "error")).astype(model.vocabulary.dtype), None
    else:
        seed = options["seed"] = seed_of(options.get("seed"))
        ids = _sample(model, options, report)
    if not len(ids):
        raise UsageError("text: is empty; give a text, or a length of at least 1")
    read = model.read_corpus(corpus)
    compare = partial(_compared, model, read.train, report)
    of_text = compare(ids)
    valid = _comparable(model, read.valid, len(ids))
    passage = ids[of_text.place : of_text.place + of_text.longest]
    place = None
    if of_text.longest:
        place = place_of(passage, model.corpus_settings(corpus), model.vocabulary, model.path)
    return Novelty(
        of_text,
        compare(valid) if len(valid) else None,
        model.vocabulary.decode(passage),
        None if place is None else place.file,
        None if place is None else place.line,
        seed,
    )


def _refuse_options(options: WritingOptions) -> None:
    for name in options:
        if name != "on_unknown":
            raise UsageError(f"{name}: says how a model writes; leave it out for a text that is given")


def _sample(model: LanguageModel, options: WritingOptions, report: OnProgress) -> Ids:
    length = options.get("length")
    options["length"] = length = LENGTH if length is None else length
    writing = model.writing(**options)
    for _ in writing:
        report("writing", len(writing.texts[0].ids), length)
    return np.array(writing.texts[0].ids, model.vocabulary.dtype)


def _compared(model: LanguageModel, corpus: Ids, report: OnProgress, text: Ids) -> Originality:
    items = model.architecture.start_symbol is not None
    return originality(text, corpus, model.vocabulary, items, partial(report, "reading the corpus"))


def _comparable(model: LanguageModel, valid: Ids, length: int) -> Ids:
    """Return as much of the validation part as a text is long, from the beginning of a line."""
    newline = model.vocabulary.id_of("\n")
    start = 0 if newline is None or newline not in valid else int(np.argmax(valid == newline)) + 1
    return valid[start : start + length]


def novel_items(
    model: LanguageModel,
    prompt: Readable = "",
    *,
    items: int = 10,
    corpus: str | Path | Sequence[str | Path] | None = None,
    probabilities: bool = False,
    **options: Unpack[WritingOptions],
) -> Iterator[Text[Any]]:
    """Write items, such as names, that no part of the corpus of a model of lines has.

    Items are written many at a time, and those that the corpus has are left out. Fewer than were asked for come where a
    hundred times as many were not enough.

    Parameters
    ----------
    model : LanguageModel
        A model of lines.
    prompt : str or bytes
        What each item begins with.
    items : int
        How many.
    corpus : str, Path or sequence of them, optional
        Where the corpus of the model is now, if it was moved.
    probabilities : bool
        Whether to note how likely the model held each symbol.
    options
        As for `LanguageModel.sample`, except `count`, `stop` and `lines`.

    Yields
    ------
    Text
        An item with its line end, without the prompt.

    Raises
    ------
    CharlmError
        If the corpus cannot be read, or is no longer the text that the model was trained on.
    UsageError
        If an option is out of its range, or the model is none of lines.
    """
    if wrong := [name for name in ("count", "stop", "lines") if name in options]:
        raise UsageError(f"{wrong[0]}: items are written one by one, each to its end; leave it out")
    start = model.architecture.start_symbol
    if start is None:
        raise UsageError(f"novel: {model.name} learnt one running text (corpus.mode: stream), which has no items")
    check(items=items)
    begun = model.encode(prompt, options.pop("on_unknown", "error"))
    if (begun == start).any():
        raise UsageError("prompt: has a line end, after which an item would begin anew; give the beginning of one item")
    read = model.read_corpus(corpus)
    known = items_of([read.train, read.valid, read.test], model.vocabulary)
    options["length"] = LONGEST_LINE if options.get("length") is None else options["length"]
    return _novel(model, begun, int(items), known, seed_of(options.get("seed")), probabilities, options)


def _novel(
    model: LanguageModel,
    begun: IntArray,
    items: int,
    known: Prints,
    seed: int,
    probabilities: bool,
    options: WritingOptions,
) -> Iterator[Text[Any]]:
    start = model.architecture.start_symbol
    options["lines"] = 1
    left = items
    for batch in range(-(-items * TRIES // AT_ONCE)):
        options["seed"] = seed ^ (batch << 32)  # of its own for each batch, and none that a small seed leads to
        writing = model.writing(begun, count=AT_ONCE, probabilities=probabilities, **options)
        for _ in writing:
            pass
        for text in writing.texts:
            ended = bool(text.ids) and text.ids[-1] == start
            line = np.array([*begun, *text.ids[:-1]], model.vocabulary.dtype)
            if ended and len(line) and not is_among(line, known):
                yield text
                left -= 1
                if not left:
                    return
