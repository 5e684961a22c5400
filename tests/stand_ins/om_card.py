"""Model folders of the small model, with ONNX files and with OMs for the stand-in's chip."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from segmentation.arrays import SizeHW
from segmentation.i18n import Text
from segmentation.model_card import Artifact, InputSpec, ModelCard, Source, find_model, save_card
from tests.stand_ins.small_model import LABELS, MEAN, OUTPUTS, STD, STRIDE, small_model
from tests.stand_ins.toolkit import import_stand_in_om

CHIP = "Ascend310P3"
AIPP = {
    "mean": (123, 116, 103),
    "min": (0.675, 0.28, 0.53),
    "var_reci": (0.017124753831663668, 0.01750700280112045, 0.017429193899782135),
}


def small_card(folder: Path, artifacts: Sequence[Artifact] = (), layout: str = "NCHW") -> ModelCard:
    """The card of `small_model`; the NHWC form takes the photo itself."""
    takes_photo = layout == "NHWC"
    return ModelCard(
        folder=folder,
        name="small",
        title=Text("Small", "小模型"),
        task="instance",
        source=Source("nobody/small", None, "Apache-2.0"),
        labels=tuple(Text(f"label {number}", f"标签 {number}") for number in range(LABELS)),
        score_threshold=0.5,
        input=InputSpec(
            name="image",
            layout="NHWC" if takes_photo else "NCHW",
            dtype="uint8" if takes_photo else "float32",
            normalised_inside=takes_photo,
            mean=MEAN,
            std=STD,
            rescale_factor=1 / 255,
        ),
        outputs=OUTPUTS,
        mask_stride=STRIDE,
        artifacts=tuple(artifacts),
    )


def write_onnx(
    folder: Path, content: bytes, file: str = "model.onnx", precision: str = "fp32"
) -> Artifact:
    """Write an ONNX file of 32 x 32 and return its entry for a card."""
    (folder / file).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return Artifact(file, "onnx", precision, ((32, 32),), len(content), digest)


@cache
def bundled_om(size_hw: SizeHW) -> Any:
    """Compile the bundled model for one size."""
    stand_in_om = import_stand_in_om()
    bundled = find_model("compact")
    return stand_in_om.compile_om(bundled.path(bundled.artifacts[0]).read_bytes(), [size_hw])


def bundled_card_with_oms(folder: Path) -> ModelCard:
    """Copy the bundled model to a folder, for three sizes, with one OM per size."""
    sizes_hw = ((384, 384), (288, 384), (384, 288))
    bundled = find_model("compact")
    (graph, *_) = bundled.artifacts
    assert set(sizes_hw) <= set(graph.sizes_hw)
    (folder / graph.file).write_bytes(bundled.path(graph).read_bytes())
    oms = [
        write_artifact(
            bundled_om((height, width)), folder / f"x{height}_{width}.om", [(height, width)]
        )
        for height, width in sizes_hw
    ]
    card = replace(bundled, folder=folder, artifacts=(replace(graph, sizes_hw=sizes_hw), *oms))
    save_card(card)
    return card


def write_om(
    folder: Path,
    sizes_hw: Sequence[SizeHW],
    layout: str = "NCHW",
    precision: str = "fp32",
    soc: str = CHIP,
    *,
    aipp: bool = False,
    batch: int = 1,
    **options: Any,
) -> Artifact:
    """Compile `small_model` for the stand-in; several sizes become gears of one OM."""
    om = _small_om(tuple(sizes_hw), layout, soc, aipp=aipp, batch=batch, **options)
    sizes = "_".join(f"{height}x{width}" for height, width in sizes_hw)
    path = folder / f"model_{soc.lower()}_{precision}_{sizes}_{batch}.om"
    return replace(write_artifact(om, path, sizes_hw, precision), batch=batch)


@cache
def _small_om(
    sizes_hw: tuple[SizeHW, ...],
    layout: str,
    soc: str,
    *,
    aipp: bool,
    batch: int,
    **options: Any,
) -> Any:
    stand_in_om = import_stand_in_om()
    fixed_hw = sizes_hw[0] if len(sizes_hw) == 1 else None
    aipp_operator = stand_in_om.Aipp(**AIPP) if aipp else None
    content = small_model(fixed_hw, layout, batch)
    return stand_in_om.compile_om(content, sizes_hw, soc=soc, aipp=aipp_operator, **options)


def write_artifact(
    om: Any, path: Path, sizes_hw: Sequence[SizeHW], precision: str = "fp32"
) -> Artifact:
    """Write an OM and return its entry for a card."""
    om.write(path)
    content = path.read_bytes()
    return Artifact(
        file=path.name,
        format="om",
        precision=precision,
        sizes_hw=tuple(sizes_hw),
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        soc=om.soc,
        made_with="stand-in",
    )
