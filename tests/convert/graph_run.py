"""Graphs in onnxruntime."""

import numpy as np
import onnx

from convert.graph.mask2former import OUTPUTS
from segmentation.engines.base import Logits
from segmentation.engines.telemetry import import_onnxruntime


def run_graph(graph: onnx.ModelProto, image: np.ndarray) -> Logits:
    """Check that a graph is valid ONNX, and run it on an image (1, H, W, 3)."""
    onnx.checker.check_model(graph)
    ort = import_onnxruntime()
    session = ort.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    classes, masks = session.run(list(OUTPUTS), {"image": image})
    return Logits(classes[0], masks[0])
