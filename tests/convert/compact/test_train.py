"""The training of the compact model: data, augmentation, resuming, pseudo-masks."""

import argparse
import io
import json
import tarfile
from collections.abc import Callable
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from PIL import Image

from convert.checkpoint import load_checkpoint
from convert.compact import deformable_attention
from convert.compact.__main__ import main
from convert.compact.augment import Scene, crop_box, paste, view
from convert.compact.batches import LATE_SIZES, Stream, batches_from
from convert.compact.data import LABELS, Sample, decided, decode, read_samples
from convert.compact.learner import Learner, has_fast_bf16, rate_at
from convert.compact.teach import is_turned, label_of, pseudo_ids
from convert.compact.train import CHECKPOINT, STATE, configure, train
from segmentation.errors import ConversionError
from segmentation.inference.metrics import iou
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
            _add(archive, f"{index}.webp", rgb)
            _add(archive, f"{index}.png", ids)
            rows.append({"source": "squares", "id": str(index), "labels": ["cat"]})
    (folder / "index.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def _add(archive: tarfile.TarFile, name: str, pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, name.split(".")[1], lossless=True)
    member = tarfile.TarInfo(name)
    member.size = buffer.tell()
    buffer.seek(0)
    archive.addfile(member, buffer)


def test_sources_may_use_the_same_ids(tmp_path: Path) -> None:
    rows = []
    for source, grey in (("dark", 10), ("light", 200)):
        with tarfile.open(tmp_path / f"{source}.tar", "w") as archive:
            _add(archive, "1.webp", np.full((8, 8, 3), grey, np.uint8))
            _add(archive, "1.png", np.full((8, 8), 1, np.uint8))
        rows.append({"source": source, "id": "1", "labels": ["dog"]})
    (tmp_path / "index.jsonl").write_text("\n".join(map(json.dumps, rows)))
    greys = [int(decode(sample)[0][0, 0, 0]) for sample in read_samples([tmp_path])]
    assert greys == [10, 200]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({"labels": ["parrot"]}, "labels out of person", id="unknown_label"),
        pytest.param({"id": "7"}, r"Photo 7 of squares needs 7\.webp", id="no_such_photo"),
        pytest.param({"source": "circles"}, r"circles\.tar", id="no_such_tar"),
        pytest.param(None, "no training photos", id="nothing"),
    ],
)
def test_data_that_are_not_there_are_named(
    data: Path, tmp_path: Path, change: dict[str, object] | None, told: str
) -> None:
    (tmp_path / "squares.tar").write_bytes((data / "squares.tar").read_bytes())
    row = {"source": "squares", "id": "0", "labels": ["cat"]} | (change or {})
    (tmp_path / "index.jsonl").write_text(json.dumps(row) if change else "")
    with pytest.raises(ConversionError, match=told):
        read_samples([tmp_path])


def test_a_damaged_tar_is_told(data: Path, tmp_path: Path) -> None:
    (tmp_path / "index.jsonl").write_text((data / "index.jsonl").read_text())
    (tmp_path / "squares.tar").write_text("no tar")
    with pytest.raises(ConversionError, match="cannot be read as training photos"):
        read_samples([tmp_path])


def test_a_border_is_split_between_its_two_sides() -> None:
    ids = np.array([[1, 1, 255, 255, 0, 0]], np.uint8)
    assert decided(ids).tolist() == [[1, 1, 1, 0, 0, 0]]


def test_what_is_ignored_far_from_anything_decided_is_background() -> None:
    ids = np.full((1, 20), 255, np.uint8)
    ids[0, 0] = 1
    assert decided(ids)[0].tolist() == [1] * 5 + [0] * 15


@pytest.mark.parametrize("box", [(0, 0, 80, 60), (10, 10, 70, 60), (-16, -8, 64, 52)])
@pytest.mark.parametrize("size_hw", [(64, 64), (96, 160)])
def test_masks_follow_their_photo(box: tuple[int, int, int, int], size_hw: tuple[int, int]) -> None:
    ids = np.zeros((60, 80), np.uint8)
    ids[20:40, 20:40] = 1
    rgb = np.full((60, 80, 3), 100, np.uint8)
    rgb[ids == 1] = 0, 255, 0
    middles = set()
    for seed in range(8):
        scene = view(rgb, ids, (3,), box, size_hw, np.random.default_rng(seed))
        assert scene.labels == (3,)
        # What lies outside of the photo has a colour of its own, but hardly this one.
        green = np.abs(scene.rgb.astype(int) - (0, 255, 0)).max(axis=2) < 100
        assert iou(green, scene.masks[0]) > 0.85
        middles.add(float(np.nonzero(scene.masks[0])[1].mean().round(1)))
    assert len(middles) == 2  # as it is, and mirrored


