"""How symbols enter the first layer, as one-hot vectors or through an embedding, with dropout; forward and backward.

    x     = one-hot(symbol)   or   embedding[symbol]
    x_hat = W_x (mask x) + b

A product with a one-hot vector is a row of W_x^T, and where nothing is dropped x_hat is the same for every occurrence
of a symbol. So x_hat is looked up where that is possible, and its gradient is summed by symbol.
"""

import numpy as np

from charlm.arrays import OVERFLOW, Array, IntArray
from charlm.network.backend import Backend
from charlm.network.parameters import Parameters
from charlm.network.products import RowBlock, bias_gradient, input_gradient, project, rows, sum_rows
from charlm.network.recurrence import LayerWeights, Symbols
from charlm.network.regularisers.dropout import Mask
from charlm.network.workspace import Workspace


@np.errstate(**OVERFLOW)
def fill_table(parameters: Parameters, table: Array, share: int = 0, shares: int = 1) -> None:
    """Write x_hat of every symbol without dropout, (V, G H), or one of several threads' share of the symbols."""
    mine = slice(len(table) * share // shares, len(table) * (share + 1) // shares)
    weight, _, bias, _ = LayerWeights.of(parameters, 0)
    if "embedding.weight" in parameters:
        np.matmul(parameters["embedding.weight"][mine], weight.T, out=table[mine])
        table[mine] += bias
    else:
        np.add(weight.T[mine], bias, out=table[mine])


def enter(parameters: Parameters, table: Array, workspace: Workspace, ids: IntArray) -> Symbols | None:
    """Return symbols, (T, B), as the first layer's input, or, under dropout, write its x_hat and return None."""
    mask, x, x_hat = workspace.masks[0], workspace.embedded, workspace.loops[0].x_hat
    if mask is None:
        return Symbols(table, ids)
    weight, _, bias, _ = LayerWeights.of(parameters, 0)
    if x is not None:
        np.take(parameters["embedding.weight"], ids, axis=0, out=x, mode="clip")
        x *= mask.values
        project(x_hat, rows(x), weight, bias)
        return None
    factors = _factors(mask, ids)
    for block_rows, values in x_hat:
        np.take(weight[block_rows].T, ids.reshape(-1), axis=0, out=values, mode="clip")
        values *= factors
        values += bias[block_rows]
    return None


def gradients(parameters: Parameters, backend: Backend, workspace: Workspace, ids: IntArray) -> None:
    """Write the gradients of the first layer's W_x and b and of the embedding, given that of x_hat in its loop.

    Where the read-out shares the embedding's matrix, its gradient must be there already: it is added to.
    """
    g, mask, x, d_x_hat = workspace.gradients, workspace.masks[0], workspace.embedded, workspace.loops[0].x_hat
    weight, (d_weight, _, d_bias, _) = LayerWeights.of(parameters, 0).weight_ih, LayerWeights.of(g, 0)
    symbols = ids.reshape(-1)
    if mask is not None:
        bias_gradient(d_x_hat, d_bias)
    if mask is not None and x is not None:
        workspace.weight_gradient(d_x_hat, rows(x), d_weight)
        input_gradient(d_x_hat, weight, rows(x))
        x *= mask.values
        d_embedding = np.empty_like(parameters["embedding.weight"])
        backend.sum_by_symbol([RowBlock(slice(None), rows(x))], symbols, d_embedding)
        add_embedding_gradient(g, d_embedding)
        return
    if mask is not None:
        factors = _factors(mask, ids)
        for _, values in d_x_hat:
            values *= factors
    d_table = workspace.d_table
    backend.sum_by_symbol(d_x_hat, symbols, d_table)
    if mask is None:
        sum_rows(d_table, d_bias)
    if "embedding.weight" in parameters:
        np.matmul(d_table.T, parameters["embedding.weight"], out=d_weight)
        add_embedding_gradient(g, d_table @ weight)
    else:
        d_weight[...] = d_table.T


def add_embedding_gradient(gradients: Parameters, d_embedding: Array) -> None:
    """Store the embedding's gradient, on top of the read-out's where they share a matrix."""
    tied = "decoder.weight" not in gradients
    total = gradients["embedding.weight"]
    np.add(total if tied else 0, d_embedding, out=total)


def _factors(mask: Mask, ids: IntArray) -> Array:
    """Return the mask of a one-hot input as one factor for each symbol read, (T B, 1)."""
    if mask.values.shape[2] == 1:  # one factor for each position
        return mask.values.reshape(-1, 1)
    streams = np.arange(ids.shape[1])  # locked: one factor for each symbol of the vocabulary
    factors: Array = mask.values[0, streams, ids].reshape(-1, 1)
    return factors
