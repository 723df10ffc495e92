"""`charlm sample`: text out of a trained model, one character at a time."""

import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import click

from charlm.cli.display import COMPILING
from charlm.cli.options import FiniteRange, model_argument, on_unknown_option
from charlm.errors import CharlmError, UsageError
from charlm.files import rundir

if TYPE_CHECKING:
    from charlm.corpus.vocabulary import Vocabulary
    from charlm.files.modelfile import Saved
    from charlm.inference.sampler import Drawn
    from charlm.network.architecture import Architecture
    from charlm.network.model import Model

SEPARATOR = "--- {number} of {count}"
MOST_SEED = (1 << 64) - 1
LONG = 20_000  # characters from which fused kernels pay for the half second that loading them takes
GLANCE = 0.02  # seconds between two looks at a growing text; writing every character by itself takes time
LONGEST_LINE = 10_000  # characters; where only --lines is given, so that a model stuck in a line ends all the same


@click.command(
    epilog="""\b
Examples:
  charlm sample runs/plays
  charlm sample runs/plays --length 2000 --temperature 0.7 --prompt "BRANNOCK:"
  charlm sample runs/names --lines 20 --seed 1
  charlm sample runs/plays/last.safetensors --count 3 --top-p 0.9 --json
  charlm sample runs/plays --prompt-file opening.txt --stop "THE END"
"""
)
@model_argument
@click.option(
    "--length",
    type=click.IntRange(min=0),
    default=500,
    metavar="N",
    help="Characters to write (bytes, in a byte model).",
)
@click.option(
    "--temperature", type=FiniteRange(min=0), default=0.8, metavar="T", help="Below 1 safer, above 1 wilder, 0 greedy."
)
@click.option("--top-k", type=click.IntRange(min=1), metavar="K", help="Draw from the K likeliest characters only.")
@click.option(
    "--top-p",
    type=FiniteRange(min=0, min_open=True, max=1),
    metavar="P",
    help="Draw from the fewest characters that together have probability P.",
)
@click.option(
    "--min-p",
    type=FiniteRange(min=0, max=1),
    metavar="P",
    help="Draw from characters at least P times as likely as the likeliest.",
)
@click.option("--prompt", metavar="TEXT", help="What the text begins with.  [default: a new line]")
@click.option(
    "--prompt-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The same, from a UTF-8 file, or - for standard input.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=MOST_SEED),
    metavar="SEED",
    help="The same seed gives the same text.  [default: drawn, and told]",
)
@click.option("--count", type=click.IntRange(min=1), default=1, metavar="N", help="Write N texts at once.")
@click.option("--stop", metavar="TEXT", help="End a text when it has written TEXT.")
@click.option(
    "--lines", type=click.IntRange(min=1), metavar="N", help="End a text after N lines, whatever their length."
)
@on_unknown_option
@click.option(
    "--kernels",
    type=click.Choice(["auto", "numpy", "fused"]),
    default="auto",
    help="What computes it; auto is the fast extra's fused kernels for one text of 20,000 characters or more.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a text, with every character's probability.")
@click.pass_context
def command(
    context: click.Context,
    model: Path,
    length: int,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    min_p: float | None,
    prompt: str | None,
    prompt_file: Path | None,
    seed: int | None,
    count: int,
    stop: str | None,
    lines: int | None,
    on_unknown: str,
    kernels: str,
    as_json: bool,
) -> None:
    """Write text with MODEL, a run directory or a checkpoint file.

    The text goes to standard output as it is made, in UTF-8; everything else goes to standard error. A model of lines
    (corpus.mode: lines) starts afresh with every line. The kernels round differently, so once in a great while a seed's
    text takes another turn with the other ones.
    """
    from charlm.files import modelfile
    from charlm.inference.sampler import Filter, Sampler, beginning
    from charlm.workers.split import available_cores
    from charlm.workers.team import Team

    if prompt is not None and prompt_file is not None:
        raise UsageError("--prompt and --prompt-file: give one of them")
    saved = modelfile.load(rundir.resolve(model))
    vocabulary, start_symbol = saved.vocabulary, saved.architecture.start_symbol
    _check_ends(saved, model, stop, lines)
    network = _network(saved.architecture, kernels, length, count, ends=stop is not None or lines is not None)
    ids = _encoded_prompt(vocabulary, prompt, prompt_file, on_unknown)
    shown = vocabulary.decode(ids)
    if not ids or start_symbol is not None:
        ids.insert(0, beginning(vocabulary.symbols, start_symbol))
    if seed is None:
        seed = secrets.randbelow(1 << 32)
        click.echo(f"seed {seed}", err=True)
    if lines is not None and context.get_parameter_source("length") is click.core.ParameterSource.DEFAULT:
        length = lines * LONGEST_LINE
    team = Team(available_cores())
    narrow = Filter(temperature, top_k, top_p, min_p)
    drawn = Sampler(network, saved.parameters, count, team).write(ids, length, narrow, seed)
    texts = [Text(vocabulary, stop, lines) for _ in range(count)]
    if as_json:
        _write_json(drawn, texts, shown, seed)
    else:
        _write(drawn, texts, shown)
    team.close()