def _labelled(source: str) -> Sample:
    return Sample(source, b"", b"", (0,))


def test_where_one_is_labelled_the_crop_is_around_that_one() -> None:
    ids = np.zeros((400, 600), np.uint8)
    ids[100:300, 450:520] = 1
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x0, y0, x1, y1 = crop_box(_labelled("cocop"), ids, (64, 64), 0.5, rng)
        assert (ids[max(y0, 0) : y1, max(x0, 0) : x1] > 0).sum() > 0.9 * (ids > 0).sum()
        assert y1 - y0 < 360


def test_a_speck_is_not_enlarged_to_a_blur() -> None:
    ids = np.zeros((400, 600), np.uint8)
    ids[200:210, 300:306] = 1
    for seed in range(20):
        x0, y0, x1, y1 = crop_box(
            _labelled("cocop"), ids, (64, 96), 0.5, np.random.default_rng(seed)
        )
        assert min(x1 - x0, y1 - y0) >= 127


def test_nearly_whole_photos_are_cut_inside_their_frame_and_not_always_at_one_side() -> None:
    ids = np.zeros((400, 600), np.uint8)
    boxes = [
        crop_box(_labelled("voc"), ids, (64, 64), 1.0, np.random.default_rng(seed))
        for seed in range(20)
    ]
    for x0, y0, x1, y1 in boxes:
        assert 0 <= x0 < x1 <= 600
        assert 0 <= y0 < y1 <= 400
        assert (x1 - x0) * (y1 - y0) > 0.6 * 600 * 400
    assert len({x0 for x0, *_ in boxes}) > 5


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


def test_late_batches_have_the_products_sizes_and_pixels_its_range(data: Path) -> None:
    stream = Stream(read_samples([data]), 0, 1)
    early, late = (
        {tuple(stream[index, is_late].pixels.shape[2:]) for index in range(12)}
        for is_late in (False, True)
    )
    assert late <= set(LATE_SIZES)
    assert not early <= set(LATE_SIZES)
    pixel_values = stream[0, True].pixel_values
    assert -1 <= pixel_values.min() < -0.3
    assert 0.3 < pixel_values.max() <= 1


def test_late_scenes_are_mostly_as_they_were_taken(data: Path) -> None:
    stream = Stream(read_samples([data]), 0, 40)
    early, late = (
        float(np.mean([len(labels) > 1 for labels in stream[0, is_late].labels]))
        for is_late in (False, True)
    )
    assert early > 0.25, "of 0.45 some would hide what is there"
    assert 0 < late < early / 2


def test_whether_a_batch_is_late_is_asked_for_each(data: Path) -> None:
    stream = Stream(read_samples([data]), 0, 1)
    answers = iter([False, True, *[False] * 20])
    got = batches_from(stream, 7, lambda: next(answers))
    for index, late in ((7, False), (8, True)):
        batch, expected = next(got), stream[index, late]
        assert batch.index == index
        assert torch.equal(batch.pixels, expected.pixels)


ENCODER = "model.pixel_level_module.encoder._backbone."


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    checkpoint = small_checkpoint("compact", num_labels=len(LABELS))
    return save(checkpoint, tmp_path_factory.mktemp("start"))


def test_a_step_is_as_long_as_the_rate_says_and_leaves_what_is_frozen(
    data: Path, start: Path
) -> None:
    learner = Learner(start, 0, bf16=False)
    before = deepcopy(learner.model.state_dict())
    learner.step(Stream(read_samples([data]), 0, 2, 64)[0, False], 1e-3)
    moved = {
        name: float((of - before[name]).abs().max())
        for name, of in learner.model.state_dict().items()
        if of.is_floating_point()
    }
    still = ("conv_stem.", "bn1.", "blocks.0.", "blocks.1.")
    for name, distance in moved.items():
        inside = name.removeprefix(ENCODER)
        if "running_" in name or (name.startswith(ENCODER) and inside.startswith(still)):
            assert distance == 0, name
    # Adam's first step is one rate long, whatever the gradient; the backbone's is 0.3 of it.
    assert moved["class_predictor.weight"] == pytest.approx(1e-3, rel=0.1)
    assert moved[f"{ENCODER}blocks.5.0.conv_pw.weight"] == pytest.approx(0.3e-3, rel=0.1)
    assert moved[f"{ENCODER}blocks.5.0.bn1.weight"] == pytest.approx(0.3e-3, rel=0.1)


