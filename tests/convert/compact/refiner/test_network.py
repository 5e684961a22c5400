"""The network that corrects masks, and its graph."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from convert.compact.refiner.network import (
    BACKBONE_PREFIX,
    MAX_LOGIT,
    MaskRefiner,
    load_encoder,
    write_graph,
)
from segmentation.inference.mask_refiner import run_network


def random_input(height: int, width: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    photo = torch.randn(1, 3, height, width, generator=generator)
    return photo, 4 * torch.randn(1, 1, height, width, generator=generator)


def test_an_untrained_network_returns_the_mask_it_gets() -> None:
    photo, mask_logits = random_input(64, 96)
    corrected = MaskRefiner().eval()(photo, mask_logits)
    torch.testing.assert_close(corrected, mask_logits.clamp(-MAX_LOGIT, MAX_LOGIT))


def test_the_graph_takes_crops_of_any_size_and_returns_half_the_grid(tmp_path: Path) -> None:
    torch.manual_seed(0)
    refiner = MaskRefiner().eval()
    torch.nn.init.normal_(refiner.head.weight, std=0.05)
    path = tmp_path / "refiner.onnx"
    write_graph(refiner, path)
    rng = np.random.default_rng(0)
    for crop_hw, size_hw in (((100, 100), (256, 256)), ((300, 90), (256, 80))):
        crop = rng.integers(0, 256, (*crop_hw, 3), dtype=np.uint8)
        corrected = run_network(path, crop, np.full((12, 12), 2, np.float32))
        assert corrected.shape == (size_hw[0] // 2, size_hw[1] // 2)
        assert 0 < np.abs(corrected - 2).max() < 10


def test_the_encoder_gets_the_weights_of_the_bundled_models_backbone() -> None:
    refiner = MaskRefiner()
    own = refiner.state_dict()
    weights = {BACKBONE_PREFIX + name: value + 1 for name, value in own.items()}
    load_encoder(refiner, weights)
    assert torch.equal(refiner.conv_stem.weight, weights[BACKBONE_PREFIX + "conv_stem.weight"])
    assert torch.equal(refiner.head.weight, own["head.weight"]), "the new layers stay"
    with pytest.raises(KeyError):
        load_encoder(refiner, {})


def test_the_photo_alone_goes_through_layers_that_stay_as_they_are() -> None:
    refiner = MaskRefiner().train()
    torch.nn.init.normal_(refiner.head.weight, std=0.05)
    backbone, others = refiner.trained_parameters()
    refiner(*random_input(64, 64)).sum().backward()
    assert all(item.grad is not None for item in (*backbone, *others))
    assert refiner.conv_stem.weight.grad is None
    assert not refiner.bn1.training, "the statistics stay too"
