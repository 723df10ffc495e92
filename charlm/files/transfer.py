"""Starting from trained weights on another text: what was learnt of a character goes to that character's new place."""

from pathlib import Path

from charlm.corpus.vocabulary import Vocabulary
from charlm.errors import ConfigError
from charlm.files.modelfile import Saved
from charlm.network.architecture import Architecture
from charlm.network.parameters import Parameters

MUST_AGREE = ("cell", "hidden_size", "num_layers", "embedding_size", "tie_weights", "dtype")
SHOWN = 12  # characters named in a note


def take_over(
    saved: Saved, architecture: Architecture, parameters: Parameters, vocabulary: Vocabulary, source: Path
) -> list[str]:
    """Copy trained weights into a new model's, the rows of the vocabulary matched by character.

    Parameters
    ----------
    saved : Saved
        The trained model.
    architecture, parameters, vocabulary
        The new one; `parameters` are fresh, and stay so where a character is new.
    source : Path
        Where the trained model came from, for messages.

    Returns
    -------
    list of str
        What was matched, what is new, what was dropped, and an n-gram that stays behind.

    Raises
    ------
    ConfigError
        If the two architectures differ in more than the vocabulary; every difference is named.
    """
    old, new = saved.architecture, architecture
    differences = [
        f"model.{name} is {getattr(new, name)!r} here and {getattr(old, name)!r} in {source}; use the latter"
        for name in MUST_AGREE
        if getattr(old, name) != getattr(new, name)
    ]
    if saved.vocabulary.unit != vocabulary.unit:
        differences.append(
            f"corpus.unit is {vocabulary.unit!r} here and {saved.vocabulary.unit!r} in {source}; use the latter"
        )
    if differences:
        raise ConfigError(*differences)
    known = {symbol: index for index, symbol in enumerate(saved.vocabulary.symbols)}
    here = [index for index, symbol in enumerate(vocabulary.symbols) if symbol in known]
    there = [known[vocabulary.symbols[index]] for index in here]
    one_hot = "rnn.weight_ih_l0" if new.embedding_size is None else None
    for name, array in parameters.items():
        trained = saved.parameters[name]
        if name == one_hot:
            array[:, here] = trained[:, there]
        elif name.startswith(("embedding", "decoder")):
            array[here] = trained[there]
        else:
            array[...] = trained
    fresh = [symbol for symbol in vocabulary.symbols if symbol not in known]
    dropped = [symbol for symbol in saved.vocabulary.symbols if vocabulary.id_of(symbol) is None]
    notes = [f"weights from {source}: {len(here)} of {len(vocabulary)} symbols known"]
    if fresh:
        notes.append(f"new symbols, initialised: {_named(fresh, vocabulary.unit)}")
    if dropped:
        notes.append(f"dropped, as this corpus lacks them: {_named(dropped, vocabulary.unit)}")
    if saved.mixture is not None:
        order = saved.mixture.ngram.order
        notes.append(f"not its {order}-gram: an n-gram counts the text of its own run, where model.ngram asks for one")
    return notes


def _named(symbols: list[str], unit: str) -> str:
    shown = [repr(symbol) if unit == "char" else f"0x{ord(symbol):02X}" for symbol in symbols[:SHOWN]]
    more = f" and {len(symbols) - SHOWN} more" if len(symbols) > SHOWN else ""
    return " ".join(shown) + more
