"""Regularisers: they keep a network from learning its training text by heart."""
