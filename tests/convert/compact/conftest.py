"""What the tests of the compact model share; nothing may change the files of these fixtures."""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numba
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from convert.compact.data import LABELS
from tests.convert.compact.drawn_photos import add_image
from tests.convert.small_checkpoints import save, small_checkpoint
from tests.paths import ROOT

# The first checkpoint of the model, with golden numbers; a clone does not have it.
FIRST_CHECKPOINT = ROOT.parent / "shared" / "compact"
GOLDEN_TEST = "test_golden.py"
collect_ignore = [] if FIRST_CHECKPOINT.is_dir() else [GOLDEN_TEST]


def pytest_report_header() -> str:
    """Name the test that needs the checkpoint, where it is missing."""
    return "" if FIRST_CHECKPOINT.is_dir() else f"no {FIRST_CHECKPOINT}: {GOLDEN_TEST} left out"


@pytest.fixture(scope="session", autouse=True)
def _one_torch_thread_beside_numba() -> None:
    """One thread of torch, again: the start of numba's thread pool resets their number."""
    numba.get_num_threads()  # starts the pool
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def one_numba_thread() -> Iterator[None]:
    """One thread of numba, for tests that are not about the attention itself."""
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(threads)


@pytest.fixture(scope="session")
def training_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three photos of a bright square each."""
    folder = tmp_path_factory.mktemp("data")
    rows = []
    with tarfile.open(folder / "squares.tar", "w") as archive:
        for index in range(3):
            ids = np.zeros((96, 80), np.uint8)
            ids[20:70, 10 * index + 10 : 10 * index + 50] = 1
            rgb = np.where(ids[..., None] == 1, 220, 40).astype(np.uint8).repeat(3, axis=2)
            add_image(archive, f"{index}.webp", rgb)
            add_image(archive, f"{index}.png", ids)
            rows.append({"source": "squares", "id": str(index), "labels": ["cat"]})
    (folder / "index.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture(scope="session")
def start_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint to start training from, with a small backbone of the compact model's kind."""
    checkpoint = small_checkpoint("compact-small", num_labels=len(LABELS))
    return save(checkpoint, tmp_path_factory.mktemp("start"))


@pytest.fixture(scope="session")
def teacher_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saliency network that finds what is bright."""
    path = tmp_path_factory.mktemp("teacher") / "bright.onnx"
    nodes = [
        helper.make_node("ReduceMean", ["image", "axis"], ["grey"]),
        helper.make_node("Mul", ["grey", "steepness"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["map"]),
    ]
    graph = helper.make_graph(
        nodes,
        "bright",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, "channels", 64, 64))],
        [helper.make_tensor_value_info("map", TensorProto.FLOAT, (1, 1, 64, 64))],
        [
            helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
            helper.make_tensor("steepness", TensorProto.FLOAT, [], [60.0]),
        ],
    )
    opsets = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path
