"""How a network learns: batches, gradients, optimizers and the loop around them."""
