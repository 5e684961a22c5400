"""The web page. Importing it prepares the environment, which Gradio reads when it is imported."""

from segmentation.engines.proxy import repair_proxies
from segmentation.engines.telemetry import disable_telemetry

disable_telemetry()
repair_proxies()
