"""What keeps a network from learning its text by heart."""
