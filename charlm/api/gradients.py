"""Gradients through time: of networks, of trained models, and of the textbook's networks of one unit."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from charlm.arguments import MOST_TOY_WEIGHT, check, path_of, texts_of
from charlm.arrays import Array, Ids, IntArray
from charlm.cells import NAMES
from charlm.errors import CharlmError, Remedy, UsageError
from charlm.insight import fading, toy
from charlm.insight.fading import Fading
from charlm.insight.gradflow import Norms, norms, windows_of
from charlm.insight.plot import Plot
from charlm.insight.toy import ToyUnit
from charlm.network.architecture import Architecture
from charlm.paths import refuse_twice
from charlm.phrases import as_written, suggestion

if TYPE_CHECKING:
    from charlm.config import Config

LAGS, WINDOWS = 50, 64
WEIGHTS, GATES = (0.9, 1.1), (0.731, 0.99)  # of toy units; sigmoid(1) = 0.731 is where the LSTM's forget gate starts


@dataclass(frozen=True, slots=True)
class NetworkFlow:
    """The gradients through time of one network.

    Attributes
    ----------
    name : str
        The run or configuration, and the cell where several were asked for.
    cell : str
        Its cell.
    trained : bool
        Whether the weights are trained ones, or those with which training starts.
    norms : Norms
        By state, ``h`` or ``c``: arrays of shape (layers, lags + 1); see `charlm.insight.gradflow`.
    """

    name: str
    cell: str
    trained: bool
    norms: Norms


@dataclass(frozen=True, slots=True)
class GradientFlow:
    """The gradients through time of some networks.

    Attributes
    ----------
    lags : int
        The largest lag.
    networks : tuple of NetworkFlow
        A run has two: untrained, and trained.
    """

    lags: int
    networks: tuple[NetworkFlow, ...]

    def plot(self, layer: int | None = None, along_state: bool = False) -> Plot:
        """Return a chart with a panel for h and one for c, if a network has one.

        Parameters
        ----------
        layer : int, optional
            Which one, from 0; the last of each network if not given.
        along_state : bool
            Whether to leave out what passes through the recurrent weights. Cells that have a c are shown by c
            alone then.

        Raises
        ------
        UsageError
            If a network has no such layer, or there are more names than markers.
        """
        check(layer=layer)
        title = f"{fading.TITLE}, along the state" if along_state else fading.TITLE
        return fading.plot(list(self._curves(layer, along_state)), title)

    def _curves(self, layer: int | None, along_state: bool) -> Iterator[Fading]:
        for state in ("h", "c"):
            for network in self.networks:
                found = network.norms.along_state if along_state else network.norms.gradient
                if state not in found or (along_state and state != list(found)[-1]):
                    continue
                layers = len(found[state])
                if layer is not None and layer >= layers:
                    raise UsageError(f"layer: {network.name} has no layer {layer}; choose at most {layers - 1}")
                kind = "trained" if network.trained else "untrained"
                yield Fading(network.name, state, kind, found[state][-1 if layer is None else layer])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, which knows no NaN and no infinity: None stands for them."""
        networks = [
            {
                "name": network.name,
                "cell": network.cell,
                "trained": network.trained,
                "windows": network.norms.windows.tolist(),
                "gradient": {state: _plain(found) for state, found in network.norms.gradient.items()},
                "along_state": {state: _plain(found) for state, found in network.norms.along_state.items()},
            }
            for network in self.networks
        ]
        return {"lags": list(range(self.lags + 1)), "networks": networks}


