"""How a trained model is used: what comes next, text that is written, text that is scored."""
