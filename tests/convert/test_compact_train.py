"""The training of the compact model: data, augmentation, resuming, pseudo-masks."""

import argparse
import io
import json
import tarfile
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from convert.checkpoint import load_checkpoint
from convert.compact.__main__ import main
from convert.compact.augment import Scene, paste, view
from convert.compact.batches import Stream
from convert.compact.data import LABELS, decided, read_samples
from convert.compact.learner import has_fast_bf16, rate_at
from convert.compact.teach import label_of, pseudo_ids
from convert.compact.train import CHECKPOINT, STATE, configure, train
from tests.convert.small_checkpoints import save, small_checkpoint


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three photos of a bright square each."""
    folder = tmp_path_factory.mktemp("data")
    rows = []
    with tarfile.open(folder / "squares.tar", "w") as archive:
        for index in range(3):
            ids = np.zeros((96, 80), np.uint8)
            ids[20:70, 10 * index + 10 : 10 * index + 50] = 1
            rgb = np.where(ids[..., None] == 1, 220, 40).astype(np.uint8).repeat(3, axis=2)
            for name, pixels in ((f"{index}.webp", rgb), (f"{index}.png", ids)):
                buffer = io.BytesIO()
                Image.fromarray(pixels).save(buffer, name.split(".")[1])
                member = tarfile.TarInfo(name)
                member.size = buffer.tell()
                buffer.seek(0)
                archive.addfile(member, buffer)
            rows.append({"source": "squares", "id": str(index), "labels": ["cat"]})
    (folder / "index.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_a_border_is_split_between_its_two_sides() -> None:
    ids = np.array([[1, 1, 255, 255, 0, 0]], np.uint8)
    assert decided(ids).tolist() == [[1, 1, 1, 0, 0, 0]]


def test_what_is_ignored_far_from_anything_decided_is_background() -> None:
    ids = np.full((1, 20), 255, np.uint8)
    ids[0, 0] = 1
    assert decided(ids)[0].tolist() == [1] * 5 + [0] * 15


@pytest.mark.parametrize("box", [(0, 0, 80, 60), (20, 10, 70, 60), (-16, -8, 64, 52)])
@pytest.mark.parametrize("size_hw", [(64, 64), (96, 160)])
def test_masks_follow_their_photo(box: tuple[int, int, int, int], size_hw: tuple[int, int]) -> None:
    ids = np.zeros((60, 80), np.uint8)
    ids[20:40, 30:50] = 1
    rgb = np.where(ids[..., None] == 1, 255, 0).astype(np.uint8).repeat(3, axis=2)
    mirrored = set()
    for seed in range(8):
        rng = np.random.default_rng(seed)
        scene = view(rgb, ids, (3,), box, size_hw, rng)
        assert scene.labels == (3,)
        shown = scene.rgb[..., 0] > 127
        # What lies outside of the photo has a colour of its own.
        near = scene.masks[0]
        assert (shown & near).sum() > 0.9 * near.sum()
        mirrored.add(float(np.nonzero(near)[1].mean().round(1)))
    assert len(mirrored) <= 2


def test_an_instance_hardly_left_in_a_crop_is_no_instance() -> None:
    ids = np.zeros((60, 80), np.uint8)
    ids[:, :40] = 1
    rgb = np.zeros((60, 80, 3), np.uint8)
    scene = view(rgb, ids, (0,), (37, 0, 80, 60), (64, 64), np.random.default_rng(0))
    assert scene.labels == ()
    assert scene.masks.shape == (0, 64, 64)


def test_a_pasted_instance_lies_in_front() -> None:
    back = np.ones((1, 64, 64), np.bool_)
    front = np.zeros((1, 64, 64), np.bool_)
    front[0, 16:48, 16:48] = True
    scene = Scene(np.zeros((64, 64, 3), np.uint8), back, (0,))
    other = Scene(np.full((64, 64, 3), 200, np.uint8), front, (6,))
    pasted = paste(scene, other, np.random.default_rng(0))
    assert pasted.labels == (0, 6)
    assert not (pasted.masks[0] & pasted.masks[1]).any()
    assert (pasted.rgb[..., 0][pasted.masks[1]] >= 100).all()


def test_a_batch_is_a_function_of_seed_and_index(data: Path) -> None:
    samples = read_samples([data])
    one, again, other, later = (
        Stream(samples, seed, 4, 64)[index, False]
        for seed, index in ((0, 5), (0, 5), (1, 5), (0, 6))
    )
    assert torch.equal(one.pixels, again.pixels)
    assert all(torch.equal(a, b) for a, b in zip(one.masks, again.masks, strict=True))
    for different in (other, later):
        same_shape = different.pixels.shape == one.pixels.shape
        assert not (same_shape and torch.equal(different.pixels, one.pixels))


def _ticking(limit: int | None = None) -> Callable[[], float]:
    """A clock that is 150 s later each time it is read; after `limit` times the power fails."""
    reads = iter(range(1000))

    def clock() -> float:
        read = next(reads)
        if read == limit:
            raise KeyboardInterrupt
        return read * 150.0

    return clock


def test_a_run_that_was_killed_goes_on_with_the_same_numbers(data: Path, tmp_path: Path) -> None:
    start = save(small_checkpoint("compact", num_labels=len(LABELS)), tmp_path / "start")
    parser = argparse.ArgumentParser()
    configure(parser)

    def options(folder: str) -> argparse.Namespace:
        trial = ["--batch", "2", "--longest-side", "64", "--threads", "1"]
        whole = ["--data", str(data), "-o", str(tmp_path / folder), "--minutes", "15", "--resume"]
        return parser.parse_args([*whole, "--from", str(start), *trial])

    train(options("whole"), _ticking())
    with pytest.raises(KeyboardInterrupt):
        train(options("killed"), _ticking(limit=4))  # saved at 300 s, lost at 600 s
    train(options("killed"), _ticking())
    whole, resumed = (
        torch.load(tmp_path / folder / STATE, weights_only=True) for folder in ("whole", "killed")
    )
    assert whole["progress"] == resumed["progress"]
    for name, of in whole["learner"]["mean"].items():
        torch.testing.assert_close(resumed["learner"]["mean"][name], of, rtol=0, atol=1e-6)
    logs = [
        [
            json.loads(line)["photos"]
            for line in (tmp_path / of / "log.jsonl").read_text().splitlines()
        ]
        for of in ("whole", "killed")
    ]
    assert logs[0] == logs[1]
    assert (tmp_path / "whole" / "curves.png").stat().st_size > 1000
    load_checkpoint(tmp_path / "whole" / CHECKPOINT)


def test_the_rate_rises_then_falls() -> None:
    rates = [rate_at(share, 1.0) for share in (0.0, 0.02, 0.5, 1.0)]
    assert rates[0] < 0.1
    assert rates[1] > 0.99
    assert 0.4 < rates[2] < 0.6
    assert rates[3] == pytest.approx(0.01)


def test_bfloat16_only_where_the_processor_has_it() -> None:
    assert has_fast_bf16("processor : 0\nflags\t\t: fpu avx512f avx512_bf16\n")
    assert not has_fast_bf16("processor : 0\nflags\t\t: fpu avx2\n")
    assert not has_fast_bf16("")


def _map(share: float, value: int = 255) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    saliency = np.zeros((40, 100), np.uint8)
    saliency[:, : round(share * 100)] = value
    return saliency


@pytest.mark.parametrize(
    ("saliency", "reason"),
    [
        (_map(0.01), "tiny"),
        (_map(0.0), "tiny"),
        (_map(0.95), "nearly all"),
        (_map(0.3, 120), "undecided"),
        (np.hstack([_map(0.5), _map(0.3)]), "several things"),
    ],
)
def test_maps_that_cannot_be_trusted(
    saliency: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], reason: str
) -> None:
    answer = pseudo_ids(saliency)
    assert isinstance(answer, str)
    assert reason in answer


def test_a_trusted_map_keeps_its_border_open_and_loses_its_crumbs() -> None:
    saliency = _map(0.5)
    saliency[:, 50] = 128
    saliency[5, 80] = 255
    ids = pseudo_ids(saliency)
    assert not isinstance(ids, str)
    assert ids[5, [10, 49, 50, 51, 80]].tolist() == [1, 1, 255, 0, 0]


def test_the_label_of_a_mask() -> None:
    mask = _map(0.5) > 0
    left, right = _map(0.25) > 0, mask & ~(_map(0.25) > 0)
    assert label_of(mask, [("dog", 0.9, mask)]) == "dog"
    assert label_of(mask, [("person", 0.6, mask)]) is None
    assert label_of(mask, []) == "object"
    assert label_of(mask, [("object", 0.6, left)]) == "object"
    assert label_of(mask, [("person", 0.9, ~mask)]) == "object"
    assert label_of(mask, [("person", 0.9, left)]) is None
    assert label_of(mask, [("cat", 0.9, left), ("cat", 0.9, right)]) is None


def test_the_mean_of_runs_lies_between_them(tmp_path: Path) -> None:
    one, other = (deepcopy(small_checkpoint("compact")) for _ in range(2))
    with torch.no_grad():
        for of in other.model.parameters():
            of.add_(1.0)
    for name, checkpoint in (("one", one), ("other", other)):
        save(checkpoint, tmp_path / name)
    assert (
        main(
            [
                "average",
                *(str(tmp_path / name) for name in ("one", "other", "other", "one")),
                "-o",
                str(tmp_path / "mean"),
            ]
        )
        == 0
    )
    found = dict(load_checkpoint(tmp_path / "mean").model.named_parameters())
    for name, of in one.model.named_parameters():
        torch.testing.assert_close(found[name], of + 0.5)


def test_different_networks_have_no_mean(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for kind in ("compact", "resnet"):
        save(small_checkpoint(kind), tmp_path / kind)
    folders = [str(tmp_path / kind) for kind in ("compact", "resnet")]
    assert main(["average", *folders, "-o", str(tmp_path / "mean")]) == 1
    assert "different shapes" in capsys.readouterr().err
    assert not (tmp_path / "mean").exists()
