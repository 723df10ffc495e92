"""`charlm export`: a model in the forms of other programs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from charlm.cli.advice import with_advice
from charlm.cli.options import PathOfAFile, model_argument, without_ngram_option
from charlm.cli.streams import is_terminal, say
from charlm.errors import UsageError
from charlm.phrases import one_line

if TYPE_CHECKING:
    from charlm.api.language_model import LanguageModel


@click.command(
    epilog="""\b
Examples:
  charlm export runs/plays --torch plays-torch.safetensors
  charlm export runs/plays --onnx plays.onnx
  charlm export runs/plays --html plays.html --weights int8
"""
)
@model_argument
@click.option("--torch", type=PathOfAFile(), metavar="FILE", help="Write a state dict of PyTorch, in safetensors.")
@click.option("--onnx", type=PathOfAFile(), metavar="FILE", help="Write an ONNX graph that reads one character.")
@click.option("--html", type=PathOfAFile(), metavar="FILE", help="Write a page that writes text in a browser, offline.")
@click.option(
    "--weights",
    type=click.Choice(["float16", "int8", "float32"]),
    help="How --html stores the weights; what that costs is measured and told.  [default: float16]",
)
@click.option("--corpus", multiple=True, metavar="PATH", help="Where the model's corpus is now; repeatable.")
@without_ngram_option
@click.option("--force", is_flag=True, help="Replace files that are there.")
def command(
    model: Path,
    torch: Path | None,
    onnx: Path | None,
    html: Path | None,
    weights: str | None,
    corpus: tuple[str, ...],
    without_ngram: bool,
    force: bool,
) -> None:
    """Write MODEL, a run directory or a checkpoint file, for other programs.

    PyTorch and ONNX get the network alone, also of a model that has an n-gram beside it. The page has both, unless it
    would have more than 10 MB.
    """
    import charlm
    from charlm.api.export import ONNX_FILE, PAGE_FILE, TORCH_FILE
    from charlm.files.newfile import new_file

    _check_files({"--torch": torch, "--onnx": onnx, "--html": html})
    if html is None and (weights or corpus):
        option = "--weights" if weights else "--corpus"
        raise UsageError(f"{option}: is about the weights of a page; add --html, or leave it out")
    loaded = charlm.load(model, ngram=not without_ngram)
    read = (*loaded.own_files(), *corpus)
    for path, example in ((torch, TORCH_FILE), (onnx, ONNX_FILE), (html, PAGE_FILE)):
        if path is not None:
            new_file(path, example, overwrite=force, read=read)  # all of them, before one is written
    if loaded.adapted_to is not None:
        say(one_line(f"{loaded.name}: has adapted to {loaded.adapted_to} since its training; that is what is written"))
    if torch is not None:
        charlm.export_torch(loaded, torch, overwrite=force)
        _report(loaded, torch)
    if onnx is not None:
        charlm.export_onnx(loaded, onnx, overwrite=force)
        _report(loaded, onnx)
    if html is not None:
        weights = weights or "float16"
        report = charlm.export_html(
            loaded, html, weights=weights, corpus=corpus or None, overwrite=force, on_scoring=_wait
        )
        say(one_line(f"{html}: written, {report.size / 1e6:.2f} MB"))
        if report.rounding is not None:
            say(report.rounding.described)
        if report.unmeasured is not None:
            say(f"what {weights} weights cost was not measured: {with_advice(report.unmeasured)}")
        for note in report.notes:
            say(note)


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


def _wait() -> None:
    """Tell a person what takes some seconds."""
    if is_terminal(sys.stderr):
        say("measuring on the validation text what the rounding of the weights costs")


def _report(model: "LanguageModel", path: Path) -> None:
    alone = "" if model.mixture is None else f"; the network alone, without its {model.mixture.ngram.order}-gram"
    say(one_line(f"{path}: written{alone}"))
