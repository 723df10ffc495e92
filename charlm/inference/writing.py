"""Some texts while one model writes them, for whoever wants to see them grow."""

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import AnyStr, Generic

from charlm.inference.sampler import Drawn
from charlm.inference.text import Text
from charlm.workers.blas import blas_threads
from charlm.workers.team import Team

GLANCE = 0.02  # seconds between two looks at a growing text: stopping for every character would take time


class Writing(Generic[AnyStr]):
    """Texts that grow while this is iterated over; each item is what they have grown by since the last one.

    Products use one thread while symbols are drawn, and as many as before while the caller has the pieces.

    Parameters
    ----------
    prompt : str or bytes
        What the texts go on from, as the model has read it.
    drawn : iterator of Drawn
        The symbols of N texts.
    texts : sequence of Text
        The N texts.
    team : Team
        The threads that draw them, ended with the iteration.
    probabilities : bool
        Whether to note every symbol's probability.

    Attributes
    ----------
    prompt, texts
        The arguments.
    """

    def __init__(
        self, prompt: AnyStr, drawn: Iterator[Drawn], texts: Sequence[Text[AnyStr]], team: Team, probabilities: bool
    ) -> None:
        self.prompt: AnyStr = prompt
        self.texts: Sequence[Text[AnyStr]] = texts
        self._drawn, self._team, self._probabilities = drawn, team, probabilities

    def __iter__(self) -> Iterator[list[AnyStr]]:
        """Write on, and yield a list of N pieces every few hundredths of a second."""
        try:
            more = True
            while more:
                pieces: list[list[AnyStr]] = [[] for _ in self.texts]
                with blas_threads(1):
                    more = self._write_on(pieces)
                if not more:
                    for text, new in zip(self.texts, pieces, strict=True):
                        new.append(text.finish())
                yield [self.prompt[:0].join(new) for new in pieces]
        finally:
            self._team.close()

    def _write_on(self, pieces: list[list[AnyStr]]) -> bool:
        """Write for a moment; return whether there is more to write."""
        until = perf_counter() + GLANCE
        for step in self._drawn:
            if self._probabilities:
                self._note_probabilities(step)
            for text, new, symbol in zip(self.texts, pieces, step.ids.tolist(), strict=True):
                new.append(text.add(symbol))
            if all(text.done for text in self.texts):
                return False
            if perf_counter() > until:
                return True
        return False

    def _note_probabilities(self, step: Drawn) -> None:
        for text, probability in zip(self.texts, step.probabilities().tolist(), strict=True):
            if not text.done:
                text.probabilities.append(probability)
