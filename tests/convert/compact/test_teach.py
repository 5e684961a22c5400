"""The teach command: subjects and pseudo-labels from saliency networks."""

import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convert.compact.__main__ import main
from convert.compact.data import LABELS, decode, read_samples
from convert.compact.teaching.consensus import subject_mask
from segmentation.inference.metrics import iou
from tests.convert.compact.drawn_photos import photo_with_bright_parts


def test_photos_get_subjects_and_one_certain_object_gets_instance_ids(
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
    (tmp_path / "index.jsonl").write_text("")
    output = tmp_path / "taught"
    data = ["teach", "--data", str(tmp_path), "--teacher", f"isnet={teacher_path}"]
    command = [*data, "--model", "compact", "-o", str(output)]
    for _ in range(2):  # the second run uses the maps of the first
        assert main(command) == 0
        printed = capsys.readouterr().out
        assert "2 subject" in printed
        assert "1 dropped: too small" in printed
        one, two = read_samples([output])
        assert (one.source, one.labels) == ("unlabelled", (LABELS.index("object"),))
        assert two.ids is None, "two pieces are not one instance"
        photo = decode(one)
        truth = np.zeros((96, 128), bool)
        truth[20:80, 30:90] = True
        assert photo.ids is not None
        assert photo.alpha is not None
        assert iou(photo.ids == 1, truth) > 0.9
        assert iou(subject_mask(photo.alpha), truth) > 0.9
        with Image.open(output / "kept.jpg") as sheet:
            tile = np.asarray(sheet.crop((0, 0, 240, 180))).astype(int)
        middle, corner = tile[90, 110], tile[5, 5]
        assert (np.abs(middle - 240) < 12).all(), "the kept part"
        assert (np.abs(corner - (255, 0, 255)) < 40).all(), "on magenta"


def test_annotated_photos_are_kept_with_or_without_a_subject(
    training_data: Path, teacher_path: Path, tmp_path: Path
) -> None:
    command = ["teach", "--data", str(training_data), "-o", str(tmp_path), "--limit", "2"]
    assert main([*command, "--teacher", f"isnet={teacher_path}"]) == 0
    originals, taught = read_samples([training_data])[:2], read_samples([tmp_path])
    for original, sample in zip(originals, taught, strict=True):
        assert (sample.photo, sample.ids) == (original.photo, original.ids)
        assert sample.alpha is not None
