"""Texts read one symbol at a time by a network and its n-gram together."""

from typing import TypeAlias

from charlm.arrays import Array, IntArray
from charlm.inference.stepper import Stepper
from charlm.network.model import Model
from charlm.network.parameters import Parameters
from charlm.ngram.mixture import Mixture


class MixedStepper:
    """N texts read in step, one symbol at a time, by a network and its n-gram; see `Stepper`.

    Parameters
    ----------
    network : Stepper
        The network.
    mixture : Mixture
        The n-gram and how it is added.
    count : int
        N.
    """

    def __init__(self, network: Stepper, mixture: Mixture, count: int) -> None:
        self._network, self._mixture, self._reader = network, mixture, mixture.reader(count)

    def restart(self) -> None:
        """Forget what was read."""
        self._network.restart()
        self._reader.restart()

    @property
    def state(self) -> tuple[list[Array], IntArray]:
        """What is remembered of what was read, for `go_back`."""
        return self._network.state, self._reader.state

    def go_back(self, state: tuple[list[Array], IntArray]) -> None:
        """Remember what was remembered at another place."""
        self._network.go_back(state[0])
        self._reader.go_back(state[1])

    def read(self, ids: IntArray) -> Array:
        """Let both see one symbol in each text; return the logits of what comes next, (N, V)."""
        logits = self._network.read(ids)
        if len(ids) == 1:
            log_p, kind = self._reader.read_one(int(ids[0]))
            self._mixture.mix(logits[0], log_p, kind)
        else:
            expected, contexts = self._reader.read(ids[None])
            self._mixture.mix(logits, expected[0], contexts[0])
        return logits


AnyStepper: TypeAlias = Stepper | MixedStepper


def stepper(model: Model, parameters: Parameters, count: int, mixture: Mixture | None) -> AnyStepper:
    """Return what reads N texts in step: the network, with its n-gram if it has one."""
    network = Stepper(model, parameters, count)
    return network if mixture is None else MixedStepper(network, mixture, count)
