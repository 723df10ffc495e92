"""`charlm sample`: text out of a trained model, one character at a time."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charlm.arguments import MOST_COUNT, MOST_LENGTH, MOST_LINES, seed_of
from charlm.cli.display import COMPILING
from charlm.cli.options import (
    PathOfAFile,
    WholeRange,
    check_on_unknown,
    is_given,
    model_argument,
    on_unknown_option,
    options_in_messages,
    sampling_options,
    without_ngram_option,
)
from charlm.cli.streams import say, write, write_json
from charlm.errors import CharlmError, UnknownSymbolError, UsageError
from charlm.phrases import one_line

if TYPE_CHECKING:
    from charlm.api.language_model import LanguageModel
    from charlm.arrays import IntArray
    from charlm.corpus.vocabulary import Vocabulary
    from charlm.inference.text import Text
    from charlm.inference.writing import Writing

WITH_INTERACTIVE = {
    "model",
    "interactive",
    "prompt",
    "prompt_file",
    "on_unknown",
    "without_ngram",
    "allow_unknown",
    "raw",
}
ITEMS = 10  # that --novel writes without --lines
SEPARATOR = "--- {number} of {count}"


@click.command(
    epilog="""\b
Examples:
  charlm sample runs/plays
  charlm sample runs/plays --length 2000 --temperature 0.7 --prompt "BRANNOCK:"
  charlm sample runs/names --lines 20 --seed 1
  charlm sample runs/names --lines 20 --novel --prompt Mar
  charlm sample runs/plays/last.safetensors --count 3 --top-p 0.9 --json
  charlm sample runs/plays --prompt-file opening.txt --stop "THE END"
  charlm sample runs/plays --prompt "I have" --interactive > scene.txt
"""
)
@model_argument
@click.option(
    "--length",
    type=WholeRange(min=0, max=MOST_LENGTH),
    default=500,
    metavar="N",
    help="Characters to write (bytes, in a byte model).",
)
@sampling_options
@click.option("--prompt", metavar="TEXT", help="What the text begins with.  [default: a new line]")
@click.option(
    "--prompt-file",
    type=PathOfAFile(),
    metavar="FILE",
    help="The same, from a UTF-8 file, or - for standard input.",
)
@click.option("--count", type=WholeRange(min=1, max=MOST_COUNT), default=1, metavar="N", help="Write N texts at once.")
@click.option("--stop", metavar="TEXT", help="End a text when it has written TEXT.")
@click.option(
    "--lines",
    type=WholeRange(min=1, max=MOST_LINES),
    metavar="N",
    help="End a text after N lines, whatever their length.",
)
@click.option("--novel", is_flag=True, help="Leave out items that the corpus has; 10 items without --lines.")
@click.option("--corpus", multiple=True, metavar="PATH", help="With --novel: where that corpus is now; repeatable.")
@click.option("--interactive", is_flag=True, help="Write together: the model proposes, and you choose, word by word.")
@on_unknown_option
@without_ngram_option
@click.option("--allow-unknown", is_flag=True, help="Write the symbol for rare characters (corpus.min_count), too.")
@click.option(
    "--kernels",
    type=click.Choice(["auto", "numpy", "fused"]),
    default="auto",
    help="What computes it; auto is the fast extra's fused kernels for one text of 10,000 characters or more that has "
    "no --stop or --lines.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a text, with every character's probability.")
@click.option("--raw", is_flag=True, help="Write control characters as they are also on a terminal, which obeys them.")
@click.pass_context
def command(
    context: click.Context,
    model: Path,
    length: int | None,
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
    novel: bool,
    corpus: tuple[str, ...],
    interactive: bool,
    on_unknown: str,
    without_ngram: bool,
    allow_unknown: bool,
    kernels: str,
    as_json: bool,
    raw: bool,
) -> None:
    """Write text with MODEL, a run directory or a checkpoint file.

    The text goes to standard output as it is made, in UTF-8; everything else goes to standard error. On a
    terminal, control characters are written as escapes; files and pipes get them as they are. A model of lines
    (corpus.mode: lines) starts afresh with every line. A prompt and --stop get the newlines, the case and the Unicode
    form of the model's corpus. The kernels round differently, so once in a great while a seed's text takes another turn
    with the other ones.

    With --novel each item of a model of lines begins with the prompt, and items that stand in its corpus are left out.

    With --interactive the model proposes five ways on, up to the end of the next word or line. Type a number to take
    one, any other text to write it yourself, u to undo and q to end; then the text is written to standard output.
    """
    import charlm

    if prompt is not None and prompt_file is not None:
        raise UsageError("--prompt and --prompt-file: give one of them")
    if kernels == "fused" and (count > 1 or novel):
        several = "--novel" if novel else "--count"
        raise UsageError(f"--kernels fused: writes one text at a time; leave it out, or {several}")
    if interactive:
        _refuse_together(context.params, prompt_file)
    check_on_unknown(interactive or prompt or prompt_file, "--prompt")
    if corpus and not novel:
        raise UsageError("--corpus: is what --novel looks in; give --novel, too, or leave it out")
    if novel and (count > 1 or stop is not None):
        raise UsageError(f"--novel: writes items one by one; leave out {'--count' if count > 1 else '--stop'}")
    if (novel or lines is not None) and not is_given("length"):
        length = None
    loaded = charlm.load(model, kernels=kernels, on_compiling=lambda: say(COMPILING), ngram=not without_ngram)
    if kernels == "fused" and as_json and loaded.vocabulary.unknown is not None and not allow_unknown:
        raise UsageError(
            "--kernels fused: keeps no probabilities where the symbol for unknown characters is never drawn; leave it "
            "out, or give --allow-unknown"
        )
    used = seed_of(seed)
    if (as_json or interactive) and loaded.mixture is not None:
        say(f"the probabilities are of the network and its {loaded.mixture.ngram.order}-gram together")
    with options_in_messages():
        ids = _read_prompt(loaded, prompt, prompt_file, on_unknown)
        if interactive:
            from charlm.cli.interactive import write_together

            together = loaded.proposals(ids, allow_unknown=allow_unknown)
            write_together(loaded, together, loaded.vocabulary.decode(ids), on_unknown, raw)
            return
        options: dict[str, Any] = {
            "length": length, "temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p, "seed": used,
            "allow_unknown": allow_unknown, "probabilities": as_json,
        }  # fmt: skip
        if novel:
            items = charlm.novel_items(loaded, ids, items=lines or ITEMS, corpus=corpus or None, **options)
        else:
            writing = loaded.writing(ids, count=count, stop=stop, lines=lines, **options)
    if seed is None:
        say(f"seed {used}")
    if novel and loaded.adapted_to is not None:
        say(one_line(f"{loaded.name}: has adapted to a text since its training; items of that one are not left out"))
    if novel:
        vocabulary = loaded.vocabulary if as_json else None
        _write_items(items, lines or ITEMS, loaded.vocabulary.decode(ids), vocabulary, used, raw)
    elif as_json:
        _write_json(writing, loaded.vocabulary, used)
    else:
        _write(writing, raw)


def _refuse_together(names: Iterable[str], prompt_file: Path | None) -> None:
    """Refuse the options that have no effect on a text that is written together."""
    for name in names:
        if name not in WITH_INTERACTIVE and is_given(name):
            option = {"as_json": "json"}.get(name, name.replace("_", "-"))
            raise UsageError(f"--{option}: has no effect with --interactive; leave it out")
    if str(prompt_file) == "-":
        raise UsageError("--prompt-file: --interactive reads what you choose from standard input; name a file")


def _read_prompt(model: "LanguageModel", prompt: str | None, file: Path | None, on_unknown: str) -> "IntArray":
    """Return the prompt's ids."""
    if file is None:
        return _encoded(model, prompt or "", on_unknown, "--prompt")
    from charlm.corpus.sources import standard_input  # it loads what unpacks files

    data = standard_input().read() if str(file) == "-" else _bytes_of(file)
    if model.vocabulary.unit == "byte":
        return _encoded(model, data, on_unknown, str(file))
    try:
        return _encoded(model, data.decode("utf-8-sig"), on_unknown, str(file))
    except UnicodeDecodeError as error:
        raise CharlmError(f"{file}: is not UTF-8 at byte {error.start:,}; save the prompt as UTF-8") from error


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CharlmError(
            f"--prompt-file: {file} cannot be read: {error.strerror or error}; name a text, or - for standard input"
        ) from error


