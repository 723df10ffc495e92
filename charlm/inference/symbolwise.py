"""What a model expects of every symbol of a text: its loss and the likeliest guesses, in order or line by line."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from charlm.arrays import Array, Ids, IntArray
from charlm.corpus.scoring_windows import Mask, evaluation_streams
from charlm.errors import NotFiniteError
from charlm.inference.scorer import SEQ_LENGTH
from charlm.network.loss import cross_entropy
from charlm.network.model import Model
from charlm.network.parameters import Parameters
from charlm.network.workspace import Workspace
from charlm.ngram.mixture import Mixture
from charlm.workers.team import Team

STREAMS = 256  # read in step by all workers together


@dataclass(frozen=True, slots=True)
class Expected:
    """What was expected of the n symbols of a text.

    Attributes
    ----------
    losses : ndarray of float64, shape (n,)
        In nats; NaN for a first symbol that was given.
    guesses : ndarray of int, shape (n, k)
        The k likeliest symbols at each place, the likeliest first.
    log_p : ndarray of float64, shape (n, k)
        The natural logarithms of their probabilities; NaN at a first symbol that was given.
    """

    losses: Array
    guesses: IntArray
    log_p: Array


class SymbolReader:
    """Reads a text piece by piece, and says what the model expected of every symbol.

    Read in order, the text is one stream. Read line by line, each line begins with a zero state that sees a newline,
    as in a model of lines, so what is expected in it does not depend on the lines before, and many are read in step.

    Parameters
    ----------
    model : Model
        The network.
    parameters : Parameters
        Its weights, which must not change afterwards.
    team : Team
        The threads that share the lines.
    mixture : Mixture, optional
        The n-gram that is added to the network.
    newline : int, optional
        The symbol that ends a line, for reading line by line; None for reading in order.
    guesses : int
        k, how many of the likeliest symbols to return at each place, V at the most.
    """

    def __init__(
        self,
        model: Model,
        parameters: Parameters,
        team: Team,
        mixture: Mixture | None = None,
        newline: int | None = None,
        guesses: int = 0,
    ) -> None:
        self._model = Model(replace(model.architecture, start_symbol=newline), model.backend)
        self._parameters, self._team, self._mixture, self._newline = parameters, team, mixture, newline
        self._guesses = min(guesses, model.architecture.vocabulary_size)
        self._prepared = self._model.prepared()
        self._model.prepare(parameters, self._prepared)
        self._workspaces: dict[tuple[int, int], Workspace] = {}
        self.restart()

    def restart(self) -> None:
        """Forget what was read."""
        self._state = self._model.architecture.zero_state(1)
        self._history: IntArray = np.array([] if self._newline is None else [self._newline], np.int64)

    def read(self, ids: Ids | IntArray) -> Expected:
        """Read on.

        Parameters
        ----------
        ids : ndarray of int, shape (n,)
            The next symbols; line by line, whole lines with the newline after each.

        Raises
        ------
        NotFiniteError
            If the logits are not finite.
        """
        text = np.concatenate([self._history, ids]).astype(np.int64)
        reading = self._begin(text)
        if len(reading.starts):
            self._team.map(partial(self._read, reading))
        if self._newline is None:
            kept = 1 if self._mixture is None else max(1, self._mixture.ngram.order - 1)
            self._history = text[-kept:]
        given = len(ids) - (len(text) - 1 - reading.first) if len(ids) else 0
        losses = reading.losses[reading.first :]
        if not np.isfinite(losses).all():
            raise NotFiniteError.of_logits()
        return Expected(
            np.concatenate([np.full(given, np.nan), losses]),
            np.concatenate([np.zeros((given, self._guesses), np.int64), reading.guesses[reading.first :]]),
            np.concatenate([np.full((given, self._guesses), np.nan), reading.log_p[reading.first :]]),
        )

    def _begin(self, text: IntArray) -> "_Reading":
        """Divide a text into streams, the longest first, and make the arrays of the results."""
        targets = max(0, len(text) - 1)
        if self._newline is None:
            first = max(0, len(self._history) - 1)
            starts, lengths = np.array([first]), np.array([targets - first])
            begins = np.zeros(len(text), np.int64)
        else:
            first, (starts, lengths) = 0, evaluation_streams(text, STREAMS, self._newline)  # type: ignore[arg-type]
            begins = np.maximum.accumulate(np.where(text == self._newline, np.arange(len(text)), 0))
        order = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths > 0)]
        k = self._guesses
        return _Reading(
            text, first, starts[order], lengths[order], begins, np.empty(targets), np.zeros((targets, k), np.int64),
            np.empty((targets, k)),
        )  # fmt: skip

    def _read(self, reading: "_Reading", worker: int) -> None:
        """Read one worker's streams from first to last; those that have ended are left out, half of them at a time."""
        starts, lengths = (array[worker :: self._team.workers] for array in (reading.starts, reading.lengths))
        if not len(starts):
            return
        state = self._state if self._newline is None else self._model.architecture.zero_state(len(starts))
        for done in range(0, int(lengths[0]), SEQ_LENGTH):
            active = int(np.count_nonzero(lengths > done))
            width = min(len(starts), 1 << (active - 1).bit_length())
            workspace = self._workspace(worker, width)
            rows = done + np.arange(SEQ_LENGTH)[:, None]
            places = starts[:width] + np.minimum(rows, lengths[:width] - 1)  # (T, S)
            state = tuple(tuple(array[:width] for array in layer) for layer in state)
            inputs = reading.text[places].astype(np.int32)
            self._model.forward(self._parameters, self._prepared, workspace, inputs, state)
            last = min(SEQ_LENGTH, int(lengths[0]) - done) - 1
            state = tuple(tuple(after[last].copy() for after in loop.after) for loop in workspace.loops)
            self._note(reading, workspace.logits, places.ravel(), (rows < lengths[:width]).ravel())
        if self._newline is None:
            self._state = state

    def _workspace(self, worker: int, width: int) -> Workspace:
        if (worker, width) not in self._workspaces:
            self._workspaces[worker, width] = self._model.workspace(SEQ_LENGTH, width)
        return self._workspaces[worker, width]

    def _note(self, reading: "_Reading", logits: Array, places: IntArray, mask: Mask) -> None:
        """Write what logits, (P, V), say of the symbols after some places, (P,), into the results where it counts."""
        if self._mixture is not None:
            back = places - np.arange(self._mixture.ngram.order - 1)[:, None]  # (N - 1, P)
            recent = np.where(back >= reading.begins[places], reading.text[np.maximum(back, 0)], -1)
            log_p, kind = self._mixture.distributions.read(recent)
            self._mixture.mix(logits, log_p, kind)
        losses = cross_entropy(logits, reading.text[places + 1])
        where = places[mask]
        reading.losses[where] = losses[mask]
        if self._guesses:
            expected, k = logits[mask], self._guesses
            top = np.argpartition(-expected, k - 1, axis=1)[:, :k]
            likely = np.take_along_axis(expected, top, axis=1)
            order = np.argsort(-likely, axis=1, kind="stable")
            reading.guesses[where] = np.take_along_axis(top, order, axis=1)
            reading.log_p[where] = np.take_along_axis(likely, order, axis=1)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A piece of text while it is read: n + 1 symbols, of which the first was read before.

    Attributes
    ----------
    text : ndarray of int
        What was read before as far as it is of use, and the piece.
    first : int
        Where the first symbol to be read lies in it.
    starts, lengths : ndarray of int, shape (S,)
        The streams: the place of each one's first input, and how many inputs it has.
    begins : ndarray of int
        For each place, how far back the n-gram sees.
    losses, guesses, log_p : ndarray
        The results at the place before each symbol.
    """

    text: IntArray
    first: int
    starts: IntArray
    lengths: IntArray
    begins: IntArray
    losses: Array
    guesses: IntArray
    log_p: Array