def _network(architecture: "Architecture", kernels: str, length: int, count: int, ends: bool) -> "Model":
    """Return the model with the kernels that are asked for, or that suit what is to be written."""
    from charlm.kernels.choice import choose, load_backend
    from charlm.network.model import Model

    if kernels == "fused" and count > 1:
        raise UsageError("--kernels fused: writes one text at a time; leave it out, or --count")
    if kernels == "auto" and (count > 1 or ends or length < LONG):
        kernels = "numpy"
    network = Model(architecture, load_backend(choose(kernels, architecture.dtype)))
    network.backend.when_compiling(lambda: click.echo(COMPILING, err=True))
    return network


def _check_ends(saved: "Saved", model: Path, stop: str | None, lines: int | None) -> None:
    """Refuse an end that no text could ever reach."""
    if stop == "":
        raise UsageError("--stop: the empty text would end every text before its first character; leave it out")
    if stop is not None:
        _encoded(saved.vocabulary, stop, "error", "--stop")
    if lines is not None and saved.vocabulary.id_of("\n") is None:
        raise UsageError(f"--lines: {model} never saw a line end, so it writes none; use --length")


def _encoded_prompt(vocabulary: "Vocabulary", prompt: str | None, file: Path | None, on_unknown: str) -> list[int]:
    """Return the prompt's ids."""
    if file is None:
        return _encoded(vocabulary, prompt or "", on_unknown, "--prompt")
    data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    if vocabulary.unit == "byte":
        return _encoded(vocabulary, data, on_unknown, str(file))
    try:
        return _encoded(vocabulary, data.decode("utf-8-sig"), on_unknown, str(file))
    except UnicodeDecodeError as error:
        raise CharlmError(f"{file}: is not UTF-8 at byte {error.start:,}; save the prompt as UTF-8") from error


def _encoded(vocabulary: "Vocabulary", text: str | bytes, on_unknown: str, where: str) -> list[int]:
    try:
        return [int(symbol) for symbol in vocabulary.encode(text, on_unknown)]
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from error


class Text:
    """One text as it grows, and whether it is to end.

    Parameters
    ----------
    vocabulary : Vocabulary
        Decodes.
    stop : str or None
        The text ends when it ends with this.
    lines : int or None
        The text ends after so many line ends.

    Attributes
    ----------
    text : str
        What was written so far.
    ids : list of int
        Its symbols.
    done : bool
        Whether it has ended.
    """

    def __init__(self, vocabulary: "Vocabulary", stop: str | None, lines: int | None) -> None:
        self._vocabulary, self._decoder = vocabulary, vocabulary.decoder()
        self._stop, self._lines = stop, lines
        self.text = ""
        self.ids: list[int] = []
        self.done = False

    @property
    def symbols(self) -> list[str] | list[int]:
        """The symbols themselves: characters, or the values of bytes."""
        written = [self._vocabulary.symbols[symbol] for symbol in self.ids]
        return [ord(symbol) for symbol in written] if self._vocabulary.unit == "byte" else written

    def add(self, symbol: int) -> str:
        """Write one symbol, and return the characters that it completes: none within a UTF-8 sequence."""
        if self.done:
            return ""
        self.ids.append(symbol)
        return self._grow(self._decoder.feed([symbol]))

    def finish(self) -> str:
        """Return what a UTF-8 sequence that was cut short comes to."""
        return self._grow(self._decoder.finish())

    def _grow(self, new: str) -> str:
        self.text += new
        if self._lines is not None:
            self._lines -= new.count("\n")
        self.done = self._lines == 0 or (self._stop is not None and self.text.endswith(self._stop))
        return new


def _write(drawn: Iterator["Drawn"], texts: list[Text], prompt: str) -> None:
    """Write the first text as it is made, and the others after it."""
    first, *others = texts
    _announce(1, len(texts))
    click.echo(prompt, nl=False)
    waiting: list[str] = []
    shown = perf_counter()
    try:
        for step in drawn:
            new = [text.add(int(symbol)) for text, symbol in zip(texts, step.ids, strict=True)]
            waiting.append(new[0])
            if perf_counter() - shown > GLANCE:
                click.echo("".join(waiting), nl=False)
                waiting.clear()
                shown = perf_counter()
            if all(text.done for text in texts):
                break
        rest = [text.finish() for text in texts]
        waiting.append(rest[0])
    finally:
        click.echo("".join(waiting), nl=False)
    _end_line(prompt + first.text)
    for number, text in enumerate(others, 2):
        _announce(number, len(texts))
        click.echo(prompt + text.text, nl=False)
        _end_line(prompt + text.text)


def _announce(number: int, count: int) -> None:
    """Say which of several texts follows; not on standard output, which has the texts alone."""
    if count > 1:
        click.echo(SEPARATOR.format(number=number, count=count), err=True)


def _end_line(text: str) -> None:
    if text and not text.endswith("\n"):
        click.echo()


def _write_json(drawn: Iterator["Drawn"], texts: list[Text], prompt: str, seed: int) -> None:
    """Write a JSON object for each text."""
    import json

    probabilities: list[list[float]] = [[] for _ in texts]
    for step in drawn:
        for text, kept, symbol, probability in zip(texts, probabilities, step.ids, step.probabilities(), strict=True):
            if not text.done:
                text.add(int(symbol))
                kept.append(float(f"{probability:.6g}"))
        if all(text.done for text in texts):
            break
    for number, text in enumerate(texts):
        text.finish()
        document = {
            "seed": seed,
            "index": number,
            "prompt": prompt,
            "text": text.text,
            "symbols": text.symbols,
            "probabilities": probabilities[number],
        }
        click.echo(json.dumps(document, ensure_ascii=False))
