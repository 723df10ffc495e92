"""The text of a trained model: its symbols, and how its corpus was read, which other texts are read in the same way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from charlm.arguments import texts_of
from charlm.arrays import Ids, IntArray
from charlm.corpus.vocabulary import UNITS
from charlm.errors import CharlmError, UsageError
from charlm.files.modelfile import Saved
from charlm.phrases import as_written, count

if TYPE_CHECKING:
    from charlm.config import Config
    from charlm.corpus.decoding import Options
    from charlm.corpus.loading import Corpus
    from charlm.corpus.textlines import TextLines

Readable: TypeAlias = "str | bytes | IntArray"  # the last are ids


class ModelText:
    """What a trained model knows of text without its weights: symbols, a configuration, and how its corpus was read.

    Parameters
    ----------
    saved : Saved
        What the checkpoint holds.
    path : Path
        The checkpoint.
    name : str
        What names it in messages.
    """

    def __init__(self, saved: Saved, path: Path, name: str) -> None:
        self.path, self.name, self.vocabulary = path, name, saved.vocabulary
        self.metadata: Mapping[str, Any] = MappingProxyType(saved.metadata)

    @cached_property
    def config(self) -> Config:
        """The resolved configuration that the model was trained with.

        Raises
        ------
        CharlmError
            If the checkpoint holds none, or one that this charlm does not know.
        """
        from charlm.config import from_checkpoint

        if "config" not in self.metadata:
            raise CharlmError(f"{self.name}: holds no configuration")
        return from_checkpoint(self.path, self.metadata)

    @property
    def adapted_to(self) -> str | None:
        """How much text it has adapted to since its training, such as ``1,200 characters``; None if to none."""
        read: int | None = self.metadata.get("adapted")
        return None if read is None else count(read, UNITS[self.vocabulary.unit].noun)

    def encode(self, text: Readable, on_unknown: str = "error") -> IntArray:
        """Return the ids of a text.

        Parameters
        ----------
        text : str, bytes, or ndarray of int
            A model of characters takes text, and gives it the newlines, the case and the Unicode normal form of its
            corpus; a model of bytes takes bytes, or text, which it reads as UTF-8. Ids are only checked.
        on_unknown : {"error", "skip", "replace"}
            What to do with symbols that the model never saw.

        Returns
        -------
        ndarray of int, shape (n,)
            Places in `vocabulary.symbols`.

        Raises
        ------
        UsageError
            If the text has symbols that the model never saw and they are neither to be skipped nor replaced.
        """
        if isinstance(text, bytes) and self.vocabulary.unit == "char":
            raise UsageError(f"{self.name}: is a model of characters; give it text instead of bytes")
        if isinstance(text, str | bytes):
            return self.vocabulary.encode(self.as_in_corpus(text) if isinstance(text, str) else text, on_unknown)
        return self.vocabulary.checked(text)

    def as_in_corpus(self, text: str) -> str:
        """Return a text with the newlines, the case and the Unicode normal form of the model's corpus.

        A text for a model of bytes, or of a checkpoint that does not say how its corpus was read, stays as it is.
        """
        if text.isascii() and "\r" not in text and text == text.lower():
            return text  # none of the forms changes it
        from charlm.corpus.decoding import in_form  # here, as few texts need it

        return text if self._corpus_options is None else in_form(text, self._corpus_options)

    def as_lines(self, lines: Iterable[str] | Iterable[bytes]) -> Iterator[str | bytes]:
        """Return lines one after the other as `as_line` does.

        Raises
        ------
        UsageError
            If they are one text, or nothing that has lines.
        """
        if isinstance(lines, str | bytes | bytearray | Mapping) or not isinstance(lines, Iterable):
            raise UsageError(f"lines: must be a list of lines, or another iterable of them, got {as_written(lines)}")
        return map(self.as_line, lines)

    def as_line(self, line: str | bytes) -> str | bytes:
        """Return a line in the form of the model's corpus, without its end: text, or bytes for a model of bytes.

        Raises
        ------
        UsageError
            If it is no line, or not of what the model reads.
        """
        text = self.as_in_corpus(line) if isinstance(line, str) else line
        if isinstance(text, str) and self.vocabulary.unit == "byte":
            text = text.encode("utf-8", "surrogateescape")
        if not isinstance(text, str if self.vocabulary.unit == "char" else bytes):
            raise UsageError(f"lines: {self.name} is a model of {self.vocabulary.unit}s; got {as_written(line)}")
        text = text.removesuffix("\n") if isinstance(text, str) else text.removesuffix(b"\n")
        if ("\n" if isinstance(text, str) else b"\n") in text:  # type: ignore[operator]
            raise UsageError(f"lines: {as_written(line)} is more than one line; split it at its line ends")
        return text

    def own_files(self) -> list[str | Path]:
        """Return the files that the model comes from: its checkpoint, and its corpus, if the checkpoint names one."""
        try:
            return [self.path, *texts_of("corpus", self.config.corpus.path)]
        except CharlmError:
            return [self.path]

    def read_files(
        self, files: str | Path | Sequence[str | Path], on_unknown: str = "error", encoding: str | None = None
    ) -> tuple[Ids, list[str]]:
        """Read files as the model's own corpus was read, to score them.

        Parameters
        ----------
        files : str, Path or sequence of them
            One text in a file or some; ``-`` is standard input.
        on_unknown : {"error", "skip", "replace"}
            What to do with characters that the model never saw.
        encoding : str, optional
            The files' encoding; that of the corpus where it is not given.

        Returns
        -------
        ids : ndarray of int, shape (n,)
            The text.
        notes : list of str
            What was read and what was changed.

        Raises
        ------
        CharlmError
            If a file cannot be read, or they hold fewer than two characters.
        UsageError
            If the text has characters that the model never saw, or there is no such encoding.
        """
        from charlm.corpus.loading import read

        section = self._corpus_section(encoding)
        kept = ("encoding", "mode", "newlines", "normalize", "lowercase", "separator", "column")
        form = {name: section[name] for name in kept}
        return read(texts_of("files", files), self.vocabulary, on_unknown=on_unknown, **form)

    def read_lines(self, files: str | Path | Sequence[str | Path], encoding: str | None = None) -> TextLines:
        """Return the lines of files, to be read as the model's own corpus was, once.

        Parameters
        ----------
        files : str, Path or sequence of them
            Each is a text of its own; ``-`` is standard input, which is read as it comes.
        encoding : str, optional
            The files' encoding; that of the corpus where it is not given.

        Returns
        -------
        TextLines
            For `score_lines`; after it, `notes()` says what was changed.

        Raises
        ------
        CharlmError
            If a file cannot be read.
        UsageError
            If there is no such encoding.
        """
        from charlm.corpus.decoding import options_of
        from charlm.corpus.textlines import TextLines

        return TextLines(texts_of("files", files), options_of(self._corpus_section(encoding)))

    def read_part(
        self, part: Literal["train", "valid", "test"] = "valid", corpus: str | Path | Sequence[str | Path] | None = None
    ) -> Ids:
        """Read the model's own corpus once more.

        Parameters
        ----------
        part : {"train", "valid", "test"}
            Which part of it.
        corpus : str, Path or sequence of them, optional
            Where that corpus is now, if it was moved; it must be the same text.

        Returns
        -------
        ndarray of int, shape (n,)
            The text of that part.

        Raises
        ------
        CharlmError
            If the corpus cannot be read, or is no longer the text that the model was trained on.
        UsageError
            If the corpus has no such part.
        """
        from charlm.corpus.splits import PARTS

        if part not in PARTS:
            raise UsageError(f"part: {as_written(part)} is not a part of a corpus ({', '.join(PARTS)})")
        if self.corpus_settings()["split"][part] == 0:
            raise UsageError(f"{self.name}: has no {part} part (corpus.split.{part} is 0); give a text of your own")
        ids: Ids = getattr(self.read_corpus(corpus), part)
        return ids

    def read_corpus(self, corpus: str | Path | Sequence[str | Path] | None = None) -> Corpus:
        """Read the model's own corpus once more, all parts of it.

        Parameters
        ----------
        corpus : str, Path or sequence of them, optional
            Where that corpus is now, if it was moved; it must be the same text.

        Returns
        -------
        Corpus
            Its `train`, `valid` and `test` are ids.

        Raises
        ------
        CharlmError
            If the corpus cannot be read, or is no longer the text that the model was trained on.
        """
        from charlm.corpus.loading import read_again

        section = self.corpus_settings(corpus)
        return read_again(section, self.config.seed, self.metadata.get("corpus", ""), Path(self.name))

    def corpus_settings(self, corpus: str | Path | Sequence[str | Path] | None = None) -> dict[str, Any]:
        """Return the section `corpus` of the configuration, with the path where the corpus is now."""
        self._corpus_metadata()  # which says so where a checkpoint has none
        section = self.config.corpus.model_dump()
        return section if corpus is None else {**section, "path": texts_of("corpus", corpus)}

    @cached_property
    def _corpus_options(self) -> Options | None:
        """How the corpus was read, as far as the checkpoint says it."""
        from charlm.corpus.decoding import options_of

        try:
            return options_of(self._corpus_metadata())
        except (CharlmError, KeyError, TypeError):
            return None

    def _corpus_section(self, encoding: str | None) -> dict[str, Any]:
        """Return how the corpus was read, or is to be read where the encoding of a text is another."""
        from charlm.corpus.decoding import check_encoding

        section = self.corpus_settings()
        if encoding is not None:
            if self.vocabulary.unit == "byte":
                raise UsageError("encoding: has no effect on a model of bytes; leave it out")
            check_encoding(encoding, "encoding")
            section["encoding"] = encoding
        return section

    def _corpus_metadata(self) -> dict[str, Any]:
        """Return how the corpus was read as the checkpoint has it, which may be of another version."""
        try:
            section: dict[str, Any] = self.metadata["config"]["corpus"]
        except (KeyError, TypeError):
            raise CharlmError(f"{self.name}: does not say how its corpus was read") from None
        return section
