"""A network as an ONNX graph that reads one symbol: symbols and states in, log-probabilities and states out.

    x_hat = x W_ih^T + b_ih,    h_hat = h' W_hh^T + b_hh        of every layer, one after the other
    h (and c) = the cell's own equations of these
    log p = log softmax(h W^T + b)

The equations of a cell are not written a second time: its function is called with nodes in place of arrays.
"""

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

import numpy as np

from charlm.arrays import Array
from charlm.errors import CharlmError
from charlm.files.modelfile import to_tensors
from charlm.network.architecture import Architecture

OPSET, IR_VERSION = 17, 8  # of 2022: what every onnxruntime since 1.13 reads
LARGEST = 2_000_000_000  # bytes; a file of Protocol Buffers ends at 2 GiB


class _Node:
    """A value of the graph; arithmetic on it adds nodes."""

    def __init__(self, graph: "_Graph", name: str) -> None:
        self.graph, self.name = graph, name

    def __add__(self, other: "_Node") -> "_Node":
        return self.graph.add("Add", self, other)

    def __sub__(self, other: "_Node") -> "_Node":
        return self.graph.add("Sub", self, other)

    def __mul__(self, other: "_Node") -> "_Node":
        return self.graph.add("Mul", self, other)

    def __truediv__(self, other: "_Node") -> "_Node":
        return self.graph.add("Div", self, other)

    def __matmul__(self, other: "_Node") -> "_Node":
        return self.graph.add("MatMul", self, other)


class _Graph:
    """The nodes and the constants of a graph."""

    def __init__(self, onnx: Any) -> None:
        self._onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: Array) -> _Node:
        self.constants.append(self._onnx.numpy_helper.from_array(np.asarray(value, order="C"), name))
        return _Node(self, name)

    def add(self, operator: str, *inputs: _Node, name: str | None = None, **attributes: Any) -> _Node:
        return self.split(operator, *inputs, names=[name or f"v{len(self.nodes)}"], **attributes)[0]

    def split(self, operator: str, *inputs: _Node, names: list[str], **attributes: Any) -> list[_Node]:
        """Add a node with several outputs."""
        operands = [value.name for value in inputs]
        self.nodes.append(self._onnx.helper.make_node(operator, operands, names, **attributes))
        return [_Node(self, name) for name in names]


def onnx_step(architecture: Architecture, parameters: Mapping[str, Array], description: Mapping[str, str]) -> bytes:
    """Return the file of an ONNX graph.

    Its inputs are ``ids`` (B,), int64, and for each array of the state, ``h`` or ``h`` and ``c``, one of shape
    (L, B, H), zeros where a text begins. Its outputs are ``log_probabilities`` (B, V) of what follows each symbol, and
    ``h_after`` (and ``c_after``), the next step's inputs. Where the symbol starts a line, in a model of lines, the
    graph itself sets the state to zero.

    Parameters
    ----------
    architecture, parameters
        The network: L layers of H units.
    description : mapping of str to str
        Kept in the file's metadata.

    Raises
    ------
    CharlmError
        If the package `onnx` does not import, or the weights are too large for a file.
    """
    try:
        import onnx
    except ImportError as error:
        raise CharlmError(
            f"ONNX needs the package onnx, which does not import ({error}); install it: `pip install 'charlm[onnx]'`"
        ) from error
    if (size := sum(array.nbytes for array in parameters.values())) > LARGEST:
        raise CharlmError(f"an ONNX file holds at most 2 GB, and the weights have {size:,} bytes")
    a, helper = architecture, onnx.helper
    graph = _Graph(onnx)
    _network(graph, a, parameters)
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(a.dtype))
    state: list[str | int | None] = [a.num_layers, "B", a.hidden_size]
    carried = a.equations.carried
    value = helper.make_tensor_value_info
    inputs = [value("ids", onnx.TensorProto.INT64, ["B"]), *(value(name, kind, state) for name in carried)]
    outputs = [
        value("log_probabilities", kind, ["B", a.vocabulary_size]),
        *(value(f"{name}_after", kind, state) for name in carried),
    ]
    made = helper.make_graph(graph.nodes, "step", inputs, outputs, graph.constants)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(made, opset_imports=opsets, ir_version=IR_VERSION, producer_name="charlm")
    helper.set_model_props(model, dict(description))
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _network(graph: _Graph, architecture: Architecture, parameters: Mapping[str, Array]) -> None:
    """Add the nodes of a network."""
    a, cell = architecture, architecture.equations
    tensors = to_tensors(a, parameters)
    ids = _Node(graph, "ids")
    before = _states(graph, a, ids)
    after: list[list[_Node]] = []
    h: _Node | None = None  # the output of the layer below
    for layer in range(a.num_layers):
        w_x, w_h, b_x, b_h = (
            graph.constant(f"{name}_l{layer}", tensors[f"rnn.{name}_l{layer}"].T)
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        if h is not None:
            x_hat = h @ w_x
        elif a.embedding_size is None:
            x_hat = graph.add("Gather", w_x, ids)  # the product with a one-hot vector
        else:
            embedding = graph.constant("embedding", tensors["embedding.weight"])
            x_hat = graph.add("Gather", embedding, ids) @ w_x
        x = _by_gate(graph, x_hat + b_x, f"x{layer}", len(cell.gates))
        h_hat = _by_gate(graph, before[layer][0] @ w_h + b_h, f"h{layer}", len(cell.gates))
        summed = [x[k] + h_hat[k] for k in range(cell.summed)]
        results = _equations(graph, cell.forward)(*summed, *x[cell.summed :], *h_hat[cell.summed :], *before[layer])
        after.append(list(results[-len(cell.carried) :]))
        h = after[-1][0]
    assert h is not None
    logits = h @ graph.constant("decoder", tensors["decoder.weight"].T)
    logits = logits + graph.constant("decoder_bias", tensors["decoder.bias"])
    graph.add("LogSoftmax", logits, axis=-1, name="log_probabilities")
    first = graph.constant("first_axis", np.array([0]))
    for k, name in enumerate(cell.carried):
        rows = [graph.add("Unsqueeze", layer[k], first) for layer in after]
        graph.add("Concat", *rows, axis=0, name=f"{name}_after")


def _states(graph: _Graph, architecture: Architecture, ids: _Node) -> list[list[_Node]]:
    """Return the states before the step, each (B, H), by layer; zero where a line starts."""
    a = architecture
    states = [_Node(graph, name) for name in a.equations.carried]
    if a.start_symbol is not None:
        starts = graph.add("Equal", ids, graph.constant("start_symbol", np.array(a.start_symbol)))
        kind = graph.constant("one", np.ones((), a.dtype))
        keep = graph.add("CastLike", graph.add("Not", starts), kind)
        column = graph.add("Unsqueeze", keep, graph.constant("last_axis", np.array([1])))
        states = [state * column for state in states]
    places = [graph.constant(f"layer{layer}", np.array(layer)) for layer in range(a.num_layers)]
    return [[graph.add("Gather", state, place) for state in states] for place in places]


def _by_gate(graph: _Graph, values: _Node, name: str, gates: int) -> list[_Node]:
    return graph.split("Split", values, names=[f"{name}_{gate}" for gate in range(gates)], axis=1)


def _equations(graph: _Graph, forward: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[_Node, ...]]:
    """Return a cell's function with nodes for what the functions of `charlm.activations` return."""
    names = {"sigmoid": lambda x: graph.add("Sigmoid", x), "tanh": lambda x: graph.add("Tanh", x)}
    return FunctionType(forward.__code__, names, forward.__name__)
