"""Facts about PyTorch: charlm computes the same in float64 to ten digits, and weights move both ways.

PyTorch's results are in golden/torch.safetensors, which golden/make_golden.py made; only the last tests need PyTorch
itself, and are skipped without it.
"""

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open

from charlm.arrays import Array, IntArray
from charlm.corpus.vocabulary import Vocabulary
from charlm.files import modelfile
from charlm.network.architecture import Architecture, State
from charlm.training.optimizers import RULES
from tests.networks import PLAN, Network, Training, arrays_of, assert_close

GOLDEN = Path(__file__).parent.parent / "golden" / "torch.safetensors"
AGREEMENT = 1e-10

with safe_open(GOLDEN, "np") as file:
    METADATA: dict[str, str] = file.metadata()
    TENSORS: dict[str, Array] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
CASES: dict[str, dict[str, Any]] = json.loads(METADATA["cases"])
TRAININGS: dict[str, dict[str, Any]] = json.loads(METADATA["trainings"])
RUNS = sorted(tuple(name.split("/losses/")) for name in TENSORS if "/losses/" in name)
every_case = pytest.mark.parametrize("case", CASES)


def golden(case: str, kind: str) -> dict[str, Array]:
    """Return the arrays that the golden file has for a case under a heading, by name."""
    prefix = f"{case}/{kind}/"
    return {name.removeprefix(prefix): array for name, array in TENSORS.items() if name.startswith(prefix)}


def architecture(case: str) -> Architecture:
    V, H = TENSORS[f"{case}/weights/decoder.weight"].shape
    return Architecture(vocabulary_size=V, hidden_size=H, dtype="float64", **CASES[case])


def network(case: str, tensors: dict[str, Array] | None = None) -> Network:
    net = Network(architecture(case))
    weights = modelfile.from_tensors(net.model.architecture, golden(case, "weights") if tensors is None else tensors)
    net.parameters.flat[...] = weights.flat
    return net


def state_of(case: str, kind: str) -> State:
    arrays = golden(case, kind)
    layers = CASES[case]["num_layers"]
    return tuple(tuple(arrays[name][layer] for name in ("h", "c") if name in arrays) for layer in range(layers))


def window(case: str) -> tuple[IntArray, IntArray]:
    ids = TENSORS[f"{case}/ids"].astype(np.int32)
    T = TENSORS[f"{case}/logits"].shape[0]
    return ids[:T], ids[1 : T + 1]


@every_case
def test_logits_loss_and_states_agree_with_pytorch(case):
    net = network(case)
    inputs, targets = window(case)
    result = net.learn(inputs, targets, state_of(case, "initial"))
    assert_close(result.logits, TENSORS[f"{case}/logits"], AGREEMENT)
    assert abs(result.loss / inputs.size - float(TENSORS[f"{case}/loss"])) < AGREEMENT
    for array, expected in zip(arrays_of(result.state), arrays_of(state_of(case, "final")), strict=True):
        assert_close(array, expected, AGREEMENT)


@every_case
def test_every_gradient_agrees_with_pytorch(case):
    net = network(case)
    result = net.learn(*window(case), state_of(case, "initial"))
    expected = golden(case, "gradients")
    gradients = modelfile.to_tensors(net.model.architecture, result.gradients)
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        assert_close(gradient, expected[name], AGREEMENT)
    for array, other in zip(arrays_of(result.d_initial), arrays_of(state_of(case, "d_initial")), strict=True):
        assert_close(array, other, AGREEMENT)


@pytest.mark.parametrize(("case", "training"), RUNS)
def test_ten_steps_of_training_agree_with_pytorch(case, training):
    numbers = dict(TRAININGS[training])
    name, rate, clip_norm = numbers.pop("name"), numbers.pop("learning_rate"), numbers.pop("clip_norm", None)
    if "betas" in numbers:
        numbers["betas"] = tuple(numbers["betas"])
    if name == "adagrad":
        numbers.setdefault("eps", 1e-10)  # PyTorch's default for this rule alone
    net = network(case)
    inputs, _ = window(case)
    plan = replace(PLAN, total_steps=10, learning_rate=rate, clip_norm=clip_norm)
    ids = TENSORS[f"{case}/ids"].astype(np.int32)
    run = Training(net, ids, len(inputs), plan=plan, rule=RULES[name](**numbers))
    with run as trainer:
        progress = list(trainer.run())
    expected = TENSORS[f"{case}/losses/{training}"]
    np.testing.assert_allclose([p.loss for p in progress], expected, rtol=0, atol=AGREEMENT)
    assert len(set(expected)) == 10
    if clip_norm is not None:
        assert any(p.grad_norm > clip_norm for p in progress)
    trained = golden(case, f"trained/{training}")
    for tensor, array in modelfile.to_tensors(net.model.architecture, net.parameters).items() if trained else ():
        assert_close(array, trained[tensor], AGREEMENT)


def test_every_cell_and_every_rule_was_trained_in_pytorch():
    assert {CASES[case]["cell"] for case, _ in RUNS} == {"rnn", "gru", "lstm"}
    assert {TRAININGS[training]["name"] for _, training in RUNS} == {"adam", "adamw", "rmsprop", "adagrad", "sgd"}
    assert {case for case, _ in RUNS} == set(CASES)


