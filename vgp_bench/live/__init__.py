"""Signal flow of a network that vgp_bench did not build, measured inside the training loop its owner already has."""
