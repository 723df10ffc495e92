"""The time loops and the elementwise passes as NumPy calls."""
