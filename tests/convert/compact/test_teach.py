"""The teach command: pseudo-labels from a saliency network."""

import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convert.compact.__main__ import main
from convert.compact.data import LABELS, decode, read_samples
from segmentation.inference.metrics import iou
from tests.convert.compact.drawn_photos import photo_with_bright_parts


def test_a_photo_with_one_certain_object_is_kept_and_the_others_have_a_reason(
    tmp_path: Path, teacher_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = {
        "grocery_0": photo_with_bright_parts((96, 128), np.s_[20:80, 30:90]),
        "imagenet_0": photo_with_bright_parts((96, 128), np.s_[20:80, 10:50], np.s_[20:80, 80:120]),
        "imagenet_1": photo_with_bright_parts((96, 128)),
    }
    with tarfile.open(tmp_path / "unlabelled.tar", "w") as archive:
        for name, image in photos.items():
            image.save(tmp_path / f"{name}.webp", lossless=True)
            archive.add(tmp_path / f"{name}.webp", f"{name}.webp")
    output = tmp_path / "taught"
    command = ["teach", "--data", str(tmp_path), "--teacher", str(teacher_path), "-o", str(output)]
    for _ in range(2):  # the second run uses the maps of the first
        assert main(command) == 0
        printed = capsys.readouterr().out
        assert "1 object" in printed
        assert "1 dropped: several objects" in printed
        assert "1 dropped: too small" in printed
        (sample,) = read_samples([output])
        assert (sample.source, sample.labels) == ("pseudo", (LABELS.index("object"),))
        _, ids = decode(sample)
        truth = np.zeros((96, 128), bool)
        truth[20:80, 30:90] = True
        assert iou(ids == 1, truth) > 0.9
        with Image.open(output / "kept.jpg") as sheet:
            tile = np.asarray(sheet.crop((0, 0, 240, 180))).astype(int)
        middle, corner = tile[90, 110], tile[5, 5]
        assert (np.abs(middle - 240) < 12).all(), "the kept part"
        assert (np.abs(corner - (255, 0, 255)) < 40).all(), "on magenta"
