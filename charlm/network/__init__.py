"""What is computed: the network, readable from its architecture to its loss."""
