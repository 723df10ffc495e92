"""What stays on disk: checkpoints, the run directory, the metrics."""
