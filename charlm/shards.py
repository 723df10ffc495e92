"""One worker's share of a batch: computed in this process, or in another that does nothing else.

Threads of NumPy's short calls wait for each other's interpreter; processes do not. A process of the batch gets its
share of a window through a pipe, a few ten kilobytes, and finds the weights and leaves the gradients in shared memory.
"""

import atexit
import os
import signal
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.dropout import Dropout
from charlm.errors import CharlmError
from charlm.kernels import IntArray
from charlm.model import Architecture, Model, Prepared, State, Workspace
from charlm.parallel import OVERFLOW, Team
from charlm.parameters import Parameters

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

# A new interpreter, on every system: a fork of one that has threads, as a BLAS makes them, may never come to itself.
PROCESSES = get_context("spawn")
REMEDY = "a new run with workers: 1 does without"


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of what a worker computes.

    Attributes
    ----------
    seq_length, batch_size : int
        T, and the B of the whole batch, of all ranks together.
    first, streams : int
        The number of the share's first stream in the batch, and how many there are.
    dropout : Dropout
        Its rates.
    seed : int
        Of the dropout masks.
    """

    seq_length: int
    batch_size: int
    first: int
    streams: int
    dropout: Dropout
    seed: int


class Shard:
    """A share of a batch in this process.

    Parameters
    ----------
    model : Model
        The network.
    share : Share
        The streams.
    """

    def __init__(self, model: Model, share: Share) -> None:
        self._model, self._share = model, share
        self.workspace = Workspace(model, share.seq_length, share.streams, share.dropout, share.first)

    def compute(
        self,
        parameters: Parameters,
        prepared: Prepared,
        inputs: IntArray,
        targets: IntArray,
        initial: State,
        step: int,
    ) -> tuple[float, State]:
        """Compute the share's loss and, into its workspace, its part of the gradient of the batch's mean loss.

        Parameters
        ----------
        parameters, prepared : Parameters, Prepared
            The weights, and the same as `Model.prepare` left them.
        inputs, targets : ndarray of int, shape (T, B)
            The share's part of a window.
        initial : State
            What its streams carry in.
        step : int
            The step, for the dropout masks.

        Returns
        -------
        float, State
            The sum of the symbols' losses in nats, and what the streams carry out, which the next window overwrites.
        """
        for mask in self.workspace.masks:
            if mask is not None:
                mask.draw(self._share.seed, step)
        scale = 1 / (self._share.seq_length * self._share.batch_size)
        inputs, targets = np.ascontiguousarray(inputs), np.ascontiguousarray(targets)
        return self._model.loss_and_gradients(parameters, prepared, self.workspace, inputs, targets, initial, scale)


class ShardElsewhere:
    """A share of a batch in a process of its own, which ends with this object or with this process.

    Parameters
    ----------
    model : Model
        The network.
    share : Share
        The streams.
    cores : list of int
        Where the process runs; anywhere if empty.

    Attributes
    ----------
    gradients : ndarray, shape (size,)
        The share's part of the gradient, after `result`.
    """

    def __init__(self, model: Model, share: Share, cores: list[int]) -> None:
        zeros = model.parameters().flat
        weights, gradients = (PROCESSES.RawArray("b", zeros.nbytes) for _ in range(2))
        self._weights, self.gradients = (np.frombuffer(memory, zeros.dtype) for memory in (weights, gradients))
        self._connection, theirs = PROCESSES.Pipe()
        self._process = PROCESSES.Process(
            target=_serve,
            args=(theirs, (model.architecture, model.backend.name), share, weights, gradients, cores),
            daemon=True,
        )
        try:
            with _undisturbed():
                self._process.start()
        except OSError as error:
            raise CharlmError(f"a worker process cannot be started: {error.strerror}; {REMEDY}") from error
        theirs.close()
        self._busy = False
        # The process ends when it has nobody to listen to, and it has to before `multiprocessing` waits for it.
        self.close = weakref.finalize(self, _dismiss, self._connection, self._process)
        atexit.register(self.close)

    def start(self, parameters: Parameters, inputs: IntArray, targets: IntArray, initial: State, step: int) -> None:
        """Let the process compute; see `Shard.compute`."""
        with self._listening():
            if self._busy:  # with a window that an error elsewhere cut short
                self._connection.recv()
            self._weights[...] = parameters.flat
            self._connection.send((inputs, targets, initial, step))
        self._busy = True

    def result(self) -> tuple[float, State]:
        """Wait for the process and return what it came to, or raise its error.

        Raises
        ------
        CharlmError
            If the process is no more.
        """
        with self._listening():
            loss, state, error = self._connection.recv()
        self._busy = False
        if error is not None:
            raise error
        return loss, state

    @contextmanager
    def _listening(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError) as error:
            self._process.join()
            code = self._process.exitcode or 0
            how = f"was ended by signal {-code}" if code < 0 else f"has ended with status {code}"
            raise CharlmError(f"a worker process {how}; {REMEDY}") from error


def _dismiss(connection: "Connection", process: Any) -> None:
    connection.close()
    process.join()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Start a process that does its work and nothing else.

    It never sees the signals that ask the training to stop: they come to all processes of a terminal or a job, and the
    step at hand is finished first. And it does not run the script that trains a second time, as `multiprocessing`
    does to find functions there.
    """
    masks = hasattr(signal, "pthread_sigmask")  # not on Windows
    if masks:
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # else the first start does, and takes both signals off the mask
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script
        if masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(
    connection: "Connection",
    network: tuple[Architecture, str],
    share: Share,
    weights: Any,
    gradients: Any,
    cores: list[int],
) -> None:
    """Compute one window after the other, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for Windows
    if cores:
        os.sched_setaffinity(0, cores)
    Team(1)  # single-threaded products
    np.seterr(**OVERFLOW)
    model = Model(*network)
    dtype = np.dtype(model.architecture.dtype)
    parameters, shared = (
        Parameters(model.shapes, dtype, np.frombuffer(memory, dtype)) for memory in (weights, gradients)
    )
    shard, prepared = Shard(model, share), Prepared(model)
    shard.workspace.gradients = shared
    answer: tuple[float, State, Exception | None]
    with suppress(EOFError, ConnectionError):
        while True:
            inputs, targets, initial, step = connection.recv()
            try:
                model.prepare(parameters, prepared)
                answer = (*shard.compute(parameters, prepared, inputs, targets, initial, step), None)
            except Exception as error:
                answer = 0.0, (), error
            connection.send(answer)
