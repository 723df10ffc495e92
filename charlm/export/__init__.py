"""Models in the forms of other programs: a state dict of PyTorch, an ONNX graph, and a page that writes text."""
