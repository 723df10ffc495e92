"""A corpus from its files to arrays of ids for training, validation and test."""

import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from charlm.arrays import Ids
from charlm.corpus import cache, splits
from charlm.corpus.decoding import READERS, Form, Options, Tally
from charlm.corpus.division import DIVISIONS
from charlm.corpus.encoding import CHANGED, NOUNS, encode, key_of, named, size_of
from charlm.corpus.sources import STANDARD_INPUT, STDLIB_PREFIX, Source, find, is_standard_input
from charlm.corpus.tables import check_tables
from charlm.corpus.vocabulary import Vocabulary
from charlm.errors import CharlmError, CorpusError, Remedy, UnknownSymbolError, UsageError
from charlm.phrases import count

RESUMING = "say where it is now, or start a new run from its weights"
CACHED_FROM = 1 << 24  # bytes of files; smaller corpora are encoded sooner than a cache pays


@dataclass(frozen=True)
class Corpus:
    r"""A text as ids, in three parts.

    Parameters
    ----------
    train, valid, test : numpy.ndarray, shape (N,)
        Ids of the vocabulary's `dtype`; memory-mapped where they take 256 MB or more. In lines mode each begins with
        a newline and has one after every line; a part whose fraction is 0 is empty.
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
    separator: str = "",
    column: str | None = None,
) -> Corpus:
    """Read a corpus, number its characters and split it.

    The files are read twice, a piece at a time: once to count characters and once to encode them. What is made of
    big files is stored in a cache, under a hash of their bytes and of the options.

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
    separator : str
        What stands between two files in mode "stream"; it is added where the first does not end with it.
    column : str, optional
        In mode "lines", the column of CSV, TSV or JSON lines whose fields are the items.

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
    options = Options(encoding, unit, mode, newlines, normalize, lowercase, min_count, unknown, separator,
                      column)  # fmt: skip
    chosen = splits.shares(split)
    if column is not None and mode != "lines":
        raise UsageError("corpus.column: its fields are items, which corpus.mode: lines reads; set that")
    report: list[str] = []
    with opened(path, report) as sources:
        if column is not None:
            check_tables(sources, column)
        return from_files(sources, options, chosen, seed, report)


