"""A trained model in Python: what it writes, how well it predicts a text, and what it expects next."""

from __future__ import annotations  # evaluating those of the overloads would take longer than all else here

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

import numpy as np

from charlm.api.model_text import ModelText, Readable
from charlm.arguments import WritingOptions, check, check_flags, path_of, seed_of
from charlm.arrays import Array, Ids, IntArray
from charlm.errors import NotFiniteError, Remedy, UsageError
from charlm.files import modelfile, rundir
from charlm.files.modelfile import Saved
from charlm.files.newfile import new_file
from charlm.inference import sampler
from charlm.inference.filters import Filter
from charlm.inference.predictor import Network
from charlm.inference.sampler import beginning
from charlm.inference.text import Text, characters, raw_bytes
from charlm.inference.writing import Writing
from charlm.kernels.choice import choose, load_backend
from charlm.network.model import Model
from charlm.phrases import as_written
from charlm.workers.blas import blas_threads
from charlm.workers.cores import available_cores
from charlm.workers.team import Team

if TYPE_CHECKING:
    from charlm.corpus.textlines import TextLines
    from charlm.inference.proposals import Proposals
    from charlm.inference.scorer import Score
    from charlm.inference.symbolwise import SymbolReader
    from charlm.insight.surprise import LineScore, LineScorer

SCORED_PER_STREAM = 25_000  # characters: a text of less than two such streams is read in one
DEFAULT_LENGTH = 500  # symbols
LONGEST_LINE = 10_000  # symbols; where only lines are counted, so that a model stuck in a line ends all the same
LONG = 10_000  # symbols from which fused kernels pay for the time that loading them takes

CONTEXTS = ("fresh", "carry")


def load(
    path: str | Path,
    *,
    kernels: str = "auto",
    workers: int | Literal["auto"] = "auto",
    on_compiling: Callable[[], None] | None = None,
    ngram: bool = True,
) -> LanguageModel:
    """Read a trained model.

    Parameters
    ----------
    path : str or Path
        A run directory, of which the best model is read, or a checkpoint file.
    kernels : {"auto", "numpy", "fused"}
        What writes text. ``auto`` takes the compiled kernels of the ``fast`` extra for one text of 10,000 symbols or
        more without `stop` or `lines`, NumPy otherwise; the two round differently, so once in a great while a seed's
        text takes another turn. NumPy writes several texts, and one whose probabilities are noted while the symbol for
        unknown characters is never drawn, and computes everything else.
    workers : int or "auto"
        The most threads that one call uses; ``auto`` is as many as there are cores.
    on_compiling : callable, optional
        Called before the kernels are compiled for this machine, once, which takes up to half a minute.
    ngram : bool
        Whether a model that has an n-gram beside its network uses it.

    Raises
    ------
    UsageError
        If there is no such run or file, or the kernels cannot compute this model.
    CharlmError
        If the file is damaged or holds no model.

    Examples
    --------
    >>> import charlm
    >>> model = charlm.load("runs/plays")
    >>> text = model.sample("BRANNOCK:", length=200, temperature=0.7, seed=1)
    """
    check_flags(ngram=ngram)
    if workers != "auto":
        check(workers=workers)
    file = rundir.resolve(path_of("path", path))
    saved = modelfile.load(file)
    if not ngram:
        saved = replace(saved, mixture=None)
    return LanguageModel(saved, file, kernels, workers, on_compiling, str(path))


def check_model(model: object) -> None:
    """Refuse what is no model."""
    if not isinstance(model, LanguageModel):
        raise UsageError(f"model: must be a model, as `load` returns it, got {as_written(model)}")


