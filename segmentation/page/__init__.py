"""The web page. Importing it prepares the environment, which Gradio reads when it is imported."""

from segmentation.engines.proxy import repair_proxies
from segmentation.engines.telemetry import disable_telemetry
from segmentation.page.gradio_internals.startup import import_gradio
from segmentation.page.gradio_internals.variables import remove_unused_variables

disable_telemetry()
repair_proxies()
remove_unused_variables()
import_gradio()
