"""What several tests of `convert` share; the fixtures are made once in each process."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from convert.__main__ import main
from convert.synthetic_photo import synthetic_photo
from tests.convert.small_checkpoints import save, small_checkpoint


@pytest.fixture(scope="session", autouse=True)
def _one_torch_thread() -> None:
    """One thread of torch: where tests run in parallel, threads that wait for each other spin."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def photo_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic photo of 96 x 128 pixels."""
    path = tmp_path_factory.mktemp("photos") / "blobs.png"
    Image.fromarray(synthetic_photo((96, 128))).save(path)
    return path


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory, photo_path: Path) -> Path:
    """A small model folder, exported and quantised, next to its `checkpoint`; not to be changed."""
    base = tmp_path_factory.mktemp("small")
    checkpoint = save(small_checkpoint("resnet"), base / "checkpoint")
    model = base / "model"
    assert main(["export", str(checkpoint), "-o", str(model), "--longest-side", "128"]) == 0
    assert main(["quantize", str(model), "--calibrate", str(photo_path)]) == 0
    return model