def _encoded(model: "LanguageModel", text: str | bytes, on_unknown: str, where: str) -> "IntArray":
    if isinstance(text, str) and model.as_in_corpus(text) != text:
        say(f"{one_line(where)}: read as the model's corpus was, with its newlines, case and Unicode form")
    try:
        return model.encode(text, on_unknown)
    except UnknownSymbolError as error:
        error.args = (f"{where}: {error}",)
        raise


def _write(writing: "Writing[str]", raw: bool) -> None:
    """Write the first text as it is made, and the others after it."""
    first, *others = writing.texts
    count, prompt, shown = len(writing.texts), writing.prompt, 0
    _announce(1, count)
    write(prompt, raw, end="")
    try:
        for new, *_ in writing:
            write(new, raw, end="")
            shown += len(new)
    except KeyboardInterrupt:
        write(first.text[shown:], raw, end="")  # what was written since the last pieces
        raise
    _end_line(prompt + first.text)
    for number, text in enumerate(others, 2):
        _announce(number, count)
        write(prompt + text.text, raw, end="")
        _end_line(prompt + text.text)


def _announce(number: int, count: int) -> None:
    """Say which of several texts follows; not on standard output, which has the texts alone."""
    if count > 1:
        say(SEPARATOR.format(number=number, count=count))


def _end_line(text: str) -> None:
    if text and not text.endswith("\n"):
        write("")


def _write_json(writing: "Writing[str]", vocabulary: "Vocabulary", seed: int) -> None:
    """Write a JSON object for each text."""
    for _ in writing:
        pass
    for number, text in enumerate(writing.texts):
        write_json(_document(seed, number, writing.prompt, text, vocabulary))


def _document(seed: int, number: int, prompt: str, text: "Text[str]", vocabulary: "Vocabulary") -> dict[str, Any]:
    return {
        "seed": seed,
        "index": number,
        "prompt": prompt,
        "text": text.text,
        "symbols": _symbols(text.ids, vocabulary),
        "probabilities": [float(f"{probability:.6g}") for probability in text.probabilities],
    }


def _write_items(
    items: Iterator["Text[str]"], wanted: int, prompt: str, as_json: "Vocabulary | None", seed: int, raw: bool
) -> None:
    """Write items one by one, as text or as JSON objects, for which the vocabulary is needed."""
    written = 0
    for text in items:
        if as_json is None:
            write(prompt + text.text, raw, end="")
        else:
            write_json(_document(seed, written, prompt, text, as_json))
        written += 1
    if written < wanted:
        say(
            f"only {written:,} of {wanted:,} items: the others that the model wrote stand in its corpus, are empty, or "
            "did not end within --length characters"
        )


def _symbols(ids: list[int], vocabulary: "Vocabulary") -> list[str] | list[int]:
    """Return the symbols themselves: characters, or the values of bytes."""
    written = [vocabulary.symbols[symbol] for symbol in ids]
    return [ord(symbol) for symbol in written] if vocabulary.unit == "byte" else written
