"""The time loops, the products and the writing of text as code that Numba compiles."""
