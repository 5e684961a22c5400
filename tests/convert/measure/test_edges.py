from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.__main__ import main
from convert.measure.edges import make_composites
from segmentation import encode


@pytest.fixture
def object_path(tmp_path: Path) -> Path:
    """A red disc with a soft edge, as a PNG with alpha."""
    y, x = np.mgrid[:300, :300] + 0.5
    alpha = np.clip((110 - np.hypot(x - 150, y - 150)) / 3 + 0.5, 0, 1)
    rgba = np.dstack([np.full((300, 300, 3), (200, 40, 30)), np.rint(alpha * 255)])
    path = tmp_path / "disc.png"
    path.write_bytes(encode(rgba.astype(np.uint8)))
    return path


@pytest.fixture
def background_path(tmp_path: Path) -> Path:
    noise = np.random.default_rng(1).integers(60, 200, (200, 300, 3)).astype(np.uint8)
    path = tmp_path / "meadow.png"
    path.write_bytes(encode(np.asarray(cv2.GaussianBlur(noise, (0, 0), 8), np.uint8)))
    return path


def test_a_composite_shows_the_object_where_it_is_opaque_and_only_there(
    object_path: Path, background_path: Path
) -> None:
    (composite,) = make_composites([object_path], [background_path])
    inside, outside = composite.alpha == 1, composite.alpha == 0
    assert (composite.rgb[inside] == (200, 40, 30)).all()
    assert not (composite.rgb[outside] == (200, 40, 30)).all(axis=-1).any()
    assert max(composite.mask_logits.shape) == 96
    assert composite.mask_logits[48, 48] > 0 > composite.mask_logits[0, 0]


def test_the_errors_of_alpha_and_colour_shrink(
    object_path: Path, background_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = ["--objects", str(object_path), "--backgrounds", str(background_path)]
    assert main(["edges", *paths]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1 objects"
    for line in lines[-2:]:
        assert float(line.strip("| ").split("|")[-1]) < 0.7