def from_files(
    sources: Sequence[Source], options: Options, chosen: splits.Shares, seed: int, report: list[str]
) -> Corpus:
    """Read files that are open already; see `load`.

    Parameters
    ----------
    sources : sequence of Source
        The files, from `opened`.
    options : Options
        How to read them.
    chosen : Shares
        How much each part gets.
    seed : int
        The run's seed, which shuffles lines.
    report : list of str
        What was left out so far; the corpus's own report goes on with it.
    """
    size = sum(source.state()[0] for source in sources)
    store = cache.on_disk(report) if size >= CACHED_FROM else cache.Memory()
    key = key_of(sources, options) if size >= CACHED_FROM else ""
    encoded = encode(sources, options, store, key)
    report += encoded.notes
    train, valid, test = DIVISIONS[options.mode](encoded, chosen, seed, store, key, report)
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
    separator: str = "",
    column: str | None = None,
) -> tuple[Ids, list[str]]:
    """Read files with a vocabulary that is there already, to score them with a trained model.

    Parameters
    ----------
    path, encoding, mode, newlines, normalize, lowercase, separator, column
        As for `load`; files that are no tables are read as lines, whatever the column.
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
    options = Options(encoding, vocabulary.unit, mode, newlines, normalize, lowercase, 1, "\ufffd", separator,
                      column)  # fmt: skip
    tally = Tally()
    characters = 0
    encoded: list[Ids] = []
    left_out: list[str] = []
    with opened(path, left_out) as sources:
        for piece in READERS[options.unit](sources, options, tally):
            characters += len(piece)
            try:
                encoded.append(vocabulary.encode(piece, on_unknown))
            except UnknownSymbolError as error:
                error.args = (f"{', '.join(source.name for source in sources)}: {error}",)
                raise
    ids = np.concatenate([np.empty(0, dtype=vocabulary.dtype), *encoded])
    report = [
        *left_out,
        size_of(tally, characters, options),
        *tally.notes(options, advice=False),
    ]
    if len(ids) < characters:
        report.append(f"{count(characters - len(ids), 'unknown character')} left out")
    if len(ids) < splits.SMALLEST_TEXT:
        raise CorpusError(f"{named(path)}: {_too_short(len(ids), options)}")
    return ids, report


def _too_short(number: int, options: Options) -> str:
    """Say of a text of so many ids, fewer than two, what it lacks."""
    if options.mode == "lines":
        return "has no lines; at least 1 is needed"
    return f"has {count(number, NOUNS[options.unit])}; at least {splits.SMALLEST_TEXT} are needed"


def read_again(
    section: Mapping[str, Any], seed: int, digest: str, where: Path, remedy: Remedy = Remedy.NAME_CORPUS
) -> Corpus:
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
    remedy : Remedy
        What to advise where the text is no longer the same.

    Raises
    ------
    CorpusError
        If the text is not where it was or no longer the same.
    """
    given = [section["path"]] if isinstance(section["path"], str) else list(section["path"])
    if is_standard_input(given) and (sys.stdin is None or getattr(sys.stdin, "closed", False) or sys.stdin.isatty()):
        raise UsageError(f"{where}: the corpus came through standard input (corpus.path: '-'); send it in again")
    paths = [found_again(path, where) for path in given]
    try:
        corpus = load(**{**section, "path": paths}, seed=seed)
    except CharlmError as error:
        raise CorpusError(
            f"{where}: its corpus cannot be read again: {error}{' If' if str(error).endswith('?') else '; if'} it was "
            "moved, say where it is now",
            remedy=Remedy.NAME_CORPUS,
        ) from error
    if corpus.digest != digest:
        raise CorpusError(
            f"{where}: the corpus {', '.join(paths)} is not the text that this run was reading; put that back, "
            f"{'or say where it is now' if remedy is Remedy.NAME_CORPUS else RESUMING}",
            remedy=remedy,
            path=where,
        )
    corpus.report.extend(f"corpus read from {path}" for path in paths if path not in given)
    return corpus


def found_again(path: str, where: Path) -> str:
    """Return where a corpus is that was named from another directory.

    A relative path that leads nowhere is tried from the folders above the run: a run was mostly made from one of them.
    What is neither a file nor a directory, such as a device, is not waited for: the path comes from a file that may be
    somebody else's.

    Parameters
    ----------
    path : str
        As the configuration has it: a file, a directory, a pattern, standard input or a pattern of the library.
    where : Path
        The run or checkpoint.

    Raises
    ------
    CorpusError
        If the path leads to a device or a named pipe.
    """
    if path == STANDARD_INPUT or path.startswith(STDLIB_PREFIX):
        return path
    for folder in (Path(), *where.absolute().parents):
        place = folder / path
        try:
            mode = place.stat().st_mode
        except (OSError, ValueError):
            continue
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise CorpusError(f"{where}: its corpus {path} is neither a file nor a directory; say where the text is",
                              remedy=Remedy.NAME_CORPUS)  # fmt: skip
        return path if folder == Path() else str(place)
    return path


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
        f"{seq_length} needs at least {batch_size * seq_length + 1:,}; "
        f"{', or '.join(fitting) or 'give a longer corpus'}"
    )


@contextmanager
def opened(path: str | Sequence[str], notes: list[str]) -> Iterator[list[Source]]:
    """Open the files that a path names, and raise a `CorpusError` at the end if one has changed meanwhile."""
    with ExitStack() as stack:
        sources = find(path, notes)
        for source in sources:
            stack.callback(source.close)
        before = [source.state() for source in sources]
        yield sources
        for source, state in zip(sources, before, strict=True):
            if source.state() != state:
                raise CorpusError(f"{source.name}: {CHANGED}")
