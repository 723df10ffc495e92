"""A model for other programs: PyTorch, what runs ONNX graphs, and a browser."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charlm.api.language_model import LanguageModel, check_model
from charlm.arrays import Array, Ids
from charlm.atomic import atomic_file
from charlm.errors import CharlmError, UsageError
from charlm.export.state_dict import description, state_dict
from charlm.files import checkpoint
from charlm.files.newfile import new_file
from charlm.inference.scorer import Scorer
from charlm.kernels.choice import load_backend
from charlm.network.model import Model
from charlm.ngram.mixture import Mixture
from charlm.phrases import as_written, megabytes
from charlm.workers.team import Team

TORCH_FILE, ONNX_FILE, PAGE_FILE = "torch.safetensors", "step.onnx", "page.html"  # as a file in a folder may be named
LARGEST_PAGE = 10_000_000  # bytes, of a page with an n-gram
SCORED = 20_000  # characters of the validation text, the most: the difference that rounding makes shows on fewer


def export_torch(model: LanguageModel, path: str | Path, *, overwrite: bool = False) -> None:
    """Write the network of a model as a state dict of PyTorch, in a safetensors file.

    Whatever the cell, `torch.nn.RNN`, `GRU` or `LSTM` computes it: two cells that PyTorch has no layer for become one
    with a gate that stays open. docs/export.md has a module that loads the file. An n-gram is left out.

    Parameters
    ----------
    model : LanguageModel
        The model.
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

    Examples
    --------
    >>> import os
    >>> charlm.export_torch(model, "plays-torch.safetensors")
    >>> os.remove("plays-torch.safetensors")
    """
    check_model(model)
    file = new_file(path, TORCH_FILE, overwrite=overwrite, read=model.own_files())
    tensors = state_dict(model.architecture, model.parameters)
    checkpoint.save_tensors(file, tensors, description(model.architecture, model.vocabulary))


def export_onnx(model: LanguageModel, path: str | Path, *, overwrite: bool = False) -> None:
    """Write the network of a model as an ONNX graph that reads one symbol.

    The inputs are ``ids`` (B,), int64, and the state before it: ``h``, in an LSTM also ``c``, each (L, B, H) and zero
    where a text begins. The outputs are ``log_probabilities`` (B, V) of what comes next, and the state after it:
    ``h_after`` and ``c_after``. An n-gram is left out.

    Parameters
    ----------
    model, path, overwrite
        As for `export_torch`.

    Raises
    ------
    CharlmError
        If the extra `onnx` is not installed, or the weights are more than 2 GB.
    UsageError, WriteError
        As from `export_torch`.
    """
    from charlm.export.onnx_step import onnx_step

    check_model(model)
    file = new_file(path, ONNX_FILE, overwrite=overwrite, read=model.own_files())
    data = onnx_step(model.architecture, model.parameters, description(model.architecture, model.vocabulary))
    with atomic_file(file) as opened:
        opened.write(data)


@dataclass(frozen=True, slots=True)
class Rounding:
    """What rounded weights cost.

    Attributes
    ----------
    weights : str
        How they are stored.
    loss, trained_loss : float
        Nats per character with the rounded weights and with the trained ones.
    chars : int
        On how many characters, the first of the validation text.
    unit : str
        What is called a character here: ``char``, or ``byte`` in a model of bytes.
    ngram_order : int or None
        The order of the n-gram that the losses are with; None where they are the network's alone.
    """

    weights: str
    loss: float
    trained_loss: float
    chars: int
    unit: str
    ngram_order: int | None

    @property
    def described(self) -> str:
        """The same in words."""
        noun = {"char": "character", "byte": "byte"}[self.unit]
        both = "" if self.ngram_order is None else f" with the {self.ngram_order}-gram"
        return (
            f"{self.weights} weights: {self.loss:.4f} nats per {noun}{both}, {self.trained_loss:.4f} with the trained "
            f"weights, on {self.chars:,} {noun}s of the validation text"
        )


@dataclass(frozen=True, slots=True)
class PageReport:
    """What `export_html` has written.

    Attributes
    ----------
    size : int
        The bytes of the page.
    rounding : Rounding or None
        What the rounded weights cost; None where that could not be measured.
    unmeasured : CharlmError or None
        Why it could not.
    notes : tuple of str
        What the page lacks, and why.
    """

    size: int
    rounding: Rounding | None
    unmeasured: CharlmError | None
    notes: tuple[str, ...]


def export_html(
    model: LanguageModel,
    path: str | Path,
    *,
    weights: str = "float16",
    corpus: str | Path | Sequence[str | Path] | None = None,
    overwrite: bool = False,
    on_scoring: Callable[[], object] | None = None,
) -> PageReport:
    """Write a page that writes text with a model in a browser, offline.

    For the same seed and options it writes the text that `LanguageModel.sample` writes with the same weights, up to
    rounding. An n-gram is in the page, too, unless the page would have more than 10 MB.

    Parameters
    ----------
    model, path, overwrite
        As for `export_torch`.
    weights : {"float16", "int8", "float32"}
        How the weights are stored: in 2, 1 or 4 bytes each. `int8` has a scale for each row of a matrix.
    corpus : str, Path or sequence of them, optional
        Where the model's corpus is now, if it was moved: on its validation text is measured what the rounding costs.
    on_scoring : callable, optional
        Called before that is measured, which takes some seconds for a large network.

    Raises
    ------
    CharlmError
        If a weight is too large for float16, or `corpus` is not the text that the model was trained on.
    UsageError, WriteError
        As from `export_torch`.

    Examples
    --------
    >>> import os
    >>> charlm.export_html(model, "plays.html").size < 1_000_000
    True
    >>> os.remove("plays.html")
    """
    from charlm.export.page import writing_page
    from charlm.export.rounding import STORAGES, restored, stored

    if weights not in STORAGES:
        raise UsageError(f"weights: {as_written(weights)} is not a choice ({', '.join(STORAGES)})")
    check_model(model)
    file = new_file(path, PAGE_FILE, overwrite=overwrite, read=model.own_files())
    tensors = stored(model.parameters, weights)
    mixture, notes = model.mixture, []

    def made(facts: list[str]) -> bytes:
        own = model.architecture, model.vocabulary, _form(model)
        title = f"Write with {model.described(ngram=mixture is not None)}"
        pieces = writing_page(title, facts, *own, tensors, mixture)
        return "".join(pieces).encode("utf-8", "backslashreplace")

    if mixture is not None and (size := len(made([]))) > LARGEST_PAGE:
        notes.append(f"without the {mixture.ngram.order}-gram, with which the page would have {megabytes(size)}")
        mixture = None
    rounding, unmeasured, facts = None, None, notes.copy()
    try:
        if "config" in model.metadata and not model.config.corpus.split.valid:
            raise UsageError(f"{model.name} has no validation text")
        valid = model.read_part("valid", corpus)
        if on_scoring is not None:
            on_scoring()
        rounding = _rounding(model, weights, restored(tensors), mixture, valid)
        facts.append(rounding.described)
    except CharlmError as error:
        if corpus is not None:
            raise
        unmeasured = error
    page = made(facts)
    with atomic_file(file) as opened:
        opened.write(page)
    return PageReport(len(page), rounding, unmeasured, tuple(notes))


def _form(model: LanguageModel) -> Mapping[str, Any]:
    """Return what a prompt is given before it is read."""
    names = ("newlines", "normalize", "lowercase")
    try:
        if model.vocabulary.unit == "char":
            return {name: getattr(model.config.corpus, name) for name in names}
    except CharlmError:  # a checkpoint that does not say how its corpus was read
        pass
    return dict(zip(names, ("keep", None, False), strict=True))


def _rounding(
    model: LanguageModel, weights: str, values: Mapping[str, Array], mixture: Mixture | None, valid: Ids
) -> Rounding:
    """Score the beginning of the validation text with the trained weights and with rounded ones."""
    a = model.architecture
    team = Team(1)
    try:
        scorer = Scorer(Model(a, load_backend("numpy")), team, mixture=mixture)
        scores = []
        for tensors in (values, model.parameters):
            parameters = a.parameters()
            for name, array in parameters.items():
                array[...] = tensors[name]
            scores.append(scorer.score(parameters, valid[: SCORED + 1]))
    finally:
        team.close()
    order = None if mixture is None else mixture.ngram.order
    return Rounding(weights, scores[0].loss, scores[1].loss, scores[0].chars, model.vocabulary.unit, order)