@dataclass(frozen=True, slots=True)
class ToyFlow:
    """The gradients through time of networks of one unit.

    Attributes
    ----------
    units : tuple of ToyUnit
        Each has what was `computed` by lag, and the `analytic` powers of its `factor`.
    """

    units: tuple[ToyUnit, ...]

    def plot(self) -> Plot:
        """Return a chart of what was computed, beside the analytic values."""
        curves = [
            Fading(unit.name, unit.state, kind, np.where(np.isnan(unit.computed), np.nan, values))
            for unit in self.units
            for kind, values in (("analytic", unit.analytic), ("computed", unit.computed))
        ]
        return fading.plot(curves, title="|gradient|, 1 at lag 0")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; None stands for what is no finite number."""
        units = [
            {
                "name": unit.name,
                "by": unit.state,
                "factor": unit.factor,
                "computed": _plain(unit.computed),
                "analytic": _plain(unit.analytic),
            }
            for unit in self.units
        ]
        return {"lags": list(range(len(self.units[0].computed))), "units": units}


def _plain(values: Array) -> Any:
    plain = values.astype(object)
    plain[~np.isfinite(values)] = None
    return plain.tolist()


class _Subject(NamedTuple):
    """A network to look at, by its weights, and the text that it reads."""

    name: str
    trained: bool
    architecture: Architecture
    parameters: Any
    text: IntArray


def gradflow(
    *sources: str | Path,
    cells: Sequence[str] = (),
    overrides: Sequence[str] = (),
    text: str | Path | Sequence[str | Path] | None = None,
    lags: int = LAGS,
    windows: int = WINDOWS,
    on_windows: Callable[[int, int], object] | None = None,
) -> GradientFlow:
    """Measure how the gradient of a step's loss fades or explodes through time.

    For each lag k, the norm of d loss_t / d h_{t-k}, and of d loss_t / d c_{t-k} where the cell has a c, is averaged
    over windows of a text. Dropout is off, and an n-gram beside a network is left out.

    Parameters
    ----------
    *sources : str or Path
        Runs or checkpoint files, whose networks are measured with their first weights and with the trained ones, and
        configurations in YAML, whose networks are measured with their first weights.
    cells : sequence of str
        The cells that each configuration is measured with; its own if there is none.
    overrides : sequence of str
        Values that win over those of each configuration, such as ``model.hidden_size=64``.
    text : str, Path or sequence of them, optional
        Files to read, in place of the validation part of the corpus.
    lags : int
        How many steps to go back. A window has twice as many, of which the first half only fill the state.
    windows : int
        How many windows, at the most, lie evenly in the text.
    on_windows : callable, optional
        Called with the number of windows that are done and the number of all.

    Raises
    ------
    UsageError
        If an argument is wrong, or the text is too short.
    CharlmError
        If a file cannot be read.

    Examples
    --------
    >>> flow = charlm.gradflow("runs/plays", lags=10, windows=4)
    >>> [network.trained for network in flow.networks], flow.networks[0].norms.gradient["h"].shape
    ([False, True], (1, 11))
    """
    check(lags=lags, windows=windows)
    if not sources:
        raise UsageError("sources: there are none; name a run or a configuration")
    _check_list("cells", cells, "texts, such as ['lstm']")
    for number, cell in enumerate(cells):
        if cell in cells[:number]:
            raise UsageError(f"cells: {as_written(cell)} is given twice; leave one out")
        if cell not in list(NAMES):
            raise UsageError(
                f"cells: {as_written(cell)} is not a cell{suggestion(str(cell), NAMES)} ({', '.join(NAMES)})"
            )
    subjects: list[_Subject] = []
    paths = [path_of("source", source) for source in sources]
    refuse_twice(paths)
    for path in paths:
        if path.suffix in (".yaml", ".yml") and not path.is_dir():
            subjects += _of_configuration(path, cells, overrides, text)
        elif cells or overrides:
            name = "cells" if cells else "overrides"
            raise UsageError(f"{name}: is for configurations, and {path} is none; leave out the one or the other")
        else:
            subjects += _of_run(path, text)
    read = [windows_of(subject.text, lags, windows, subject.name) for subject in subjects]
    total, done = sum(ids.shape[1] for ids in read), 0

    def tell(more: int) -> None:
        nonlocal done
        done += more
        if on_windows is not None:
            on_windows(done, total)

    flows = [
        NetworkFlow(
            subject.name, subject.architecture.cell, subject.trained,
            norms(subject.architecture, subject.parameters, ids, lags, tell),
        )
        for subject, ids in zip(subjects, read, strict=True)
    ]  # fmt: skip
    return GradientFlow(lags, tuple(flows))


def _of_run(path: Path, text: Any) -> Iterator[_Subject]:
    """Yield a model with its first weights, and as it is."""
    from charlm.api.language_model import load

    model = load(path, ngram=False)
    try:
        part: Literal["valid", "train"] = "valid" if model.config.corpus.split.valid else "train"
        ids = model.read_part(part) if text is None else model.read_files(text)[0]
    except CharlmError as error:
        if error.remedy is Remedy.NAME_CORPUS:
            error.remedy = Remedy.NAME_TEXT  # any text will do here
        raise
    first = model.architecture.initial_parameters(model.config.seed)
    yield _Subject(str(path), False, model.architecture, first, ids)
    yield _Subject(str(path), True, model.architecture, model.parameters, ids)


def _of_configuration(path: Path, cells: Sequence[str], overrides: Sequence[str], text: Any) -> Iterator[_Subject]:
    """Yield the network of a configuration with its first weights, for each cell."""
    from charlm import assemble
    from charlm.api.training import load_config

    config = load_config(path, overrides)
    if text is not None:
        path_of_text = {"path": tuple(texts_of("text", text))}
        config = config.model_copy(update={"corpus": config.corpus.model_copy(update=path_of_text)})
    config, ids, symbols, start = _read(config)
    architecture = assemble.architecture(config, symbols, start)
    for cell in cells or [architecture.cell]:
        one = replace(architecture, cell=cell)
        name = f"{path}, {cell}" if len(cells) > 1 else str(path)
        yield _Subject(name, False, one, one.initial_parameters(config.seed), ids)


def _read(config: "Config") -> tuple["Config", Ids, int, int | None]:
    """Return the resolved configuration, the part of its corpus to read, V, and the symbol that starts a line."""
    from charlm.corpus.loading import load as load_corpus
    from charlm.run import chosen

    corpus = load_corpus(**config.corpus.model_dump(), seed=config.seed)
    config, corpus, _ = chosen(config, corpus)
    start = corpus.vocabulary.id_of("\n") if config.corpus.mode == "lines" else None
    return config, corpus.valid if len(corpus.valid) else corpus.train, len(corpus.vocabulary), start


def toy_gradflow(
    weights: Sequence[float] | Array = WEIGHTS, gates: Sequence[float] | Array = GATES, lags: int = LAGS
) -> ToyFlow:
    """Show how a gradient goes back through networks of one unit.

    Parameters
    ----------
    weights : sequence or (N,) array of float
        The recurrent weights w of linear units: an input at time tau contributes w^(t - tau) to an error at time t.
    gates : sequence or (N,) array of float
        The shares g of its state, from 0 to 1, that a gated unit keeps: by the forget gate f = g of an LSTM, and by
        the update gate u = 1 - g of a simple GRU. The LSTM without a forget gate, which keeps all, is always there.
    lags : int
        How many steps to go back.

    Raises
    ------
    UsageError
        If an argument is out of its range.

    Examples
    --------
    >>> units = charlm.toy_gradflow(weights=[0.5], gates=[], lags=3).units
    >>> units[0].computed.tolist(), units[1].computed.tolist()
    ([1.0, 0.5, 0.25, 0.125], [nan, 1.0, 1.0, 1.0])
    """
    check(lags=lags)
    factors = _numbers("weights", weights, -MOST_TOY_WEIGHT, MOST_TOY_WEIGHT)
    kept = _numbers("gates", gates, 0.0, 1.0)
    units = [
        *(toy.linear(factor, lags) for factor in factors),
        toy.carousel(lags),
        *(toy.forgetting(share, lags) for share in kept),
        *(toy.updating(round(1 - share, 12), lags) for share in kept),
    ]
    return ToyFlow(tuple(units))


def _check_list(name: str, values: Any, words: str) -> None:
    if not isinstance(values, list | tuple):
        raise UsageError(f"{name}: must be a list of {words}, got {as_written(values)}")


def _numbers(name: str, values: Any, least: float, most: float) -> list[float]:
    """Return numbers that are given as a list or an array, checked."""
    if isinstance(values, np.ndarray):
        values = values.tolist()
    _check_list(name, values, "numbers")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, Real) or not least <= float(value) <= most:
            raise UsageError(f"{name}: must be numbers from {least:,.6g} to {most:,.6g}, got {as_written(value)}")
    return [float(value) for value in values]
