"""Several models on the same lines: which of them predicts each line best."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace

from charlm.api.language_model import LanguageModel
from charlm.corpus.textlines import Line, TextLines
from charlm.errors import UnknownSymbolError, UsageError
from charlm.insight.surprise import Comparison, LineScore, LineScorer, blocks_of
from charlm.phrases import as_written


def compare_lines(
    models: Sequence[LanguageModel],
    lines: Iterable[str] | Iterable[bytes] | TextLines,
    *,
    context: str = "fresh",
    on_unknown: str = "error",
) -> Iterator[Comparison]:
    """Score each line with several models.

    Parameters
    ----------
    models : sequence of LanguageModel
        At least two, all of characters or all of bytes.
    lines, context, on_unknown
        As for `LanguageModel.score_lines`. The lines that a model has read are put into the form of each model.

    Returns
    -------
    iterator of Comparison
        Each has the `scores`, the place of the `best` model, and its `margin` in bits per character.

    Raises
    ------
    UsageError
        If the models cannot be compared, or for the reasons that `score_lines` has.
    """
    if not isinstance(models, list | tuple) or not all(isinstance(model, LanguageModel) for model in models):
        raise UsageError(f"models: must be a list of models, as `load` returns them, got {as_written(models)}")
    if len(models) < 2:
        raise UsageError("models: at least two are needed for a comparison")
    if len({model.vocabulary.unit for model in models}) > 1:
        raise UsageError("against: bits per character and bits per byte cannot be compared; choose models of one unit")
    with ExitStack() as stack:
        options = {"context": context, "on_unknown": on_unknown}
        scorers = [stack.enter_context(model.line_scorer(**options)) for model in models]
        blocks = (
            lines.blocks(letters_as_written=True)
            if isinstance(lines, TextLines)
            else blocks_of(models[0].as_lines(lines))
        )
        for block in blocks:
            scores = [_scored(block, *of_one) for of_one in zip(scorers, models, strict=True)]
            yield from map(Comparison.of, zip(*scores, strict=True))


def _scored(block: Sequence[Line], scorer: LineScorer, model: LanguageModel) -> list[LineScore]:
    """Score lines in the form of a model's corpus."""
    if model.vocabulary.unit == "char":
        block = [replace(line, text=model.as_in_corpus(line.text)) for line in block]
    try:
        return scorer.score(block)
    except UnknownSymbolError as error:
        error.args = (f"{model.name}: {error}",)
        raise
