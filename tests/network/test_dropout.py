"""Facts about dropout: rates, expectations, what locking means, and masks that no split of the batch changes."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.network.architecture import Architecture
from charlm.network.regularisers.dropout import Dropout, Mask
from tests.networks import FRESH, KERNELS, LOCKED, Network, assert_close

every_type = pytest.mark.parametrize("dtype", ["float32", "float64"])


def drawn(
    rate: float, steps: int, B: int, width: int, *, place: int = 0, first_stream: int = 0, seed: int = 1, step: int = 0,
    dtype: str = "float32",
):  # fmt: skip
    mask = Mask(place, rate, steps, B, width, first_stream, dtype)
    mask.draw(seed, step)
    return mask.values


@every_type
@pytest.mark.parametrize("rate", [0.01, 0.2, 0.5, 0.9])
def test_units_are_dropped_at_the_rate_and_the_others_scaled_up(rate, dtype):
    values = drawn(rate, 50, 40, 100, dtype=dtype)
    assert values.dtype == dtype
    count = values.size
    assert abs((values == 0).mean() - rate) < 5 * (rate * (1 - rate) / count) ** 0.5
    np.testing.assert_allclose(values[values != 0], 1 / (1 - rate), rtol=1e-6)
    assert abs(values.mean() - 1) < 5 * (rate / (1 - rate) / count) ** 0.5


@every_type
def test_what_is_expected_of_a_dropped_out_vector_is_the_vector(dtype):
    x = np.linspace(-2, 2, 30).astype(dtype)
    rate, draws = 0.3, 4000
    mean = (drawn(rate, draws, 1, 30, dtype=dtype) * x).mean(axis=(0, 1))
    deviation = np.abs(x) * (rate / (1 - rate) / draws) ** 0.5
    assert (np.abs(mean - x) <= 5 * deviation + 1e-6).all()


def test_units_are_dropped_independently_of_their_neighbours():
    dropped = (drawn(0.5, 60, 40, 50) == 0).astype(float) - 0.5
    for along in (dropped[1:] * dropped[:-1], dropped[:, 1:] * dropped[:, :-1], dropped[..., 1:] * dropped[..., :-1]):
        assert abs(along.mean() / 0.25) < 5 / along.size**0.5


def test_equal_seeds_and_steps_draw_equal_masks_and_others_others():
    base = drawn(0.5, 6, 4, 20)
    np.testing.assert_array_equal(drawn(0.5, 6, 4, 20), base)
    for other in (
        drawn(0.5, 6, 4, 20, seed=2),
        drawn(0.5, 6, 4, 20, step=1),
        drawn(0.5, 6, 4, 20, place=1),
        drawn(0.5, 6, 4, 20, first_stream=4),
    ):
        agreement = np.mean(other == base)
        assert 0.35 < agreement < 0.65


def test_a_mask_is_drawn_whole_every_time():
    mask = Mask(0, 0.5, 6, 4, 20, 0, "float32")
    mask.draw(1, 5)
    mask.draw(1, 0)
    np.testing.assert_array_equal(mask.values, drawn(0.5, 6, 4, 20))


@settings(max_examples=60)
@given(
    B=st.integers(1, 9),
    cuts=st.sets(st.integers(1, 8)),
    steps=st.integers(1, 7),
    width=st.integers(1, 19),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_a_batch_has_the_same_masks_however_it_is_split(B, cuts, steps, width, dtype):
    whole = drawn(0.4, steps, B, width, dtype=dtype, step=3)
    edges = [0, *sorted(cut for cut in cuts if cut < B), B]
    shares = [
        drawn(0.4, steps, stop - start, width, first_stream=start, dtype=dtype, step=3)
        for start, stop in pairwise(edges)
    ]
    np.testing.assert_array_equal(np.concatenate(shares, axis=1), whole)


def test_streams_have_masks_of_their_own():
    values = drawn(0.5, 8, 6, 33)
    for one in range(6):
        for other in range(one):
            assert 0.3 < np.mean(values[:, one] == values[:, other]) < 0.7


def test_rates_stand_before_between_and_after_the_layers():
    dropout = Dropout(input=0.1, between=0.2, output=0.3)
    assert dropout.rates(1) == (0.1, 0.3)
    assert dropout.rates(3) == (0.1, 0.2, 0.2, 0.3)


def workspace_of(dropout: Dropout, T: int = 6, B: int = 3, embedding_size: int | None = 5):
    net = Network(Architecture("lstm", 7, 4, 2, embedding_size, dtype="float64"), dropout=dropout)
    workspace = net.model.workspace(T, B, dropout)
    for mask in workspace.masks:
        if mask is not None:
            mask.draw(1, 0)
    return net, workspace


def test_a_locked_mask_is_one_for_all_steps_of_a_window_and_a_fresh_one_changes_with_every_step():
    for dropout, steps in ((LOCKED, 1), (FRESH, 6)):
        net, workspace = workspace_of(dropout)
        assert [mask.values.shape for mask in workspace.masks if mask is not None] == [
            (steps, 3, 5),
            (steps, 3, 4),
            (steps, 3, 4),
        ]
        net.model.forward(net.parameters, net.prepared(), workspace, net.ids(6, 3), net.state(3))
        for place in (1, 2):
            entered, left = workspace.outputs[place - 1], workspace.loops[place - 1].after[0]
            dropped = entered == 0
            assert 0 < dropped.mean() < 1
            assert (left != 0).all()
            assert (dropped == dropped[0]).all() == (dropout is LOCKED)


def test_a_locked_mask_changes_from_window_to_window():
    _, workspace = workspace_of(LOCKED)
    mask = workspace.masks[1]
    assert mask is not None
    patterns = set()
    for step in range(8):
        mask.draw(1, step)
        patterns.add(mask.values.tobytes())
    assert len(patterns) > 4


def test_a_rate_of_zero_draws_no_mask():
    _, workspace = workspace_of(Dropout(between=0.5))
    assert [mask is None for mask in workspace.masks] == [True, False, True]


def test_a_one_hot_symbol_is_dropped_as_a_whole():
    _, fresh = workspace_of(FRESH, embedding_size=None)
    _, locked = workspace_of(LOCKED, embedding_size=None)
    assert fresh.masks[0] is not None
    assert locked.masks[0] is not None
    assert fresh.masks[0].values.shape == (6, 3, 1)  # each symbol read is there or not
    assert locked.masks[0].values.shape == (1, 3, 7)  # each symbol of the vocabulary is there or not, all window long


def test_recurrent_connections_are_never_dropped():
    """The state carried from step to step is never masked: only what enters the layer above is."""
    net, workspace = workspace_of(FRESH)
    net.model.forward(net.parameters, net.prepared(), workspace, net.ids(6, 3), net.state(3))
    for loop in workspace.loops:
        for before, after in zip(loop.before, loop.after, strict=True):
            np.testing.assert_array_equal(before[1:], after[:-1])
            assert (after != 0).all()


@pytest.mark.parametrize(("kernels", "dtype"), KERNELS)
@pytest.mark.parametrize("dropout", [FRESH, LOCKED], ids=["fresh", "locked"])
@pytest.mark.parametrize("embedding_size", [None, 5])
def test_reading_without_training_drops_nothing(embedding_size, dropout, kernels, dtype):
    architecture = Architecture("gru", 7, 4, 2, embedding_size, dtype=dtype)
    with_rates, without = (
        Network(architecture, kernels=kernels, dropout=dropout),
        Network(architecture, kernels=kernels),
    )
    inputs, initial = with_rates.ids(6, 3), with_rates.state(3)
    np.testing.assert_array_equal(with_rates.read(inputs, initial)[0], without.read(inputs, initial)[0])
    trained = with_rates.learn(inputs, inputs, initial).logits
    assert np.abs(trained - without.read(inputs, initial)[0]).max() > 0.01


@pytest.mark.parametrize("locked", [False, True])
@pytest.mark.parametrize("embedding_size", [None, 5])
def test_a_rate_next_to_zero_is_next_to_no_dropout(embedding_size, locked):
    """The paths of every layer with and without dropout compute the same when the mask drops nothing."""
    architecture = Architecture("lstm", 7, 4, 3, embedding_size, dtype="float64")
    tiny = 1e-12
    dropped = Network(architecture, dropout=Dropout(tiny, tiny, tiny, locked))
    plain = Network(architecture)
    inputs, targets, initial = plain.ids(6, 3), plain.ids(6, 3, seed=9), plain.state(3)
    result, expected = dropped.learn(inputs, targets, initial), plain.learn(inputs, targets, initial)
    assert_close(result.logits, expected.logits, 1e-10)
    for name, gradient in expected.gradients.items():
        assert_close(result.gradients[name], gradient, 1e-10)
