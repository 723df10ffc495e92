"""The n-gram: what followed every context of a few symbols in the training text, and the distribution that makes."""
