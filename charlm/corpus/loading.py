"""A corpus from its files to arrays of ids for training, validation and test."""

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from charlm.arrays import Ids
from charlm.corpus import cache, lines, splits
from charlm.corpus.counts import occurrences, vocabulary_of
from charlm.corpus.decoding import READERS, Form, Options, Tally
from charlm.corpus.sources import Source, find
from charlm.corpus.vocabulary import Vocabulary
from charlm.errors import CharlmError, CorpusError, UsageError
from charlm.phrases import count

NOUNS = {"char": "character", "byte": "byte"}
CHANGED = "changed while it was being read; run again when nothing writes to it"
CACHED_FROM = 1 << 24  # bytes of files; smaller corpora are encoded sooner than a cache pays


@dataclass(frozen=True)
class Corpus:
    r"""A text as ids, in three parts.

    Parameters
    ----------
    train, valid, test : numpy.ndarray, shape (N,)
        Ids of the vocabulary's `dtype`; memory-mapped where the corpus is big. In lines mode each begins with a
        newline and has one after every line; a part whose fraction is 0 is empty.
    vocabulary : Vocabulary
        The symbols of the whole corpus.
    report : list of str
        What was read and what was changed, a line each, for standard error.
    digest : str
        SHA-256 of the vocabulary and the ids before they were split: equal when the text to learn is equal.
    characters : int
        How many symbols the whole corpus has.
    """

    train: Ids
    valid: Ids
    test: Ids
    vocabulary: Vocabulary
    report: list[str]
    digest: str
    characters: int


class Encoded(NamedTuple):
    """A corpus as ids, before it is split."""

    ids: Ids
    vocabulary: Vocabulary
    digest: str
    notes: list[str]


def load(
    path: str | Sequence[str],
    *,
    encoding: str,
    unit: str,
    mode: str,
    newlines: str,
    normalize: Form | None,
    lowercase: bool,
    min_count: int,
    unknown: str,
    split: Mapping[str, Any],
    seed: int,
) -> Corpus:
    """Read a corpus, number its characters and split it.

    The files are read twice, a piece at a time: once to count characters and once to encode them. What is made of
    big files is kept in a cache, under a hash of their bytes and of the options.

    Parameters
    ----------
    path : str or sequence of str
        Where the text is; see `charlm.corpus.sources.find`.
    encoding : str
        The files' encoding, any text codec that Python has.
    unit : {"char", "byte"}
        What a symbol is.
    mode : {"stream", "lines"}
        Whether it is one text or many independent lines.
    newlines : {"lf", "keep"}
        Whether CR LF and CR become LF.
    normalize : {"NFC", "NFD", "NFKC", "NFKD"} or None
        The Unicode normal form to bring the text into.
    lowercase : bool
        Whether to turn it into lower case.
    min_count : int
        How often a character must occur to be a symbol.
    unknown : str
        The symbol for all rarer ones.
    split : mapping
        Fractions train, valid and test, and the layout, "tail" or "stripes".
    seed : int
        The run's seed, which shuffles lines.

    Returns
    -------
    Corpus
        The same for equal arguments and files, cached or not.

    Raises
    ------
    CorpusError
        When files cannot be read, are no text, or are too small to split.
    UsageError
        When an option makes no sense.
    """
    options = Options(encoding, unit, mode, newlines, normalize, lowercase, min_count, unknown)
    chosen = splits.shares(split)
    if mode == "lines" and chosen.layout != "tail":
        raise UsageError("corpus.split.layout: no effect with corpus.mode: lines, whose lines are shuffled; remove it")
    report: list[str] = []
    with _opened(path) as sources:
        size = sum(source.state()[0] for source in sources)
        shelf: cache.Shelf = cache.Folder(cache.folder(), report) if size >= CACHED_FROM else cache.Memory()
        key = _key(sources, options) if size >= CACHED_FROM else ""
        encoded = _encoded(sources, options, shelf, key)
    report += encoded.notes
    train, valid, test = DIVISIONS[mode](encoded, chosen, seed, shelf, key, report)
    return Corpus(train, valid, test, encoded.vocabulary, report, encoded.digest, len(encoded.ids))


