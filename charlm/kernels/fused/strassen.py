"""Strassen's method: seven products of quarters of two matrices in place of eight.

"Gaussian elimination is not optimal" (1969). With both factors and the result cut in halves either way,

    (A11 + A22) (W11 + W22)        is added to C11 and C22
    (A21 + A22)  W11                           C21, taken from C22
     A11        (W12 - W22)                    C12 and C22
     A22        (W21 - W11)                    C11 and C21
    (A11 + A12)  W22                           C12, taken from C11
    (A21 - A11) (W11 + W12)                    C22
    (A12 - A22) (W21 + W22)                    C11
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from charlm.arrays import IntArray
from charlm.kernels.fused.compiling import OPTIONS
from charlm.kernels.fused.tiles import Vectors

PRODUCTS = 7
# For each product: what it takes of the left factor, of the right one, and to what of the result it is added. That is a
# quarter, 0 for 11, 1 for 12, 2 for 21 and 3 for 22, another one, or none (-1), and the sign of the other.
LEFT = np.array([[0, 3, 1], [2, 3, 1], [0, -1, 1], [3, -1, 1], [0, 1, 1], [2, 0, -1], [1, 3, -1]])
RIGHT = np.array([[0, 3, 1], [0, -1, 1], [1, 3, -1], [2, 0, -1], [3, -1, 1], [0, 1, 1], [2, 3, 1]])
RESULT = np.array([[0, 3, 1], [2, 3, -1], [1, 3, 1], [0, 2, 1], [1, 0, -1], [3, -1, 1], [0, -1, 1]])


@njit(**OPTIONS)
def quarter_at(address, quarter, down, right):  # type: ignore[no-untyped-def]
    """Return the address of a quarter of a matrix whose halves have a stride of so many bytes; 0 for none."""
    return address + quarter // 2 * down + quarter % 2 * right if quarter >= 0 else 0


def make_sums(terms: IntArray) -> Any:
    """Return a compiled function that writes what the seven products take of a factor, one vector of each.

    Parameters
    ----------
    terms : ndarray of int, shape (7, 3)
        `LEFT` or `RIGHT`.

    Returns
    -------
    callable
        Of the addresses of a vector in each quarter, in the order 11, 12, 21 and 22, the address of the first sum, and
        how many numbers lie between one sum and the next. All four are read before anything is written.
    """

    @intrinsic
    def write_sums(context, x11, x12, x21, x22, out, stride):  # type: ignore[no-untyped-def]
        def codegen(_, builder, __, args):  # type: ignore[no-untyped-def]
            v = Vectors(builder)
            *addresses, out, stride = args
            quarters = [v.load(v.pointer(address)) for address in addresses]
            target = v.pointer(out)
            for first, second, sign in terms:
                total = quarters[first]
                if second >= 0:
                    total = (builder.fadd if sign > 0 else builder.fsub)(total, quarters[second])
                v.store(total, target)
                target = v.at(target, stride)
            return ir.Constant(ir.IntType(8).as_pointer(), None)

        return types.void(*[types.intp] * 6), codegen

    return write_sums
