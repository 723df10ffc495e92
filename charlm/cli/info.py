"""`charlm info`: what a checkpoint holds."""

from collections.abc import Sequence
from itertools import groupby
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charlm.cli.display import readable
from charlm.cli.options import model_argument
from charlm.cli.streams import write, write_json
from charlm.phrases import count, megabytes, one_line

if TYPE_CHECKING:
    from charlm.api.language_model import LanguageModel
    from charlm.config import Config
    from charlm.corpus.vocabulary import Vocabulary
    from charlm.ngram.mixture import Mixture

SHOWN_SYMBOLS = 200
SHOWN_EVALUATIONS = 20
VARIETY_NAMES = ("one", "two", "3 or 4", "more")  # classes of `charlm.ngram.reading.VARIETIES`


@click.command(
    epilog="""\b
Examples:
  charlm info runs/plays
  charlm info runs/plays/last.safetensors --json
"""
)
@model_argument
@click.option("--json", "as_json", is_flag=True, help="Print all of it as a JSON object.")
def command(model: Path, as_json: bool) -> None:
    """Show what MODEL, a run directory or a checkpoint file, holds.

    Its network, its weights by tensor, its vocabulary, the losses of its training and its configuration.
    """
    import charlm
    from charlm.files.schema import check_run

    loaded = charlm.load(model)
    if as_json:
        shapes = {name: list(array.shape) for name, array in loaded.parameters.items()}
        write_json({"path": str(loaded.path), "parameters": shapes, **loaded.metadata})
        return
    # Before anything is printed: these may be in a form that is not known here.
    configuration = loaded.config
    if "run" in loaded.metadata:
        check_run(loaded.path, loaded.metadata)
    write(one_line(f"{loaded.path}, written by charlm {loaded.metadata['version']}"))
    if loaded.adapted_to is not None:
        write(f"adapted to {loaded.adapted_to} of text after its training")
    _show_network(loaded)
    if loaded.mixture is not None:
        _show_ngram(loaded.mixture)
    _show_vocabulary(loaded.vocabulary)
    _show_history(loaded)
    _show_configuration(configuration)


def _show_network(model: "LanguageModel") -> None:
    a = model.architecture
    symbols = f"an embedding of {a.embedding_size}" if a.embedding_size else "one-hot input"
    tied = ", tied to the read-out" if a.tie_weights else ""
    write(f"{a.num_layers} x {a.cell} of {a.hidden_size}, {symbols}{tied}, {a.dtype}")
    write(f"\n{'parameters':<24}{sum(array.size for array in model.parameters.values()):>12,}")
    for name, array in model.parameters.items():
        write(f"  {name:<22}{array.size:>12,}  {' x '.join(map(str, array.shape))}")


def _show_ngram(mixture: "Mixture") -> None:
    ngram = mixture.ngram
    write(f"\n{f'{ngram.order}-gram beside it':<24}{ngram.entries:>12,}  entries, {megabytes(ngram.size)}")
    write("                                scale of the network's and of the n-gram's logits, by followers")
    write("  context  contexts   entries  " + "".join(f"{name:>14}" for name in VARIETY_NAMES))
    of_lengths = mixture.scales.reshape(ngram.order, -1, 2)
    for length, (order, scales) in enumerate(zip(ngram.orders, of_lengths, strict=True)):
        pairs = "".join(f"{network:>8.2f} {scale:>5.2f}" for network, scale in scales)
        write(f"  {length:>7}{len(order.contexts):>10,}{len(order.counts):>10,}  {pairs}")


def _show_vocabulary(vocabulary: "Vocabulary") -> None:
    from charlm.corpus.vocabulary import UNITS

    unknown = (
        "" if vocabulary.unknown is None else f", {readable(vocabulary.symbols[vocabulary.unknown])} for rare ones"
    )
    write(f"\nvocabulary: {count(len(vocabulary), UNITS[vocabulary.unit].noun)}{unknown}")
    if vocabulary.unit == "byte":
        write("  " + ", ".join(_ranges([ord(symbol) for symbol in vocabulary.symbols])))
        return
    shown = vocabulary.symbols[:SHOWN_SYMBOLS]
    write("  " + " ".join(map(readable, shown)))
    if len(vocabulary) > len(shown):
        write(f"  and {len(vocabulary) - len(shown):,} more, which --json lists")


def _show_history(model: "LanguageModel") -> None:
    metadata, unit = model.metadata, model.vocabulary.unit
    history = metadata["history"]
    if history:
        both = "" if model.mixture is None else f", with the {model.mixture.ngram.order}-gram"
        write(f"\nvalidation{both}\n    step    epoch      nats  bits/{unit}")
        best = min(history, key=lambda entry: entry["valid_loss"])
        earlier = len(history) - SHOWN_EVALUATIONS
        if earlier > 0:
            write(f"     ... {earlier:,} earlier ones, which --json lists")
        for entry in history[-SHOWN_EVALUATIONS:]:
            write(_evaluation(entry, entry is best))
        if best not in history[-SHOWN_EVALUATIONS:]:
            write(_evaluation(best, True))
    if run := metadata.get("run"):
        write(f"\nstep {run['standing']['step']:,} of {run['total_steps']:,}, {run['seconds']:.0f} s of training")


def _evaluation(entry: dict[str, Any], best: bool) -> str:
    loss = entry["valid_loss"]
    return f"{entry['step']:>8,}{entry['epoch']:>9.2f}{loss:>10.4f}{loss / log(2):>11.4f}{'  best' if best else ''}"


def _show_configuration(config: "Config") -> None:
    from charlm.config import dump_yaml

    write("\nconfiguration")
    for line in dump_yaml(config).splitlines():
        write(f"  {line}")


def _ranges(values: Sequence[int]) -> list[str]:
    """Return ascending bytes in hexadecimal, neighbours as ranges."""
    runs = [[value for _, value in run] for _, run in groupby(enumerate(values), key=lambda pair: pair[1] - pair[0])]
    return [f"0x{run[0]:02X}" + (f"-0x{run[-1]:02X}" if len(run) > 1 else "") for run in runs]
