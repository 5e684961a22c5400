"""One step of the training, the averaged weights, and the state of a run."""

from contextlib import nullcontext
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from convert.checkpoint import load_checkpoint
from convert.compact.architecture import Start
from convert.compact.data import LABELS, OPAQUE, read_samples
from convert.compact.training import deformable_attention
from convert.compact.training.batches import Batch, BatchDataset
from convert.compact.training.device import CPU_SETUP
from convert.compact.training.learner import MAX_SKIPPED_IN_A_ROW, Learner, learning_rate_at
from segmentation.errors import ConversionError
from tests.convert.small_checkpoints import save, small_checkpoint

pytestmark = pytest.mark.usefixtures("one_numba_thread")

ENCODER = "model.pixel_level_module.encoder._backbone."


@pytest.fixture(scope="module")
def batch(training_data: Path) -> Batch:
    return BatchDataset(read_samples([training_data]), 0, 2, 64)[0, False]


@pytest.fixture
def learner(start_checkpoint: Path) -> Learner:
    return Learner(Start(start_checkpoint), 0, CPU_SETUP)


def step(learner: Learner, batch: Batch) -> dict[str, float]:
    losses = learner.step(batch, 1e-3)
    assert losses
    return losses


def test_a_step_is_as_long_as_the_rate_and_keeps_frozen_weights(
    learner: Learner, batch: Batch
) -> None:
    before = deepcopy(learner.model.state_dict())
    learner.step(batch, 1e-3)
    moved = {
        name: float((tensor - before[name]).abs().max())
        for name, tensor in learner.model.state_dict().items()
        if tensor.is_floating_point()
    }
    frozen = ("conv_stem.", "bn1.", "blocks.0.", "blocks.1.")
    for name, distance in moved.items():
        inside = name.removeprefix(ENCODER)
        if "running_" in name or (name.startswith(ENCODER) and inside.startswith(frozen)):
            assert distance == 0, name
    # Adam's first step is as long as the rate, whatever the gradient; the backbone's is 0.3 of it.
    assert moved["class_predictor.weight"] == pytest.approx(1e-3, rel=0.1)
    assert moved[f"{ENCODER}blocks.5.0.conv_pw.weight"] == pytest.approx(0.3e-3, rel=0.1)
    assert moved[f"{ENCODER}blocks.5.0.bn1.weight"] == pytest.approx(0.3e-3, rel=0.1)


def twice(batch: Batch, *, are_annotated: bool) -> Batch:
    """The batch's photo twice, with its instance as its subject; the second has no instances."""
    pixels = batch.pixels[:1].repeat(2, 1, 1, 1)
    kept = batch.counts[0] if are_annotated else 0
    return replace(
        batch,
        pixels=pixels,
        masks=batch.masks[:kept],
        labels=batch.labels[:kept],
        alphas=(pixels.float().mean(1) > 130).to(torch.uint8) * OPAQUE,
        counts=(kept, 0),
        are_annotated=(are_annotated, False),
    )


def test_the_subject_query_learns_alone_and_changes_nothing_else(
    start_checkpoint: Path, batch: Batch
) -> None:
    learner = Learner(Start(start_checkpoint), 0, CPU_SETUP, "alone")
    before = load_checkpoint(start_checkpoint).model.model.state_dict()
    rows = [step(learner, twice(batch, are_annotated=True)) for _ in range(6)]
    assert rows[-1]["loss"] < 0.98 * rows[0]["loss"]
    assert "mask" not in rows[0]
    assert all(name.startswith("subject.") for name in learner.parameters)
    after = learner.model.model.state_dict()
    for name, tensor in before.items():
        assert torch.equal(after[name], tensor), name


def test_the_subject_query_learns_jointly_with_the_annotated_photos(
    start_checkpoint: Path, batch: Batch
) -> None:
    learner = Learner(Start(start_checkpoint), 0, CPU_SETUP, "jointly")
    row = step(learner, twice(batch, are_annotated=True))
    names = ("mask", "dice", "cross_entropy", "subject_bce", "subject_dice", "subject_l1")
    assert all(row[name] > 0 for name in names)
    names_of_parameters = ("class_predictor.weight", "subject.queries_features.weight")
    assert set(names_of_parameters) <= learner.parameters.keys()
    assert "mask" not in step(learner, twice(batch, are_annotated=False))