def read(
    path: str | Sequence[str],
    vocabulary: Vocabulary,
    *,
    on_unknown: str,
    encoding: str,
    mode: str,
    newlines: str,
    normalize: Form | None,
    lowercase: bool,
) -> tuple[Ids, list[str]]:
    """Read files with a vocabulary that is there already, to score them with a trained model.

    Parameters
    ----------
    path, encoding, mode, newlines, normalize, lowercase
        As for `load`.
    vocabulary : Vocabulary
        The model's; its unit is the text's.
    on_unknown : {"error", "skip", "replace"}
        What to do with characters that it lacks.

    Returns
    -------
    ids : numpy.ndarray, shape (N,)
        The whole text, in lines mode in the form that `Corpus` describes.
    report : list of str
        What was read and what was changed.

    Raises
    ------
    CorpusError
        When files cannot be read, are no text, or have nothing in them.
    UsageError
        When an option makes no sense, or when the text has unknown characters and `on_unknown` is "error".
    """
    options = Options(encoding, vocabulary.unit, mode, newlines, normalize, lowercase, 1, "\ufffd")
    tally = Tally()
    characters = 0
    encoded: list[Ids] = []
    with _opened(path) as sources:
        for piece in READERS[options.unit](sources, options, tally):
            characters += len(piece)
            try:
                encoded.append(vocabulary.encode(piece, on_unknown))
            except UsageError as error:
                error.args = (f"{', '.join(source.name for source in sources)}: {error}",)
                raise
    ids = np.concatenate([np.empty(0, dtype=vocabulary.dtype), *encoded])
    report = [f"{count(tally.files, 'file')}, {count(characters, NOUNS[options.unit])}", *tally.notes(options)]
    if len(ids) < characters:
        report.append(f"{count(characters - len(ids), 'unknown character')} left out")
    if len(ids) < splits.SMALLEST_TEXT:
        raise CorpusError(f"{_named(path)}: has {count(len(ids), 'character')}; at least 2 are needed")
    return ids, report


def read_again(section: Mapping[str, Any], seed: int, digest: str, where: Path) -> Corpus:
    """Read the corpus that a run was trained on once more.

    Parameters
    ----------
    section : mapping
        The `corpus` section of the run's configuration.
    seed : int
        The run's seed.
    digest : str
        What the run knows its text by.
    where : Path
        The run or checkpoint, for messages.

    Raises
    ------
    CorpusError
        If the text is not where it was or no longer the same.
    """
    paths = [section["path"]] if isinstance(section["path"], str) else list(section["path"])
    if "-" in paths and (sys.stdin is None or sys.stdin.isatty()):
        raise UsageError(f"{where}: the corpus came through standard input (corpus.path: '-'); send it in again")
    try:
        corpus = load(**section, seed=seed)
    except CharlmError as error:
        raise CorpusError(f"{where}: its corpus cannot be read again: {error}") from error
    if corpus.digest != digest:
        raise CorpusError(
            f"{where}: the corpus {', '.join(paths)} is no longer the text that this run was reading; put that back, "
            "or start a new run from its weights"
        )
    return corpus


def check_fits(characters: int, batch_size: int, seq_length: int) -> None:
    """Raise a `CorpusError` when a training text is too small for one window of every stream.

    Parameters
    ----------
    characters : int
        N, how many ids the training part has.
    batch_size, seq_length : int
        B and T; N must be at least B * T + 1.
    """
    if characters >= batch_size * seq_length + 1:
        return
    fitting = []
    if characters > seq_length:
        fitting.append(f"batch_size {(characters - 1) // seq_length} would fit with seq_length {seq_length}")
    if characters > batch_size:
        fitting.append(f"seq_length {(characters - 1) // batch_size} with batch_size {batch_size}")
    if not fitting and characters > 1:
        fitting.append(f"batch_size 1 would fit with seq_length {characters - 1}")
    if fitting and not fitting[0].startswith("batch_size"):
        fitting[0] = fitting[0].replace(" with ", " would fit with ")
    raise CorpusError(
        f"the training part has {count(characters, 'character')}, but batch_size {batch_size} x seq_length "
        f"{seq_length} needs at least {batch_size * seq_length + 1}; {', or '.join(fitting) or 'give a longer corpus'}"
    )


@contextmanager
def _opened(path: str | Sequence[str]) -> Iterator[list[Source]]:
    with ExitStack() as stack:
        sources = find(path)
        for source in sources:
            stack.callback(source.close)
        before = [source.state() for source in sources]
        yield sources
        for source, state in zip(sources, before, strict=True):
            if source.state() != state:
                raise CorpusError(f"{source.name}: {CHANGED}")


def _encoded(sources: Sequence[Source], options: Options, shelf: cache.Shelf, key: str) -> Encoded:
    found = shelf.find(key)
    if found:
        try:
            return _from_facts(found, [f"encoded text taken from the cache {cache.folder()}"])
        except (CharlmError, KeyError, TypeError):
            pass  # somebody else's file under this name: make it anew
    return _from_facts(shelf.keep(key, _encoding_plan(sources, options)), [])


def _from_facts(entry: cache.Entry, notes: list[str]) -> Encoded:
    facts = entry.facts
    vocabulary = Vocabulary.from_metadata(facts["vocabulary"])
    return Encoded(entry.ids, vocabulary, str(facts["digest"]), [*map(str, facts["notes"]), *notes])


