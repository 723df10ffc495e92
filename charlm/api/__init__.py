"""charlm as a library: a loaded model, its options, and training; `charlm` itself has the public names."""
