"""Convert Mask2Former checkpoints to the artifacts that both run-times load, and measure them."""

from segmentation.engines.telemetry import disable_telemetry

# Before any other module of this package imports a run-time.
disable_telemetry()
