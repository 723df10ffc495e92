"""Makes torch.safetensors: what PyTorch computes for small networks, in float64, for charlm to agree with.

Run once, and again only to add a case:

    pip install torch numpy safetensors
    python tests/golden/make_golden.py

Each case is a network over the text `ids`, read by B streams in ten windows of T steps. For the first window, from a
random initial state, the file holds logits, loss, final state and every gradient; for training from a zero state that
is carried from window to window, the losses of the ten steps and the weights after the last.

charlm has one bias a gate, and a second one only where a gate keeps its two products apart (the GRU's n). So elsewhere
PyTorch's second bias is zero here, and its gradient is zeroed, so that it stays zero and does not count in the norm.
Clipping divides by the norm itself; `torch.nn.utils.clip_grad_norm_` adds 1e-6 to it, which is visible at 1e-10.
"""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

torch: Any = import_module("torch")  # no dependency of charlm, so that its types may not be known

T, B, V, H, E = 5, 2, 6, 4, 3
STEPS = 10
KINDS: dict[str, Any] = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
GATES = {"rnn": 1, "gru": 3, "lstm": 4}
SPLIT = {"rnn": 0, "gru": 1, "lstm": 0}  # how many of the gates, the last ones, keep their products apart
CASES: dict[str, dict[str, Any]] = {
    **{f"{cell}-{layers}": {"cell": cell, "num_layers": layers} for cell in KINDS for layers in (1, 2)},
    "lstm-2-embedding": {"cell": "lstm", "num_layers": 2, "embedding_size": E},
    "gru-2-tied": {"cell": "gru", "num_layers": 2, "embedding_size": H, "tie_weights": True},
}
# Names and numbers are those of charlm's configuration; each goes through PyTorch's own optimizer of that name.
TRAININGS: dict[str, dict[str, Any]] = {
    "adam": {"name": "adam", "learning_rate": 0.05, "clip_norm": 0.3},
}
MORE_TRAININGS: dict[str, dict[str, Any]] = {  # of one case
    "adam-unclipped": {"name": "adam", "learning_rate": 0.02, "betas": [0.8, 0.95], "eps": 1e-5, "weight_decay": 0.1},
    "adamw": {"name": "adamw", "learning_rate": 0.05, "weight_decay": 0.2},
    "rmsprop": {"name": "rmsprop", "learning_rate": 0.02, "alpha": 0.9, "weight_decay": 0.01},
    "adagrad": {"name": "adagrad", "learning_rate": 0.2, "weight_decay": 0.01},
    "sgd": {"name": "sgd", "learning_rate": 1.0, "weight_decay": 0.01},
    "sgd-momentum": {"name": "sgd", "learning_rate": 0.5, "momentum": 0.9, "weight_decay": 0.01},
    "sgd-nesterov": {"name": "sgd", "learning_rate": 0.5, "momentum": 0.9, "nesterov": True, "clip_norm": 0.3},
}
MORE_TRAININGS_OF = "lstm-1"
OPTIMIZERS: dict[str, Any] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "sgd": torch.optim.SGD,
}
NO_OPTIONS = {"name", "learning_rate", "clip_norm"}


def network(
    cell: str, num_layers: int, width: int, hidden_size: int, vocabulary_size: int, embedded: bool = False
) -> Any:
    """Return the modules under the names that charlm's checkpoints use."""
    modules = {
        "rnn": KINDS[cell](width, hidden_size, num_layers),
        "decoder": torch.nn.Linear(hidden_size, vocabulary_size),
    }
    if embedded:
        modules["embedding"] = torch.nn.Embedding(vocabulary_size, width)
    return torch.nn.ModuleDict(modules).double()


def run(net: Any, ids: Any, state: Any) -> tuple[Any, Any]:
    """Return the logits (T, B, V) and the state after a window."""
    if "embedding" in net:
        x = net["embedding"](ids)
    else:
        x = torch.nn.functional.one_hot(ids, net["decoder"].out_features).double()
    output, state = net["rnn"](x, state)
    return net["decoder"](output), state


def make(cell: str, num_layers: int, embedding_size: int | None = None, tie_weights: bool = False) -> Any:
    """Return a network of a case, with hooks that keep the second bias zero where charlm has none."""
    net = network(cell, num_layers, embedding_size or V, H, V, embedded=embedding_size is not None)
    if tie_weights:
        net["decoder"].weight = net["embedding"].weight
    summed = (GATES[cell] - SPLIT[cell]) * H
    for name, parameter in net["rnn"].named_parameters():
        if name.startswith("bias_hh"):
            mask = torch.ones_like(parameter)
            mask[:summed] = 0
            parameter.register_hook(lambda gradient, mask=mask: gradient * mask)
            parameter.data *= mask
    return net


