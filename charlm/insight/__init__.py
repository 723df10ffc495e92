"""What a network does and whether it does it right."""
