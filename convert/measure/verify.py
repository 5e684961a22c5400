"""python -m convert verify: the artifacts compared with transformers and with each other."""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convert.logits_difference import LogitsDifference, compare_logits
from convert.measure.artifact_engines import open_artifacts
from segmentation.arrays import Bool, SizeHW, UInt8
from segmentation.compositing.matting.alpha import make_alpha
from segmentation.engines.base import Logits
from segmentation.errors import ConversionError
from segmentation.image.read import read_photo
from segmentation.inference.metrics import iou
from segmentation.inference.postprocess import find_instances
from segmentation.inference.preprocess import preprocess
from segmentation.inference.select import select
from segmentation.model_card import InputSpec, ModelCard, load_card

HEADER = (
    "| run | photos | class logits max, mean | mask logits max, mean | same class | same side "
    "| cut-outs: IoU mean, least |\n|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Backend:
    """A way to run the model.

    Attributes:
        name: its name in the table.
        input: what `run` takes.
        sizes_hw: the input sizes it accepts.
        run: from pixel values to logits.
    """

    name: str
    input: InputSpec
    sizes_hw: tuple[SizeHW, ...]
    run: Callable[[UInt8], Logits]


@dataclass(frozen=True, slots=True)
class PhotoDifference:
    """The result of a backend for one photo, against the reference.

    Attributes:
        logits: difference of the logits.
        cutout_iou: IoU of the two cut-outs; None if neither backend finds a subject.
    """

    logits: LogitsDifference
    cutout_iou: float | None


@dataclass(frozen=True, slots=True, eq=False)
class _Output:
    """The logits of one run, and the cut-out as bool (H, W)."""

    logits: Logits
    cutout: Bool


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", type=Path, help="model folder")
    parser.add_argument(
        "--checkpoint",
        help="Hub id or folder; makes transformers the reference, instead of the fp32 graph",
    )
    parser.add_argument(
        "--photos",
        type=Path,
        nargs="+",
        required=True,
        metavar="PHOTO",
        help="photos to compare on",
    )


def run(args: argparse.Namespace) -> None:
    """Print a Markdown table with a row for each backend but the reference.

    Raises:
        ConversionError: fewer than two backends run here, or the checkpoint is of another model.
        KoutuError: a photo or the model folder cannot be used.
    """
    card = load_card(args.folder)
    backends = [
        Backend(name, engine.input, engine.sizes_hw, engine.run)
        for name, engine in open_artifacts(card)
    ]
    if args.checkpoint:
        backends.insert(0, transformers_backend(card, args.checkpoint))
    if len(backends) < 2:
        raise ConversionError(
            f"Fewer than two ways to run {card.name} work on this host, so there is nothing to "
            "compare. Give --checkpoint.",
            f"本机上 {card.name} 的可用运行方式不足两种，无从对比。请给出 --checkpoint。",
        )
    reference, *others = backends
    print(f"Reference: {reference.name}\n\n{HEADER}")
    differences: dict[str, list[PhotoDifference]] = {other.name: [] for other in others}
    for number, path in enumerate(args.photos, 1):
        print(f"\r{number} of {len(args.photos)}", end="", file=sys.stderr)
        rgb = read_photo(path).rgb
        for name, difference in compare_backends(card, rgb, reference, others):
            differences[name].append(difference)
    print(file=sys.stderr)
    for name, by_photo in differences.items():
        if by_photo:
            print(table_row(name, by_photo))
        else:
            print(f"{name} left out: it shares no size with {reference.name}", file=sys.stderr)


def transformers_backend(card: ModelCard, checkpoint_name: str) -> Backend:
    """Run the checkpoint itself in PyTorch, at the sizes of the card's graphs.

    Raises:
        ConversionError: the checkpoint cannot be read, or is of another model.
    """
    from convert.checkpoint import reference_checkpoint

    checkpoint = reference_checkpoint(checkpoint_name, card)
    sizes_hw = dict.fromkeys(
        size_hw for artifact in card.artifacts for size_hw in artifact.sizes_hw
    )
    return Backend("transformers", checkpoint.input_spec, tuple(sizes_hw), checkpoint.run)


def compare_backends(
    card: ModelCard, rgb: UInt8, reference: Backend, others: list[Backend]
) -> Iterator[tuple[str, PhotoDifference]]:
    """Run a photo through all backends and compare each with the reference.

    Each pair runs at the size that suits the photo best of those it shares. A backend that shares
    no size with the reference is left out.

    Args:
        card: the model.
        rgb: uint8 (H, W, 3), the photo.
        reference: the backend to compare with.
        others: the other backends.

    Yields:
        The name of a backend and its difference.
    """
    expected: dict[tuple[SizeHW, ...], _Output] = {}
    for other in others:
        sizes_hw = tuple(size_hw for size_hw in reference.sizes_hw if size_hw in other.sizes_hw)
        if not sizes_hw:
            continue
        if sizes_hw not in expected:
            expected[sizes_hw] = _segment(card, rgb, reference, sizes_hw)
        first, second = expected[sizes_hw], _segment(card, rgb, other, sizes_hw)
        has_cutout = (first.cutout | second.cutout).any()
        cutout_iou = iou(first.cutout, second.cutout) if has_cutout else None
        yield other.name, PhotoDifference(compare_logits(first.logits, second.logits), cutout_iou)


def table_row(name: str, differences: list[PhotoDifference]) -> str:
    """Format a line of the Markdown table: the worst of the maxima, the mean of the means."""
    logits = [difference.logits for difference in differences]
    class_max = max(difference.class_max for difference in logits)
    class_mean = np.mean([difference.class_mean for difference in logits])
    mask_max = max(difference.mask_max for difference in logits)
    mask_mean = np.mean([difference.mask_mean for difference in logits])
    same_class = np.mean([difference.class_agreement for difference in logits])
    same_side = np.mean([difference.mask_agreement for difference in logits])
    ious = [item.cutout_iou for item in differences if item.cutout_iou is not None]
    cells = (
        name,
        str(len(differences)),
        f"{class_max:.1e}, {class_mean:.1e}",
        f"{mask_max:.1e}, {mask_mean:.1e}",
        f"{same_class:.2%}",
        f"{same_side:.3%}",
        f"{len(ious)}: {np.mean(ious):.4f}, {min(ious):.3f}" if ious else "0",
    )
    return f"| {' | '.join(cells)} |"


def _segment(
    card: ModelCard, rgb: UInt8, backend: Backend, sizes_hw: tuple[SizeHW, ...]
) -> _Output:
    pixel_values, geometry = preprocess(rgb, backend.input, sizes_hw, card.mask_stride)
    logits = backend.run(pixel_values)
    segmentation = find_instances(logits, card.labels, geometry, card.score_threshold)
    ids = select(segmentation, "auto")
    return _Output(logits, make_alpha(rgb, segmentation.mask_logits(ids)) > 127)