class LanguageModel(ModelText):
    """A trained model, ready for use; `load` reads one.

    It never changes, so several threads may use one model at the same time. Text goes in and comes out as `str`. A
    model of bytes takes `bytes` as well, and gives bytes back for them; text it reads as UTF-8.

    Attributes
    ----------
    path : Path
        The checkpoint file that it was read from.
    name : str
        The file or the run directory, as whoever loaded it named it; for messages.
    architecture : Architecture
        The network.
    vocabulary : Vocabulary
        The V symbols; `vocabulary.symbols` has them in the order of their ids.
    metadata : mapping
        All else that the checkpoint says, such as the history of validation losses.
    mixture : Mixture or None
        The n-gram beside the network and the scales with which it is added, if the model has one and uses it.
    """

    def __init__(
        self,
        saved: Saved,
        path: Path,
        kernels: str = "auto",
        workers: int | Literal["auto"] = "auto",
        on_compiling: Callable[[], None] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(saved, path, name or str(path))
        self.architecture, self.mixture = saved.architecture, saved.mixture
        self._weights = saved.parameters
        self._kernels = kernels if kernels == "auto" else choose(kernels, self.architecture.dtype)
        self._workers = available_cores() if workers == "auto" else workers
        self._on_compiling = on_compiling

    def __repr__(self) -> str:
        return f"<{self.described()}>"

    def described(self, *, ngram: bool = True) -> str:
        """Return the name and the size of the model on one line, without its n-gram if that is not wanted."""
        a = self.architecture
        beside = f" with a {self.mixture.ngram.order}-gram" if ngram and self.mixture is not None else ""
        return f"{self.name}: {a.num_layers} x {a.cell} of {a.hidden_size}{beside}, {len(self.vocabulary):,} symbols"

    @cached_property
    def parameters(self) -> Mapping[str, Array]:
        """The weights by name, as PyTorch names and lays them out; neither the mapping nor the arrays can be written.

        ``rnn.weight_ih_l0`` (G*H, V or E), ``rnn.weight_hh_l0`` (G*H, H) and so on for each layer, and
        ``decoder.weight`` (V, H); see `charlm.network.architecture`.
        """
        views = {name: array.view() for name, array in self._weights.items()}
        for view in views.values():
            view.flags.writeable = False
        return MappingProxyType(views)

    @overload
    def sample(  # type: ignore[overload-overlap] # one text is no list, though 1 is an int
        self, prompt: bytes, *, count: Literal[1] = 1, **options: Unpack[WritingOptions]
    ) -> bytes: ...

    @overload
    def sample(  # type: ignore[overload-overlap]
        self, prompt: str | IntArray = "", *, count: Literal[1] = 1, **options: Unpack[WritingOptions]
    ) -> str: ...

    @overload
    def sample(self, prompt: bytes, *, count: int, **options: Unpack[WritingOptions]) -> list[bytes]: ...

    @overload
    def sample(self, prompt: str | IntArray = "", *, count: int, **options: Unpack[WritingOptions]) -> list[str]: ...

    def sample(
        self, prompt: Readable = "", *, count: int = 1, **options: Unpack[WritingOptions]
    ) -> str | bytes | list[str] | list[bytes]:
        r"""Write on from a prompt.

        Parameters
        ----------
        prompt : str or bytes
            What the text goes on from. Without one it begins as a new line does. In a model of lines the prompt is the
            beginning of a line.
        length : int, optional
            How many characters to write, in a model of bytes how many bytes; 500 where nothing else ends the text.
        temperature : float
            Logits are divided by it: below 1 is safer, above 1 wilder, 0 takes the likeliest symbol; 0.8 by default.
        top_k : int, optional
            Only the k likeliest symbols are drawn from.
        top_p : float, optional
            Only the fewest symbols are drawn from that together have this probability (Holtzman et al. 2020).
        min_p : float, optional
            Only symbols are drawn from that are at least this share as likely as the likeliest (Nguyen et al. 2024).
        seed : int, optional
            The same seed gives the same text; without one, every call gives another.
        count : int
            How many texts to write at once. The first is the one that would be written alone.
        stop : str or bytes, optional
            The text ends when it has written this.
        lines : int, optional
            The text ends after so many lines.
        on_unknown : {"error", "skip", "replace"}
            What to do with characters of the prompt that the model never saw; ``replace`` needs a model trained with
            `corpus.min_count`.
        allow_unknown : bool
            Whether the symbol that stands for rare characters may be written; False by default.

        Returns
        -------
        str, or list of str
            What was written, without the prompt; a list where `count` is above 1. For a prompt of bytes, bytes.

        Raises
        ------
        UsageError
            If an option is out of its range, or the prompt or `stop` has characters that the model never saw.
        NotFiniteError
            If the weights are so large that what the model expects is not finite.

        Examples
        --------
        >>> len(model.sample("BRANNOCK:\n", length=300, temperature=0.7, seed=1))
        300
        >>> len(model.sample(count=10, lines=1))
        10
        """
        writing = self.writing(prompt, count=count, **options)
        for _ in writing:
            pass
        texts: list[Any] = [text.text for text in writing.texts]
        return texts if count > 1 else texts[0]

    @overload
    def stream(self, prompt: bytes, **options: Unpack[WritingOptions]) -> Iterator[bytes]: ...

    @overload
    def stream(self, prompt: str | IntArray = "", **options: Unpack[WritingOptions]) -> Iterator[str]: ...

    def stream(self, prompt: Readable = "", **options: Unpack[WritingOptions]) -> Iterator[str] | Iterator[bytes]:
        """Write on from a prompt, and give the text away as it is written.

        Parameters
        ----------
        prompt, options
            As for `sample`.

        Returns
        -------
        iterator of str or bytes
            The pieces of the text that `sample` returns, one every few hundredths of a second. Whoever stops listening
            stops the model.

        Examples
        --------
        >>> pieces = []
        >>> for piece in model.stream("BRANNOCK:", length=200):
        ...     pieces.append(piece)
        >>> len("".join(pieces))
        200
        """
        if "count" in options:
            raise UsageError("count: is of `sample` and `writing`; a stream is one text, so leave it out")
        writing = self.writing(prompt, **options)
        return (pieces[0] for pieces in writing if pieces[0])

    def writing(
        self,
        prompt: Readable = "",
        *,
        length: int | None = None,
        temperature: float = 0.8,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        seed: int | None = None,
        count: int = 1,
        stop: str | bytes | None = None,
        lines: int | None = None,
        on_unknown: str = "error",
        allow_unknown: bool = False,
        probabilities: bool = False,
    ) -> Writing[Any]:
        """Begin to write some texts, all of which can be watched as they grow.

        Parameters
        ----------
        prompt, length, temperature, top_k, top_p, min_p, seed, count, stop, lines, on_unknown, allow_unknown
            As for `sample`.
        probabilities : bool
            Whether to note how likely the model, unfiltered and at temperature 1, held each symbol.

        Returns
        -------
        Writing
            Each item of it is a list of what the texts have grown by; its `texts` hold their symbols.
        """
        check(length=length, temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, seed=seed, count=count,
               lines=lines)  # fmt: skip
        check_flags(allow_unknown=allow_unknown, probabilities=probabilities)
        ids = [int(symbol) for symbol in self.encode(prompt, on_unknown)]
        stop = self.as_in_corpus(stop) if isinstance(stop, str) else stop
        self._check_ends(stop, lines)
        if length is None:
            length = DEFAULT_LENGTH if lines is None else int(lines) * LONGEST_LINE
        never = None if allow_unknown else self.vocabulary.unknown
        long = length >= LONG and stop is None and lines is None
        network = self._network_to_write(long and sampler.fused_can_write(count, never, probabilities))
        team = Team(self._workers, blas_threads=None)
        begun = self._begun(ids)
        drawn = sampler.Sampler(network, self._weights, count, team, never, probabilities, self.mixture).write(
            begun,
            length,
            Filter(float(temperature), top_k, top_p, min_p),
            seed_of(seed),
        )
        new = self._new_bytes if isinstance(prompt, bytes) else self._new_text
        texts, shown = zip(*(new(ids, stop, lines) for _ in range(count)), strict=True)
        return Writing(shown[0], drawn, texts, team, probabilities)

    def proposals(self, prompt: Readable = "", *, on_unknown: str = "error", allow_unknown: bool = False) -> Proposals:
        """Begin a text that is written together with the model: it proposes, and you choose.

        Parameters
        ----------
        prompt, on_unknown, allow_unknown
            As for `sample`.

        Returns
        -------
        Proposals
            Its `propose()` returns the likeliest ways on up to the end of the next word or line, each with its `text`
            and `probability`; `take` lets the text go on with one of them, or with ids that `encode` returns; `undo`
            takes that back; `text` is what was taken so far.

        Raises
        ------
        UsageError
            If the prompt has characters that the model never saw.
        NotFiniteError
            If the weights are so large that what the model expects is not finite.

        Examples
        --------
        >>> together = model.proposals("To be or not to b")
        >>> first, *others = together.propose()
        >>> together.take(first)
        >>> together.text == first.text, len(others)
        (True, 4)
        """
        from charlm.inference.mixed import stepper
        from charlm.inference.proposals import Proposals

        check_flags(allow_unknown=allow_unknown)
        begun = self._begun([int(symbol) for symbol in self.encode(prompt, on_unknown)])
        steps = stepper(self._numpy, self._weights, 1, self.mixture)
        steps.restart()
        return Proposals(steps, self.vocabulary, begun, None if allow_unknown else self.vocabulary.unknown)

    def _begun(self, ids: list[int]) -> list[int]:
        """Return what the model reads before it writes on from a prompt."""
        start = self.architecture.start_symbol
        return ids if ids and start is None else [beginning(self.vocabulary.symbols, start), *ids]

    def _new_text(self, prompt: list[int], stop: str | bytes | None, lines: int | None) -> tuple[Text[str], str]:
        end = stop.decode("utf-8", "replace") if isinstance(stop, bytes) else stop
        return Text(characters(self.vocabulary), end, lines), self.vocabulary.decode(prompt)

    def _new_bytes(self, prompt: list[int], stop: str | bytes | None, lines: int | None) -> tuple[Text[bytes], bytes]:
        spelling = raw_bytes(self.vocabulary)
        end = stop.encode("utf-8", "surrogateescape") if isinstance(stop, str) else stop
        return Text(spelling, end, lines), b"".join(map(spelling.spell, prompt))

    def _check_ends(self, stop: str | bytes | None, lines: int | None) -> None:
        """Refuse an end that no text could ever reach."""
        if not isinstance(stop, str | bytes | None):
            raise UsageError(f"stop: must be text, got {as_written(stop)}")
        if stop is not None and not stop:
            raise UsageError("stop: the empty text would end every text before its first character; leave it out")
        if stop is not None:
            try:
                self.encode(stop)
            except UsageError as error:
                error.args, error.remedy = (f"stop: {error}",), None  # only a prompt can be read without them
                raise
        if lines is not None and self.vocabulary.id_of("\n") is None:
            raise UsageError(
                f"lines: {self.name} never saw a line end, so it writes none; give a length", remedy=Remedy.GIVE_LENGTH
            )

    def _network_to_write(self, fused_pays: bool) -> Model:
        """Return the network with the kernels that were chosen, or with those that suit what is to be written."""
        kernels = "numpy" if self._kernels == "auto" and not fused_pays else self._kernels
        network = Model(self.architecture, load_backend(choose(kernels, self.architecture.dtype)))
        if self._on_compiling is not None:
            network.backend.when_compiling(self._on_compiling)
        return network

    def score(self, text: Readable, on_unknown: str = "error", *, dynamic: bool = False) -> Score:
        """Measure how well the model predicts a text, each character from those before it.

        The first character is given, not predicted; in a model of lines it is predicted as the first of a line. A
        text of fewer than 50,000 characters is read in one stream; a longer one in several at once, and the first
        characters of each are predicted from little. How many they were is in `streams`.

        Parameters
        ----------
        text : str or bytes
            At least two characters, read as the corpus was; see `encode`. Ids are taken as a corpus has them: in a
            model of lines the first is given, too.
        on_unknown : {"error", "skip", "replace"}
            What to do with characters that the model never saw.
        dynamic : bool
            Whether a copy of the model adapts to the text while it reads it, in one stream; see `adapt`. Such figures
            are not to be compared with those of models that stay as they are.

        Returns
        -------
        Score
            The mean `loss` in nats per character, the same as `bits_per_char` and `perplexity`; `accuracy`, the share
            of characters that were the model's first guess; and how many `chars` were predicted. In a model of bytes
            all of them are of bytes, and `unit` is ``byte``. They are those of the network and its n-gram together
            where the model has one; `network_loss` is then that of the network alone. `dynamic` is the argument.

        Raises
        ------
        UsageError
            If the text is too short or has characters that the model never saw.
        NotFiniteError
            If the weights are so large that what the model expects is not finite, or have diverged while it adapts.

        Examples
        --------
        >>> score = model.score("To be, or not to be")
        >>> score.chars, 0 < score.bits_per_char < 10
        (18, True)
        """
        from charlm.inference.scorer import CHARS_PER_STREAM, Scorer  # here, as writing needs none of it

        check_flags(dynamic=dynamic)
        if dynamic:
            return self.adapt(text, on_unknown)[1]
        ids = self._to_score(text, on_unknown)
        team = Team(self._workers)
        try:
            lines = self.architecture.start_symbol is not None  # items know nothing of each other
            scorer = Scorer(self._numpy, team, mixture=self.mixture)
            score = scorer.score(self._weights, ids, CHARS_PER_STREAM if lines else SCORED_PER_STREAM)
            if not isfinite(score.loss):
                raise NotFiniteError.of_logits()
            return replace(score, unit=self.vocabulary.unit)
        finally:
            team.close()

    def adapt(
        self, text: Readable, on_unknown: str = "error", on_progress: Callable[[int], object] | None = None
    ) -> tuple[LanguageModel, Score]:
        """Let a copy of the model adapt to a text while it reads it: dynamic evaluation (Krause et al. 2018).

        The text is read in one stream, in segments of 32 characters. A segment is predicted first; then the weights
        take a step against the gradient of its loss, and the counts and scales of the n-gram, if there is one, follow.
        See `charlm.inference.dynamic`.

        Parameters
        ----------
        text, on_unknown
            As for `score`.
        on_progress : callable, optional
            Called after each segment with the number of its characters.

        Returns
        -------
        LanguageModel
            The model with the weights as they are after the text, which its n-gram counts, too; `save` keeps it.
        Score
            What `score` returns with `dynamic`.

        Raises
        ------
        UsageError
            If the text is too short or has characters that the model never saw.
        NotFiniteError
            If the weights have diverged.

        Examples
        --------
        >>> adapted, score = model.adapt("To be, or not to be")
        >>> score.dynamic, score.chars
        (True, 18)
        """
        from charlm.inference import dynamic  # here, as writing needs none of it
        from charlm.ngram import counting

        ids = self._to_score(text, on_unknown)
        adaptation = dynamic.Adaptation(self._numpy, self._weights, self.mixture)
        with blas_threads(1):
            score = dynamic.score(adaptation, ids, on_progress)
        mixture = adaptation.mixture
        if mixture is not None:
            read = counting.count(ids, len(self.vocabulary), mixture.ngram.order, self.architecture.start_symbol)
            mixture = replace(mixture, ngram=counting.merged(mixture.ngram, read))
        kept = {name: self.metadata[name] for name in ("version", "config", "corpus") if name in self.metadata}
        characters = len(ids) - (self.architecture.start_symbol is not None)  # before lines stands a newline of ours
        metadata = {**kept, "history": [], "adapted": self.metadata.get("adapted", 0) + characters}
        saved = Saved(self.architecture, adaptation.parameters, self.vocabulary, metadata, {}, mixture)
        adapted = LanguageModel(saved, self.path, self._kernels, self._workers, self._on_compiling, self.name)
        return adapted, replace(score, unit=self.vocabulary.unit)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the model to a file that `load` reads, whole or not at all.

        A model that was loaded without its n-gram is saved without it.

        Parameters
        ----------
        path : str or Path
            The file; its folder exists.
        overwrite : bool
            Whether to replace another file of that name; the model's own file and its corpus are never replaced.

        Raises
        ------
        UsageError
            If there is such a file, or no such folder.
        WriteError
            If the file cannot be written.
        """
        file = new_file(path, "adapted.safetensors", overwrite=overwrite, read=self.own_files())
        other = ("architecture", "vocabulary", "version", "ngram", "run")  # made anew, and what only a training has
        metadata = {name: value for name, value in self.metadata.items() if name not in other}
        modelfile.save(file, self.architecture, self._weights, self.vocabulary, metadata, mixture=self.mixture)

    def _to_score(self, text: Readable, on_unknown: str) -> Ids:
        """Return the ids of a text of which all but the first are predicted."""
        ids = self.encode(text, on_unknown)
        start = self.architecture.start_symbol
        if start is not None and isinstance(text, str | bytes):
            ids = np.concatenate([[start], ids])
        if len(ids) < 2:
            least = "one character" if start is not None and isinstance(text, str | bytes) else "two characters"
            raise UsageError(f"a text needs at least {least} to be scored")
        scored: Ids = ids.astype(self.vocabulary.dtype)
        return scored

    def score_lines(
        self,
        lines: Iterable[str] | Iterable[bytes] | TextLines,
        *,
        context: str = "fresh",
        on_unknown: str = "error",
        guesses: int = 0,
    ) -> Iterator[LineScore]:
        r"""Measure how well the model predicts each line of a text.

        The newline after a line belongs to the line and counts as one of its characters. Lines are read some thousands
        at a time, so a text of any length can be scored.

        Parameters
        ----------
        lines : iterable of str or bytes, or TextLines
            The lines, with or without the newline after each, in a model of characters in the form of its corpus as by
            `encode`; or what `read_lines` returns.
        context : {"fresh", "carry"}
            ``fresh``: each line is read as if it began a text after a newline, so its score does not depend on the
            others. ``carry``: the lines of a file, or of an iterable, are read in order with the state carried, and the
            first character is given; their bits add up to those of `score` for a text that it reads in one stream. In
            a model of lines both are the same.
        on_unknown : {"error", "skip", "replace"}
            What to do with characters that the model never saw.
        guesses : int
            How many of the likeliest symbols to note at each place, at most 100.

        Returns
        -------
        iterator of LineScore
            Each has `text`, `chars`, `bits_per_char`, `total_bits`, and `bits`, the surprise of each character.

        Raises
        ------
        UsageError
            If an option is out of its range, a line has characters that the model never saw, or there is no newline
            among the symbols of a model that is to read line by line.
        NotFiniteError
            If the weights are so large that what the model expects is not finite.

        Examples
        --------
        >>> for line in model.score_lines(["The night is long.", "Teh nihgt is lnog."]):
        ...     assert 0 < line.bits_per_char < 20
        """
        from charlm.corpus.textlines import TextLines
        from charlm.insight.surprise import blocks_of

        blocks = lines.blocks() if isinstance(lines, TextLines) else blocks_of(self.as_lines(lines))
        with self.line_scorer(context=context, on_unknown=on_unknown, guesses=guesses) as scorer:
            for block in blocks:
                yield from scorer.score(block)

    @contextmanager
    def line_scorer(
        self, *, context: str = "fresh", on_unknown: str = "error", guesses: int = 0
    ) -> Iterator[LineScorer]:
        """Return, for a `with` statement, what scores blocks of lines; the options are those of `score_lines`."""
        from charlm.insight.surprise import LineScorer

        check(guesses=guesses)
        if context not in CONTEXTS:
            raise UsageError(f"context: {as_written(context)} is not a choice ({', '.join(CONTEXTS)})")
        newline = self.vocabulary.id_of("\n") if context == "fresh" else self.architecture.start_symbol
        if context == "fresh" and newline is None:
            raise UsageError(
                f"context: {self.name} never saw a line end, so it cannot read each line as if it followed one; "
                "choose carry"
            )
        with self.symbol_reader(newline, guesses) as reader:
            yield LineScorer(reader, self.vocabulary, on_unknown)

    @contextmanager
    def symbol_reader(self, newline: int | None, guesses: int) -> Iterator[SymbolReader]:
        """Return, for a `with` statement, what says of each symbol what the model expected; see `SymbolReader`."""
        from charlm.inference.symbolwise import SymbolReader

        team = Team(self._workers)
        try:
            yield SymbolReader(self._numpy, self._weights, team, self.mixture, newline, guesses)
        finally:
            team.close()

    def log_probabilities(self, text: Readable, on_unknown: str = "error") -> Array:
        """Return what the model, with its n-gram if it has one, expected before each character of a text.

        Parameters
        ----------
        text : str or bytes
            n characters.
        on_unknown : {"error", "skip", "replace"}
            What to do with characters that the model never saw.

        Returns
        -------
        ndarray of float64, shape (n, V)
            Row i holds the natural logarithms of the probabilities of every symbol after the first i characters, so
            that ``result[i, ids[i]]`` is that of the character that came; the exponentials of a row sum to 1. Row 0 is
            what a text begins with where there is no prompt. In a model of lines a line end makes the model forget
            what was before.

        Raises
        ------
        UsageError
            If the text has characters that the model never saw.
        NotFiniteError
            If the weights are so large that what the model expects is not finite.

        Examples
        --------
        >>> ids = model.encode("To be, or not to be")
        >>> surprise = -model.log_probabilities(ids)[range(len(ids)), ids]
        >>> surprise.shape
        (19,)
        """
        return self._expected_along(self.encode(text, on_unknown))[:-1]

    def next_probabilities(
        self, text: Readable = "", top: int | None = 10, on_unknown: str = "error"
    ) -> dict[str, float] | dict[bytes, float]:
        """Return what the model, with its n-gram if it has one, expects after a text.

        Parameters
        ----------
        text : str or bytes
            What came before; without it, a text begins.
        top : int or None
            How many of the likeliest symbols to return; None for all.
        on_unknown : {"error", "skip", "replace"}
            What to do with characters that the model never saw.

        Returns
        -------
        dict
            Symbol to probability, the likeliest first; equally likely ones in the order of the vocabulary. The symbols
            are characters, in a model of bytes `bytes` of length 1.

        Raises
        ------
        UsageError
            If the text has characters that the model never saw.
        NotFiniteError
            If the weights are so large that what the model expects is not finite.

        Examples
        --------
        >>> expected = model.next_probabilities("To be or not to b", top=3)
        >>> len(expected), sum(expected.values()) < 1
        (3, True)
        """
        check(top=top)
        p = np.exp(self._expected_along(self.encode(text, on_unknown), last=True)[-1])
        order = np.argsort(-p, kind="stable")[:top]
        symbols: Sequence[Any] = self.vocabulary.symbols
        if self.vocabulary.unit == "byte":
            symbols = [bytes([ord(symbol)]) for symbol in symbols]
        return {symbols[index]: float(p[index]) for index in order}

    def _expected_along(self, ids: IntArray, last: bool = False) -> Array:
        """Return what is expected before each of n symbols and after the last, (n + 1, V), or after the last alone."""
        predictor = Network(self._numpy, self._weights, mixture=self.mixture)
        start = self.architecture.start_symbol
        first = np.array([[beginning(self.vocabulary.symbols, start)]])
        with blas_threads(1):
            expected = predictor.read(first)[:, 0]
            if start is None:
                predictor.restart()  # a text that has a beginning goes on from that alone
            if last:
                for symbol in ids:
                    expected = predictor.read(np.array([[symbol]]))[:, 0]
                return expected
            return np.concatenate([expected, predictor.read(ids[:, None])[:, 0]])

    @cached_property
    def _numpy(self) -> Model:
        return Model(self.architecture, load_backend("numpy"))
