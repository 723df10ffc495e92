"""How the network is computed fast: NumPy's loops, and compiled ones where the `fast` extra is installed."""
