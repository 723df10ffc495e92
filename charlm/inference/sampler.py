"""Writes text with a model: one symbol at a time, each drawn from what the model expects after those before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from charlm.arrays import Array, IntArray
from charlm.errors import NotFiniteError
from charlm.inference.filters import Filter
from charlm.inference.mixed import AnyStepper, stepper
from charlm.network.model import Model
from charlm.network.parameters import Parameters
from charlm.ngram.mixture import Mixture
from charlm.randomness import Purpose, generator
from charlm.workers.team import Team

if TYPE_CHECKING:
    from charlm.kernels.fused.writer import FusedWriter

DRAWS = 1_024  # random numbers fetched at a time for each text


@dataclass(frozen=True, slots=True)
class Drawn:
    """The symbols of one step.

    Attributes
    ----------
    ids : ndarray of int, shape (N,)
        One symbol for each text.
    logits : ndarray, shape (N, V)
        What they were drawn by; the next step overwrites them.
    """

    ids: IntArray
    logits: Array

    def probabilities(self) -> Array:
        """Return how likely the model, unfiltered and at temperature 1, held each symbol, (N,)."""
        return Filter().probabilities(self.logits)[np.arange(len(self.ids)), self.ids]


def fused_can_write(count: int, never: int | None, whole_logits: bool) -> bool:
    """Tell whether the fused kernels can do what a `Sampler` with these arguments is to do."""
    return count == 1 and not (whole_logits and never is not None)


class Sampler:
    """Writes N texts at once with one model.

    One text is written by the fused kernels where they are the model's. Several are read in step, a batch of N, and
    drawn in NumPy whatever the kernels; so is one text with a model of NumPy's.

    Parameters
    ----------
    model : Model
        The network.
    parameters : Parameters
        Its weights, which must not change while it writes.
    count : int
        N.
    team : Team, optional
        The threads for the fused kernels; without it, the calling one.
    never : int, optional
        A symbol that is never drawn, such as the one for unknown characters.
    whole_logits : bool
        Whether `Drawn.logits` are the model's own for that symbol, too, which the fused kernels do not keep.
    mixture : Mixture, optional
        The n-gram that is added to the network.
    """

    def __init__(
        self, model: Model, parameters: Parameters, count: int = 1, team: Team | None = None, never: int | None = None,
        whole_logits: bool = False, mixture: Mixture | None = None,
    ) -> None:  # fmt: skip
        self._count, self._never = count, never
        self._writer: AnyStepper | FusedWriter
        fused = model.backend.name == "fused" and fused_can_write(count, never, whole_logits)
        if fused:
            self._writer = _fused_writer(model, parameters, team, never, mixture)
        else:
            self._writer = stepper(model, parameters, count, mixture)

    def write(self, prompt: Sequence[int] | IntArray, length: int, narrow: Filter, seed: int) -> Iterator[Drawn]:
        """Read a prompt and write on from it.

        Parameters
        ----------
        prompt : sequence of int
            At least one symbol; every text begins with it, from a state that has read nothing.
        length : int
            How many symbols to write.
        narrow : Filter
            What to draw from.
        seed : int
            Text n draws from a random sequence of its own, so the same seed gives the same texts.

        Yields
        ------
        Drawn
            The symbols of each step.
        """
        sequences = [generator(seed, Purpose.SAMPLE, text) for text in range(self._count)]
        if isinstance(self._writer, AnyStepper):
            yield from self._step_by_step(self._writer, prompt, length, narrow, sequences)
            return
        for ids, logits in self._writer.write(prompt, length, narrow.limits(), sequences[0]):
            for n in range(len(ids)):
                yield Drawn(ids[n : n + 1], logits[n : n + 1])

    def _step_by_step(
        self, texts: AnyStepper, prompt: Sequence[int] | IntArray, length: int, narrow: Filter,
        sequences: list[np.random.Generator],
    ) -> Iterator[Drawn]:  # fmt: skip
        """Write with one call for each symbol of all texts."""
        read = texts.read
        texts.restart()
        for symbol in prompt:
            logits = read(np.full(self._count, symbol, np.int32))
        for step in range(length):
            if step % DRAWS == 0:
                draws = np.stack([sequence.random(DRAWS) for sequence in sequences])
            weights = narrow.weights(self._without_never(logits))
            ids = _draw(weights, draws[:, step % DRAWS])
            yield Drawn(ids, logits)
            if step + 1 < length:
                logits = read(ids)

    def _without_never(self, logits: Array) -> Array:
        if self._never is None:
            return logits
        others = logits.copy()
        others[:, self._never] = -np.inf
        return others


def _fused_writer(
    model: Model, parameters: Parameters, team: Team | None, never: int | None, mixture: Mixture | None
) -> "FusedWriter":
    from charlm.kernels.fused.writer import FusedWriter

    return FusedWriter(model, parameters, team, never, mixture)


def _draw(weights: Array, uniform: Array) -> IntArray:
    """Return, for each row, the symbol at which the cumulated weight passes the uniform number's share of all.

    Raises
    ------
    NotFiniteError
        If there are no weights, as the logits were not finite.
    """
    cumulated = np.add.accumulate(weights, axis=1)
    limits = uniform * cumulated[:, -1]
    if not np.isfinite(limits).all():
        raise NotFiniteError.of_logits()
    ids = [row.searchsorted(limit, side="right") for row, limit in zip(cumulated, limits, strict=True)]
    return np.array(ids, np.int32)


def beginning(symbols: Sequence[str], start_symbol: int | None) -> int:
    """Return what a text without a prompt begins after: a line's end, or where the model knows none, a space."""
    if start_symbol is not None:
        return start_symbol
    return next((symbols.index(symbol) for symbol in "\n " if symbol in symbols), 0)
