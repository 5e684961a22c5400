"""The first checkpoint of the compact model against the golden numbers that came with it."""

import numpy as np
import pytest
import torch

from convert.checkpoint import Checkpoint, load_checkpoint
from convert.graph.mask2former import OUTPUTS, write_graph
from segmentation.engines.telemetry import import_onnxruntime
from tests.convert.compact.conftest import FIRST_CHECKPOINT

GOLDEN = FIRST_CHECKPOINT / "golden.npz"


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return load_checkpoint(FIRST_CHECKPOINT / "checkpoint")


def test_the_checkpoints_feature_maps_are_golden(checkpoint: Checkpoint) -> None:
    golden = np.load(GOLDEN)
    pixels = torch.from_numpy(golden["image_384x288"]).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.inference_mode():
        maps = checkpoint.model.model.pixel_level_module.encoder(pixels).feature_maps
    for index, features in enumerate(maps):
        np.testing.assert_allclose(features[0], golden[f"feat{index}_384x288"], atol=1e-3)


@pytest.mark.parametrize("size", ["384x288", "320x448", "384x384"])
def test_the_checkpoints_logits_are_golden(checkpoint: Checkpoint, size: str) -> None:
    golden = np.load(GOLDEN)
    logits = checkpoint.run(golden[f"image_{size}"][None])
    np.testing.assert_allclose(logits.class_queries_logits, golden[f"class_{size}"], atol=1e-3)
    np.testing.assert_allclose(logits.masks_queries_logits, golden[f"mask_{size}"], atol=1e-3)


def test_the_written_graph_gives_the_golden_numbers_at_every_size(checkpoint: Checkpoint) -> None:
    golden = np.load(GOLDEN)
    graph = write_graph(checkpoint.model, checkpoint.input_spec, None)
    ort = import_onnxruntime()
    session = ort.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    for size in ("384x288", "384x384"):
        outputs = session.run(list(OUTPUTS), {"image": golden[f"image_{size}"][None]})
        for output, name in zip(outputs, ("class", "mask"), strict=True):
            np.testing.assert_allclose(output[0], golden[f"{name}_{size}"], atol=1e-3)
