"""Convert Mask2Former checkpoints to the artifacts that both run-times load, and measure them."""
