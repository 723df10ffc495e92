"""`charlm export`: a model in the forms of other programs."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from charlm.cli.options import PathOfAFile, model_argument
from charlm.cli.streams import say
from charlm.errors import UsageError
from charlm.phrases import one_line

if TYPE_CHECKING:
    from charlm.api.language_model import LanguageModel


@click.command(
    epilog="""\b
Examples:
  charlm export runs/plays --torch plays-torch.safetensors
  charlm export runs/plays --onnx plays.onnx
"""
)
@model_argument
@click.option("--torch", type=PathOfAFile(), metavar="FILE", help="Write a state dict of PyTorch, in safetensors.")
@click.option("--onnx", type=PathOfAFile(), metavar="FILE", help="Write an ONNX graph that reads one character.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
def command(model: Path, torch: Path | None, onnx: Path | None, force: bool) -> None:
    """Write MODEL, a run directory or a checkpoint file, for other programs.

    PyTorch and ONNX get the network alone, also of a model that has an n-gram beside it.
    """
    import charlm

    _check_files({"--torch": torch, "--onnx": onnx})
    loaded = charlm.load(model)
    if torch is not None:
        charlm.export_torch(loaded, torch, overwrite=force)
        _report(loaded, torch)
    if onnx is not None:
        charlm.export_onnx(loaded, onnx, overwrite=force)
        _report(loaded, onnx)


def _check_files(files: dict[str, Path | None]) -> None:
    """Refuse to write nothing, or one file twice."""
    given = {option: path.absolute() for option, path in files.items() if path is not None}
    if not given:
        *others, last = files
        raise UsageError(f"nothing to write; give {', '.join(others)} or {last} with the name of a file")
    first: dict[Path, str] = {}
    for option, path in given.items():
        if first.setdefault(path, option) != option:
            raise UsageError(f"{option}: names the file of {first[path]}; give each a file of its own")


def _report(model: "LanguageModel", path: Path) -> None:
    alone = "" if model.mixture is None else f"; the network alone, without its {model.mixture.ngram.order}-gram"
    say(one_line(f"{path}: written{alone}"))
