"""A character-level language model trainer in NumPy, written from the equations."""

__version__ = "0.1.0"