def _encoding_plan(sources: Sequence[Source], options: Options) -> cache.Plan:
    """Count the characters, and return how to encode them."""
    tally = Tally()
    counts = occurrences(READERS[options.unit](sources, options, tally), options.unit)
    characters = int(counts.sum())
    if characters <= (options.mode == "lines"):  # lines always have the newline that begins them
        raise CorpusError(f"{_named_all(sources)}: is empty; a corpus needs some text to learn from")
    vocabulary, rare = vocabulary_of(counts, options)
    size = f"{count(tally.files, 'file')}, {count(characters, NOUNS[options.unit])}"
    notes = [f"{size}, {count(len(vocabulary), 'symbol')}", *tally.notes(options), *rare]
    policy = "error" if vocabulary.unknown is None else "replace"
    digest = hashlib.sha256()

    def pieces() -> Iterator[Ids]:
        nonlocal digest
        digest = hashlib.sha256(json.dumps(vocabulary.to_metadata()).encode())
        with ThreadPoolExecutor(1) as helper:  # hashing leaves the interpreter free to encode the next piece
            hashed: Future[object] = helper.submit(int)
            for piece in READERS[options.unit](sources, options, Tally()):
                try:
                    ids = vocabulary.encode(piece, policy)
                except UsageError:  # this vocabulary was made of these very characters
                    raise CorpusError(f"{_named_all(sources)}: {CHANGED}") from None
                hashed.result()
                hashed = helper.submit(digest.update, ids.astype(ids.dtype.newbyteorder("<"), copy=False).data)
                yield ids
            hashed.result()

    def facts() -> dict[str, Any]:
        return {"vocabulary": vocabulary.to_metadata(), "digest": digest.hexdigest(), "notes": notes}

    return cache.Plan(vocabulary.dtype, characters, pieces, facts)


def _divide_text(
    encoded: Encoded, chosen: splits.Shares, seed: int, shelf: cache.Shelf, key: str, report: list[str]
) -> list[Ids]:
    ids = encoded.ids
    spans = splits.LAYOUTS[chosen.layout](len(ids), chosen)
    sizes = splits.sizes_of(spans)
    noun = f"{NOUNS[encoded.vocabulary.unit]}s"
    splits.check_parts(sizes, chosen, noun, splits.SMALLEST_TEXT)
    where = f" in stripes of {splits.stripe_length(len(ids)):,}" if chosen.layout == "stripes" else ""
    report.append(_parts_note(sizes, f"{noun}{where}"))
    if all(len(part) <= 1 for part in spans):  # parts in one piece stay where they are
        return [ids[slice(*part[0])] if part else ids[:0] for part in spans]
    plan = cache.Plan(ids.dtype, len(ids), lambda: splits.spanned(ids, spans), dict)
    return _cut(_arranged(shelf, _key_of(key, *map(str, chosen)), plan), sizes)


def _divide_lines(
    encoded: Encoded, chosen: splits.Shares, seed: int, shelf: cache.Shelf, key: str, report: list[str]
) -> list[Ids]:
    ids = encoded.ids
    newline = encoded.vocabulary.id_of("\n")
    assert newline is not None  # every text of lines begins with one
    positions = lines.newlines(ids, newline)
    dealt = splits.deal(len(positions) - 1, chosen, seed)
    numbers = [len(part) for part in dealt.lines]
    splits.check_parts(numbers, chosen, "lines", splits.SMALLEST_LINES)
    report.append(_parts_note(numbers, "lines, shuffled"))
    sizes = dealt.sizes(positions)
    plan = cache.Plan(ids.dtype, sum(sizes), lambda: dealt.pieces(ids, positions), dict)
    return _cut(_arranged(shelf, _key_of(key, *map(str, chosen), str(seed)), plan), sizes)


Division = Callable[[Encoded, splits.Shares, int, cache.Shelf, str, list[str]], list[Ids]]
DIVISIONS: dict[str, Division] = {"stream": _divide_text, "lines": _divide_lines}


def _arranged(shelf: cache.Shelf, key: str, plan: cache.Plan) -> Ids:
    found = shelf.find(key)
    if found and len(found.ids) == plan.size and found.ids.dtype == plan.dtype:
        return found.ids
    return shelf.keep(key, plan).ids


def _cut(ids: Ids, sizes: Iterable[int]) -> list[Ids]:
    ends = np.cumsum([0, *sizes])
    return [ids[start:stop] for start, stop in pairwise(ends)]


def _parts_note(sizes: Sequence[int], noun: str) -> str:
    train, valid, test = sizes
    return f"split: {train:,} for training, {valid:,} for validation, {test:,} for test ({noun})"


def _key(sources: Sequence[Source], options: Options) -> str:
    files = [text for source in sources for text in (source.compression, source.digest())]
    return _key_of(repr(options), *files)


def _key_of(*texts: str) -> str:
    return hashlib.sha256(json.dumps([cache.VERSION, *texts]).encode()).hexdigest()


def _named_all(sources: Sequence[Source]) -> str:
    return _named([source.name for source in sources])


def _named(path: str | Sequence[str]) -> str:
    names = [path] if isinstance(path, str) else list(path)
    return names[0] if len(names) == 1 else f"{names[0]} and {count(len(names) - 1, 'other file')}"
