"""A model for other programs: PyTorch, what runs ONNX graphs, and a browser."""

from pathlib import Path

from charlm.api.language_model import LanguageModel
from charlm.api.options import new_file
from charlm.atomic import atomic_file
from charlm.export.state_dict import description, state_dict
from charlm.files import checkpoint


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
        Whether to replace another file of that name; the one that the model was read from is never replaced.

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
    file = new_file(path, "torch.safetensors", overwrite=overwrite, other_than=model.path)
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

    file = new_file(path, "step.onnx", overwrite=overwrite, other_than=model.path)
    data = onnx_step(model.architecture, model.parameters, description(model.architecture, model.vocabulary))
    with atomic_file(file) as opened:
        opened.write(data)