def fill(net: Any, rng: np.random.Generator) -> None:
    """Give a network its weights, the second biases included."""
    for parameter in net.parameters():
        parameter.data[...] = torch.from_numpy(rng.normal(0, 0.6, tuple(parameter.shape)))


def zero_second_biases(net: Any, cell: str) -> None:
    """Zero the biases that charlm does not have."""
    for name, parameter in net["rnn"].named_parameters():
        if name.startswith("bias_hh"):
            parameter.data[: (GATES[cell] - SPLIT[cell]) * H] = 0


def loss_of(logits: Any, targets: Any) -> Any:
    """Return the mean cross-entropy in nats."""
    return torch.nn.functional.cross_entropy(logits.reshape(-1, V), targets.reshape(-1))


def as_tuple(state: Any) -> tuple[Any, ...]:
    """Return (h,) or (h, c)."""
    return state if isinstance(state, tuple) else (state,)


def train(net: Any, ids: Any, training: dict[str, Any]) -> list[float]:
    """Return the losses of ten steps of truncated backpropagation through time; the network is changed."""
    options = {key: value for key, value in training.items() if key not in NO_OPTIONS}
    optimizer = OPTIMIZERS[training["name"]](net.parameters(), lr=training["learning_rate"], **options)
    state, losses, limit, clipped = None, [], training.get("clip_norm"), 0
    for start in range(0, STEPS * T, T):
        optimizer.zero_grad()
        logits, state = run(net, ids[start : start + T], state)
        state = state.detach() if not isinstance(state, tuple) else tuple(part.detach() for part in state)
        loss = loss_of(logits, ids[start + 1 : start + T + 1])
        loss.backward()
        norm = torch.sqrt(sum((parameter.grad**2).sum() for parameter in net.parameters()))
        if limit is not None and norm > limit:
            clipped += 1
            for parameter in net.parameters():
                parameter.grad *= limit / norm
        optimizer.step()
        losses.append(loss.item())
    if limit is not None and clipped == 0:
        raise SystemExit("nothing was clipped; choose a lower limit")
    return losses


def case(name: str, options: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return all that is stored of a case, by name."""
    rng = np.random.default_rng(seed)
    net, cell = make(**options), options["cell"]
    fill(net, rng)
    ids = torch.from_numpy(rng.integers(0, V, (STEPS * T + 1, B)))
    shape = (options["num_layers"], B, H)
    states = [torch.from_numpy(rng.normal(0, 0.5, shape)).requires_grad_() for _ in range(1 + (cell == "lstm"))]
    initial = tuple(states) if cell == "lstm" else states[0]
    stored = {
        "ids": ids,
        **{f"two_biases/{key}": value.clone() for key, value in net.state_dict().items() if "bias_" in key},
    }
    stored["two_biases/logits"] = run(net, ids[:T], initial)[0]
    zero_second_biases(net, cell)
    weights = {key: value.clone() for key, value in net.state_dict().items()}
    stored |= {f"weights/{key}": value for key, value in weights.items()}
    logits, final = run(net, ids[:T], initial)
    loss = loss_of(logits, ids[1 : T + 1])
    loss.backward()
    stored |= {"logits": logits, "loss": loss}
    for carried, before, after in zip("hc", states, as_tuple(final), strict=False):
        stored |= {f"initial/{carried}": before, f"final/{carried}": after, f"d_initial/{carried}": before.grad}
    stored |= {f"gradients/{key}": parameter.grad for key, parameter in net.named_parameters(remove_duplicate=False)}
    for training, numbers in {**TRAININGS, **(MORE_TRAININGS if name == MORE_TRAININGS_OF else {})}.items():
        fresh = make(**options)
        fresh.load_state_dict(weights)
        stored[f"losses/{training}"] = torch.tensor(train(fresh, ids, numbers), dtype=torch.float64)
        if name == MORE_TRAININGS_OF:
            stored |= {f"trained/{training}/{key}": value for key, value in fresh.state_dict().items()}
    return {f"{name}/{key}": value.detach().numpy().copy() for key, value in stored.items()}


def main() -> None:
    """Write the file."""
    torch.set_num_threads(1)
    tensors: dict[str, Any] = {}
    for seed, (name, options) in enumerate(CASES.items()):
        tensors |= case(name, options, seed)
    metadata = {
        "torch": torch.__version__,
        "cases": json.dumps(CASES),
        "trainings": json.dumps({**TRAININGS, **MORE_TRAININGS}),
    }
    save_file(tensors, Path(__file__).with_name("torch.safetensors"), metadata)


if __name__ == "__main__":
    main()
