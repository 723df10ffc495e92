"""The compiled kernels under the names by which a network asks for them."""

from charlm.kernels.fused import compiling, loops, packed
from charlm.kernels.fused.recurrence import PackedWeights, fused_recurrences, lined_up
from charlm.kernels.fused.weight_gradient import FusedWeightGradient
from charlm.network.backend import Backend

BACKEND = Backend(
    name="fused",
    recurrences=fused_recurrences,
    weights=PackedWeights,
    empty=lined_up,
    weight_gradient=FusedWeightGradient,
    cross_entropy_with_gradient=loops.cross_entropy_with_gradient,
    sum_by_symbol=loops.sum_by_symbol,
    elementwise=loops.elementwise,
    split_streams=packed.split_streams_in_pairs,
    threads_from=1,
    when_compiling=loops.when_compiling,
    provenance=compiling.provenance,
)
