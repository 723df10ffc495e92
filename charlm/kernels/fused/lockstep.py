"""Compiled threads that meet every few microseconds: too often to be put to sleep and woken by the system."""

import sys
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from charlm.arrays import IntArray
from charlm.kernels.fused.compiling import OPTIONS
from charlm.kernels.fused.tiles import LINE

PATIENCE = 2_000  # looks, about as many nanoseconds, before a waiting thread lets others onto its core


def meeting() -> IntArray:
    """Return where threads count themselves in, with room for nothing else to share its cache line."""
    return np.zeros(2 * LINE, np.int64)


def dissolve(meeting: IntArray) -> None:
    """Let those who wait go on, and wait no more, as somebody will never come."""
    meeting[0] = np.iinfo(np.int64).max // 2


@intrinsic
def _count_in(context, address):  # type: ignore[no-untyped-def]
    """Add one to a number that other threads see; what was written before is seen by whoever sees it."""

    def codegen(_, builder, __, args):  # type: ignore[no-untyped-def]
        pointer = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        builder.atomic_rmw("add", pointer, ir.IntType(64)(1), "acq_rel")
        return ir.Constant(ir.IntType(8).as_pointer(), None)

    return types.void(types.intp), codegen


@intrinsic
def _counted(context, address):  # type: ignore[no-untyped-def]
    """Return how many have counted themselves in."""

    def codegen(_, builder, __, args):  # type: ignore[no-untyped-def]
        pointer = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        return builder.load_atomic(pointer, "acquire", 8)

    return types.int64(types.intp), codegen


@intrinsic
def _give_way(context):  # type: ignore[no-untyped-def]
    """Let another thread run on this core, where the system has a call for it."""

    def codegen(_, builder, __, ___):  # type: ignore[no-untyped-def]
        if sys.platform != "win32":
            signature: Any = ir.FunctionType(ir.IntType(32), [])
            builder.call(cgutils.get_or_insert_function(builder.module, signature, "sched_yield"), [])  # type: ignore[no-untyped-call]
        return ir.Constant(ir.IntType(8).as_pointer(), None)

    return types.void(), codegen


@njit(**OPTIONS)
def meet(counter, everyone):  # type: ignore[no-untyped-def]
    """Wait for the other threads.

    Parameters
    ----------
    counter : int
        The address of `meeting`'s first number, 0 before the first meeting.
    everyone : int
        How many will have counted themselves in: the number of threads times the number of this meeting, from 1.
    """
    _count_in(counter)  # type: ignore[call-arg]
    looks = 0
    while _counted(counter) < everyone:
        looks += 1
        if looks > PATIENCE:
            _give_way()