def test_steps_lower_the_loss(learner: Learner, batch: Batch) -> None:
    losses = [step(learner, batch)["loss"] for _ in range(6)]
    assert losses[-1] < 0.95 * losses[0]


@pytest.mark.parametrize(("index", "share"), [(0, 0.9), (5000, 0.002)])
def test_averaged_weights_follow_fast_at_first_and_slowly_later_and_are_saved(
    learner: Learner, batch: Batch, tmp_path: Path, index: int, share: float
) -> None:
    name = "class_predictor.weight"
    before = learner.parameters[name].detach().clone()
    learner.step(replace(batch, index=index), 1e-2)
    after = learner.parameters[name].detach().clone()
    torch.testing.assert_close(learner.ema[name], before + share * (after - before))
    learner.save_ema(tmp_path)
    saved = dict(load_checkpoint(tmp_path).model.named_parameters())
    torch.testing.assert_close(saved[name].detach(), learner.ema[name])
    assert torch.equal(learner.parameters[name], after)


def test_a_step_learns_the_same_with_the_fast_deformable_attention(
    start_checkpoint: Path, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "model.pixel_level_module.decoder.encoder.layers.0.self_attn.value_proj.weight"

    def first_step() -> tuple[dict[str, float], torch.Tensor]:
        learner = Learner(Start(start_checkpoint), 0, CPU_SETUP)
        return step(learner, batch), learner.parameters[name].detach()

    calls = []
    original = deformable_attention.deformable_attention
    monkeypatch.setattr(
        deformable_attention,
        "deformable_attention",
        lambda *arguments: calls.append(1) or original(*arguments),
    )
    fast_losses, fast_weight = first_step()
    assert calls
    monkeypatch.setattr(deformable_attention, "in_transformers", nullcontext)
    plain_losses, plain_weight = first_step()
    assert fast_losses == pytest.approx(plain_losses, rel=1e-4)
    torch.testing.assert_close(fast_weight, plain_weight, rtol=0, atol=1e-4)


def test_batches_without_a_finite_gradient_are_skipped_until_there_are_many(
    learner: Learner, batch: Batch
) -> None:
    before = {name: tensor.detach().clone() for name, tensor in learner.parameters.items()}
    parameter = learner.parameters[f"{ENCODER}blocks.5.0.conv_pw.weight"]
    hook = parameter.register_hook(lambda gradient: gradient * float("inf"))
    for _ in range(MAX_SKIPPED_IN_A_ROW - 1):
        assert learner.step(batch, 1e-3) is None
    with pytest.raises(ConversionError, match="not a number"):
        learner.step(batch, 1e-3)
    for name, tensor in learner.parameters.items():
        assert torch.equal(tensor, before[name]), name
    hook.remove()
    losses = learner.step(batch, 1e-3)
    assert losses
    assert np.isfinite(losses["loss"])


def test_a_run_cannot_be_resumed_from_another_checkpoint(learner: Learner, tmp_path: Path) -> None:
    other = deepcopy(small_checkpoint("compact-small", num_labels=len(LABELS)))
    with torch.no_grad():
        other.model.get_parameter(f"{ENCODER}conv_stem.weight").add_(0.01)
    with pytest.raises(ConversionError, match="the same --from"):
        Learner(Start(save(other, tmp_path / "other")), 0, CPU_SETUP).load_state(learner.state())


def test_the_learning_rate_rises_then_falls() -> None:
    rates = [learning_rate_at(progress, 1.0) for progress in (0.0, 0.02, 0.5, 1.0)]
    assert rates[0] < 0.1
    assert rates[1] > 0.99
    assert 0.4 < rates[2] < 0.6
    assert rates[3] == pytest.approx(0.01)
