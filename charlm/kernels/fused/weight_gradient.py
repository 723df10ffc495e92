"""The weight gradients of whole windows as compiled code, where they are large enough."""

from itertools import pairwise
from math import prod

from charlm.arrays import Array
from charlm.kernels.fused import gradients, packed
from charlm.kernels.fused.strassen import PRODUCTS
from charlm.kernels.fused.tiles import WIDTH
from charlm.network.products import RowBlock, weight_gradient


class FusedWeightGradient:
    """`charlm.network.products.weight_gradient` with a workspace.

    Parameters
    ----------
    rows : int
        T B of the windows.
    width : int
        How wide the widest input is.
    """

    def __init__(self, rows: int, width: int) -> None:
        depth = min(rows, gradients.MOST_DEPTH) // 2
        self._x = packed.aligned_zeros((PRODUCTS * depth * (width // 2),))
        self._sums = packed.aligned_zeros((PRODUCTS * depth * (gradients.COLUMNS // 2),))

    def __call__(self, gates: list[RowBlock], x: Array, d_weight: Array) -> None:
        """Write the gradient of W, given those of W x in row blocks."""
        if not all(gradients.fits(len(x), values.shape[1], x.shape[1]) for _, values in gates):
            weight_gradient(gates, x, d_weight)
            return
        for block in _blocks(len(x), gradients.depth_for(d_weight.size)):
            shape = PRODUCTS, x.shape[1] // 2 // WIDTH, (block.stop - block.start) // 2, WIDTH
            panels = self._x[: prod(shape)].reshape(shape)
            packed.pack(x[block], panels, 0, 1)
            for rows, values in gates:
                gradients.add_gradient(values[block], panels, d_weight[rows], self._sums, block.start == 0)


def _blocks(rows: int, depth: int) -> list[slice]:
    """Cut a window into about equal blocks of rows, an even number each and at most `depth`."""
    count = -(-rows // depth)
    edges = [2 * (rows // 2 * block // count) for block in range(count)] + [rows]
    return [slice(start, stop) for start, stop in pairwise(edges)]