def test_steps_lower_the_loss(data: Path, start: Path) -> None:
    learner = Learner(start, 0, bf16=False)
    batch = Stream(read_samples([data]), 0, 2, 64)[0, False]
    losses = [learner.step(batch, 1e-3)["loss"] for _ in range(10)]
    assert losses[-1] < 0.95 * losses[0]


@pytest.mark.parametrize(("index", "share"), [(0, 0.9), (5000, 0.002)])
def test_the_running_mean_follows_at_once_and_later_slowly_and_is_what_is_saved(
    data: Path, start: Path, tmp_path: Path, index: int, share: float
) -> None:
    learner = Learner(start, 0, bf16=False)
    name = "class_predictor.weight"
    before = learner.parameters[name].detach().clone()
    batch = replace(Stream(read_samples([data]), 0, 2, 64)[0, False], index=index)
    learner.step(batch, 1e-2)
    after = learner.parameters[name].detach().clone()
    torch.testing.assert_close(learner.mean[name], before + share * (after - before))
    learner.save_mean(tmp_path)
    saved = dict(load_checkpoint(tmp_path).model.named_parameters())
    torch.testing.assert_close(saved[name].detach(), learner.mean[name])
    assert torch.equal(learner.parameters[name], after)


def test_a_step_takes_the_fast_deformable_attention_and_learns_the_same(
    data: Path, start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = Stream(read_samples([data]), 0, 2, 64)[0, False]
    name = "model.pixel_level_module.decoder.encoder.layers.0.self_attn.value_proj.weight"

    def learnt() -> tuple[dict[str, float], torch.Tensor]:
        learner = Learner(start, 0, bf16=False)
        return learner.step(batch, 1e-3), learner.parameters[name].detach()

    calls = []
    ours = deformable_attention.deformable_attention
    monkeypatch.setattr(
        deformable_attention, "deformable_attention", lambda *of: calls.append(1) or ours(*of)
    )
    fast, weight = learnt()
    assert calls
    monkeypatch.setattr(deformable_attention, "in_transformers", nullcontext)
    plain, plain_weight = learnt()
    assert fast == pytest.approx(plain, rel=1e-4)
    torch.testing.assert_close(weight, plain_weight, rtol=0, atol=1e-4)


def test_what_is_no_number_is_not_learnt(data: Path, start: Path) -> None:
    learner = Learner(start, 0, bf16=False)
    batch = Stream(read_samples([data]), 0, 2, 64)[0, False]
    before = {name: of.detach().clone() for name, of in learner.parameters.items()}
    first = learner.parameters[f"{ENCODER}blocks.5.0.conv_pw.weight"]
    hook = first.register_hook(lambda gradient: gradient * float("inf"))
    with pytest.raises(ConversionError, match="not a number"):
        learner.step(batch, 1e-3)
    for name, of in learner.parameters.items():
        assert torch.equal(of, before[name]), name
    hook.remove()
    assert np.isfinite(learner.step(batch, 1e-3)["loss"])


def test_a_run_does_not_go_on_from_another_start(start: Path, tmp_path: Path) -> None:
    state = Learner(start, 0, bf16=False).state()
    other = deepcopy(small_checkpoint("compact", num_labels=len(LABELS)))
    with torch.no_grad():
        other.model.get_parameter(f"{ENCODER}conv_stem.weight").add_(0.01)
    with pytest.raises(ConversionError, match="the same --from"):
        Learner(save(other, tmp_path / "other"), 0, bf16=False).load_state(state)


def _ticking(limit: int | None = None) -> Callable[[], float]:
    """A clock that is 150 s later each time it is read; after `limit` times the power fails."""
    reads = iter(range(1000))

    def clock() -> float:
        read = next(reads)
        if read == limit:
            raise KeyboardInterrupt
        return read * 150.0

    return clock


def test_a_run_that_was_killed_goes_on_with_the_same_numbers(
    data: Path, start: Path, tmp_path: Path
) -> None:
    parser = argparse.ArgumentParser()
    configure(parser)

    def options(folder: str) -> argparse.Namespace:
        trial = ["--batch", "2", "--longest-side", "64"]
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
    other = options("whole")
    other.seed = 3
    with pytest.raises(ConversionError, match="--seed 0, --batch 2"):
        train(other, _ticking())


def test_no_time_is_no_run(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--data", "x", "-o", "y", "--minutes", "0"])
    assert "no time to work in" in capsys.readouterr().err


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


def test_a_photo_turned_on_black_is_told_from_a_dark_one() -> None:
    grey = np.full((60, 80, 3), 90, np.uint8)
    turning = cv2.getRotationMatrix2D((40, 30), 25, 0.8)
    assert is_turned(np.asarray(cv2.warpAffine(grey, turning, (80, 60)), np.uint8))
    assert not is_turned(grey)
    evening = grey.copy()
    evening[:20] = 0
    assert not is_turned(evening), "a dark sky"


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


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network to which what is bright stands out."""
    path = tmp_path_factory.mktemp("teacher") / "bright.onnx"
    nodes = [
        helper.make_node("ReduceMean", ["image", "axis"], ["grey"]),
        helper.make_node("Mul", ["grey", "steep"], ["steeper"]),
        helper.make_node("Sigmoid", ["steeper"], ["map"]),
    ]
    sides = (1, "channels", 64, 64)
    graph = helper.make_graph(
        nodes,
        "bright",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, sides)],
        [helper.make_tensor_value_info("map", TensorProto.FLOAT, (1, 1, 64, 64))],
        [
            helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
            helper.make_tensor("steep", TensorProto.FLOAT, [], [60.0]),
        ],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path
    )
    return path


def _bright(size_hw: tuple[int, int], *bright: tuple[slice, slice]) -> Image.Image:
    rgb = np.full((*size_hw, 3), 30, np.uint8)
    for part in bright:
        rgb[part] = 240
    return Image.fromarray(rgb)


def test_a_teacher_outlines_what_can_be_trusted(
    tmp_path: Path, teacher: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = {
        "grocery_0": _bright((96, 128), np.s_[20:80, 30:90]),
        "imagenet_0": _bright((96, 128), np.s_[20:80, 10:50], np.s_[20:80, 80:120]),
        "imagenet_1": _bright((96, 128)),
    }
    with tarfile.open(tmp_path / "unlabelled.tar", "w") as archive:
        for name, image in photos.items():
            image.save(tmp_path / f"{name}.webp", lossless=True)
            archive.add(tmp_path / f"{name}.webp", f"{name}.webp")
    output = tmp_path / "taught"
    command = ["teach", "--data", str(tmp_path), "--teacher", str(teacher), "-o", str(output)]
    for _ in range(2):  # the second time from the maps that are there
        assert main(command) == 0
        told = capsys.readouterr().out
        assert "1 object" in told
        assert "1 dropped: several things" in told
        assert "1 dropped: tiny" in told
        (sample,) = read_samples([output])
        assert (sample.source, sample.labels) == ("pseudo", (LABELS.index("object"),))
        _, ids = decode(sample)
        truth = np.zeros((96, 128), bool)
        truth[20:80, 30:90] = True
        assert iou(ids == 1, truth) > 0.9
        with Image.open(output / "kept.jpg") as sheet:
            tile = np.asarray(sheet.crop((0, 0, 240, 180))).astype(int)
        middle, corner = tile[90, 110], tile[5, 5]
        assert (np.abs(middle - 240) < 12).all(), "what was kept"
        assert (np.abs(corner - (255, 0, 255)) < 40).all(), "on magenta"


def test_what_a_teacher_alone_cuts_out(tmp_path: Path, teacher: Path) -> None:
    _bright((60, 100), np.s_[10:50, 20:60]).save(tmp_path / "one.jpg")
    arguments = ["alphas", "--data", str(tmp_path), "--teacher", str(teacher)]
    assert main([*arguments, "-o", str(tmp_path / "alphas")]) == 0
    with Image.open(tmp_path / "alphas" / "one.png") as image:
        alpha = np.asarray(image)
    assert alpha.shape == (60, 100)
    assert (alpha[20, 40], alpha[5, 90]) == (255, 0)


def test_a_teacher_that_is_no_network_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "no.onnx").write_text("not a network")
    _bright((60, 100)).save(tmp_path / "one.jpg")
    arguments = ["alphas", "--data", str(tmp_path), "-o", str(tmp_path / "alphas")]
    assert main([*arguments, "--teacher", str(tmp_path / "no.onnx")]) == 1
    assert "cannot be opened as an ONNX model" in capsys.readouterr().err
    assert main(["alphas", "--data", "/nowhere", "--teacher", "x", "-o", str(tmp_path)]) == 1
    assert "has no .jpg photos" in capsys.readouterr().err
