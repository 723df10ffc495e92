"""How fast a model trains and writes on this machine, and where the time of a training step goes.

Whole steps are timed as the trainer takes them. For the parts of a step a second run has its kernels wrapped in
stopwatches; what no kernel covers, such as the products of the read-out, is done over again by itself: on the same
threads, and as NumPy products of the same sizes, whatever pieces they are done in. So a part says how it was measured,
and what is left over is called the rest.
"""

from charlm.bench.measuring import (
    SEED,
    Part,
    Report,
    Spread,
    measure,
    network,
    random_symbols,
    training,
)
from charlm.bench.products import Product, products

__all__ = [
    "SEED",
    "Part",
    "Product",
    "Report",
    "Spread",
    "measure",
    "network",
    "products",
    "random_symbols",
    "training",
]
