"""What is kept: checkpoints, the run directory, the metrics."""