@every_case
def test_weights_with_two_biases_from_pytorch_compute_the_same(case):
    tensors = golden(case, "weights") | {
        name: array for name, array in golden(case, "two_biases").items() if name != "logits"
    }
    assert all((tensors[f"rnn.bias_hh_l{layer}"] != 0).all() for layer in range(CASES[case]["num_layers"]))
    logits, _ = network(case, tensors).read(window(case)[0], state_of(case, "initial"))
    assert_close(logits, TENSORS[f"{case}/two_biases/logits"], AGREEMENT)


@every_case
def test_a_checkpoint_has_the_names_shapes_and_types_of_pytorchs_state_dict(case):
    net = network(case)
    tensors = modelfile.to_tensors(net.model.architecture, net.parameters)
    expected = golden(case, "weights")
    assert {name: (array.shape, array.dtype) for name, array in tensors.items()} == {
        name: (array.shape, array.dtype) for name, array in expected.items()
    }
    for name, array in tensors.items():
        np.testing.assert_array_equal(array, expected[name])


@every_case
def test_weights_that_go_out_and_come_back_are_the_same_to_the_last_bit(case):
    net = network(case)
    back = modelfile.from_tensors(net.model.architecture, modelfile.to_tensors(net.model.architecture, net.parameters))
    np.testing.assert_array_equal(back.flat, net.parameters.flat)


@pytest.mark.parametrize("change", ["missing", "shape", "type"])
def test_a_tensor_that_does_not_fit_is_refused_by_name(change):
    net = network("lstm-2")
    tensors = dict(golden("lstm-2", "weights"))
    name = "rnn.bias_hh_l1"
    spoil = {
        "missing": lambda: tensors.pop(name),
        "shape": lambda: tensors.update({name: tensors[name][:-1]}),
        "type": lambda: tensors.update({name: tensors[name].astype(np.float32)}),
    }
    spoil[change]()
    with pytest.raises(ValueError, match=r"the tensor rnn\.bias_hh_l1 is"):
        modelfile.from_tensors(net.model.architecture, tensors)


def test_the_golden_file_is_small_and_says_who_made_it():
    assert GOLDEN.stat().st_size < 100_000
    assert METADATA["torch"].startswith("2.")


# With PyTorch itself


@pytest.fixture(scope="module")
def torch():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what an installation of PyTorch minds about its surroundings
        return pytest.importorskip("torch", reason="PyTorch is not installed; the golden file stands in for it")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_case
def test_a_checkpoint_loads_into_pytorch_by_name(torch, case, dtype, tmp_path):
    shape = replace(architecture(case), dtype=dtype)
    net = Network(shape)
    modelfile.save(tmp_path / "model.safetensors", net.model.architecture, net.parameters, Vocabulary.of("abcdef"), {})
    with safe_open(tmp_path / "model.safetensors", "np") as file:
        tensors = {name: torch.from_numpy(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    kinds = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
    modules = {
        "rnn": kinds[shape.cell](shape.embedding_size or shape.vocabulary_size, shape.hidden_size, shape.num_layers),
        "decoder": torch.nn.Linear(shape.hidden_size, shape.vocabulary_size),
    }
    if shape.embedding_size is not None:
        modules["embedding"] = torch.nn.Embedding(shape.vocabulary_size, shape.embedding_size)
    nets = torch.nn.ModuleDict(modules).to(getattr(torch, dtype))
    nets.load_state_dict(tensors)  # strict: no name may be missing and none left over
    inputs, _ = window(case)
    ids = torch.from_numpy(inputs).long()
    one_hot = torch.nn.functional.one_hot(ids, shape.vocabulary_size).to(getattr(torch, dtype))
    output, _ = nets["rnn"](nets["embedding"](ids) if "embedding" in nets else one_hot)
    logits, _ = net.read(inputs, net.model.architecture.zero_state(inputs.shape[1]))
    assert_close(logits, nets["decoder"](output).detach().numpy(), 1e-5 if dtype == "float32" else AGREEMENT)


@every_case
def test_pytorchs_weights_load_into_charlm_by_name(torch, case):
    shape = architecture(case)
    kinds = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
    modules = {
        "rnn": kinds[shape.cell](shape.embedding_size or shape.vocabulary_size, shape.hidden_size, shape.num_layers),
        "decoder": torch.nn.Linear(shape.hidden_size, shape.vocabulary_size),
    }
    if shape.embedding_size is not None:
        modules["embedding"] = torch.nn.Embedding(shape.vocabulary_size, shape.embedding_size)
    if shape.tie_weights:
        modules["decoder"].weight = modules["embedding"].weight
    nets = torch.nn.ModuleDict(modules).double()
    net = network(case, {name: tensor.numpy() for name, tensor in nets.state_dict().items()})
    inputs, _ = window(case)
    ids = torch.from_numpy(inputs).long()
    one_hot = torch.nn.functional.one_hot(ids, shape.vocabulary_size).double()
    output, _ = nets["rnn"](nets["embedding"](ids) if "embedding" in nets else one_hot)
    logits, _ = net.read(inputs, net.model.architecture.zero_state(inputs.shape[1]))
    assert_close(logits, nets["decoder"](output).detach().numpy(), AGREEMENT)
