"""Files to one array of ids and a vocabulary, made anew or taken from the cache."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from charlm.arrays import Ids
from charlm.corpus import cache
from charlm.corpus.counts import occurrences, vocabulary_of
from charlm.corpus.decoding import READERS, Options, Tally
from charlm.corpus.remarks import LineWatch, remarks
from charlm.corpus.sources import Source
from charlm.corpus.tables import format_of
from charlm.corpus.vocabulary import UNITS, Vocabulary
from charlm.errors import CharlmError, CorpusError, UsageError
from charlm.phrases import count

NOUNS = {name: unit.noun for name, unit in UNITS.items()}
CHANGED = "changed while it was being read; run again when nothing writes to it"


class Encoded(NamedTuple):
    """A corpus as ids, before it is split."""

    ids: Ids
    vocabulary: Vocabulary
    digest: str
    notes: list[str]


def encode(sources: Sequence[Source], options: Options, store: cache.Store, key: str) -> Encoded:
    """Return the ids and the vocabulary of files, from the cache if they are there."""
    found = store.find(key)
    if found:
        try:
            return _from_facts(found, [f"encoded text taken from the cache {cache.folder()}"])
        except (CharlmError, KeyError, TypeError):
            pass  # somebody else's file under this name: make it anew
    return _from_facts(store.make(key, _encoding_plan(sources, options)), [])


def key_of(sources: Sequence[Source], options: Options) -> str:
    """Return what the cache calls the ids of these files, read with these options."""
    files = [text for source in sources for text in (source.compression, format_of(source), source.digest())]
    return cache.key_of(repr(options), *files)


def size_of(tally: Tally, characters: int, options: Options) -> str:
    """Return how many files were read, and of how many characters, without the newline that begins the first line."""
    of_files = characters - (options.mode == "lines")
    return f"{count(tally.files, 'file')}, {count(of_files, NOUNS[options.unit])}"


def named(path: str | Sequence[str]) -> str:
    """Return how a message calls the files of a corpus: the first, and how many others there are."""
    names = [path] if isinstance(path, str) else list(path)
    return names[0] if len(names) == 1 else f"{names[0]} and {count(len(names) - 1, 'other file')}"


def _from_facts(entry: cache.Entry, notes: list[str]) -> Encoded:
    facts = entry.facts
    vocabulary = Vocabulary.from_metadata(facts["vocabulary"])
    if entry.ids.max(initial=0) >= len(vocabulary):
        raise CorpusError("ids beyond the vocabulary")
    return Encoded(entry.ids, vocabulary, str(facts["digest"]), [*map(str, facts["notes"]), *notes])


def _encoding_plan(sources: Sequence[Source], options: Options) -> cache.Plan:
    """Count the characters, and return how to encode them."""
    tally = Tally()
    watch = LineWatch()
    pieces_read: Any = READERS[options.unit](sources, options, tally)
    counts = occurrences(watch.watch(pieces_read) if options.unit == "char" else pieces_read, options.unit)
    characters = int(counts.sum())
    if characters <= (options.mode == "lines"):  # lines always have the newline that begins them
        empty = "is empty" if options.column is None else f"the column {options.column!r} is empty"
        raise CorpusError(f"{_named_all(sources)}: {empty}; a corpus needs some text to learn from")
    if counts.max() == characters:
        raise CorpusError(
            f"{_named_all(sources)}: has one distinct {NOUNS[options.unit]}, {chr(counts.argmax())!r}; there must be "
            "at least two different ones to learn anything"
        )
    vocabulary, rare = vocabulary_of(counts, options)
    notes = [f"{size_of(tally, characters, options)}, {count(len(vocabulary), 'symbol')}", *tally.notes(options), *rare]
    if options.unit == "char":
        notes += remarks(sources, options, counts, watch)
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


def _named_all(sources: Sequence[Source]) -> str:
    return named([source.name for source in sources])
