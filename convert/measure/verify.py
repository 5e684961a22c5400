"""python -m convert verify: how far the artifacts are from transformers, and from each other."""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convert.measure.logits_difference import LogitsDifference, compare_logits
from segmentation.arrays import Bool, SizeHW, UInt8
from segmentation.compositing.matting import make_alpha
from segmentation.engines.registry import Engine, Logits, open_engine
from segmentation.errors import ConversionError, EngineUnavailable
from segmentation.image.read import read_photo
from segmentation.inference.metrics import iou
from segmentation.inference.postprocess import find_instances
from segmentation.inference.preprocess import preprocess
from segmentation.inference.select import select
from segmentation.model_card import InputSpec, ModelCard, load_card

Seen = tuple[Logits, Bool]
HEADER = (
    "| run | photos | class logits max, mean | mask logits max, mean | same class | same side "
    "| cut-outs: IoU mean, least |\n|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to run the model.

    Attributes:
        name: what the table calls it.
        input: what `run` takes.
        sizes_hw: the sizes it takes.
        run: pixel values to logits.
    """

    name: str
    input: InputSpec
    sizes_hw: tuple[SizeHW, ...]
    run: Callable[[UInt8], Logits]


@dataclass(frozen=True, slots=True)
class Row:
    """One photo through one contender, against the reference.

    Attributes:
        difference: of the logits.
        cutout_iou: of the cut-outs; None where neither has one.
    """

    difference: LogitsDifference
    cutout_iou: float | None


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", type=Path, help="model folder")
    parser.add_argument(
        "--checkpoint", help="Hub id or folder: transformers is the reference; else the fp32 graph"
    )
    parser.add_argument(
        "--photos", type=Path, nargs="+", required=True, metavar="PHOTO", help="what to compare on"
    )


def run(args: argparse.Namespace) -> None:
    """Print the table."""
    card = load_card(args.folder)
    contenders = list(artifacts(card))
    if args.checkpoint:
        contenders.insert(0, transformers(card, args.checkpoint))
    if len(contenders) < 2:
        raise ConversionError(
            f"There are not two runs of {card.name} to compare on this host. Give --checkpoint.",
            f"本机上没有可与 {card.name} 对照的另一种运行方式。请给出 --checkpoint。",
        )
    reference, *others = contenders
    print(f"Reference: {reference.name}\n\n{HEADER}")
    rows: dict[str, list[Row]] = {other.name: [] for other in others}
    for number, path in enumerate(args.photos, 1):
        print(f"\r{number} of {len(args.photos)}", end="", file=sys.stderr)
        rgb = read_photo(path).rgb
        for name, row in compare(card, rgb, reference, others):
            rows[name].append(row)
    print(file=sys.stderr)
    for name, found in rows.items():
        if found:
            print(table_row(name, found))
        else:
            print(f"{name} left out: it shares no size with {reference.name}", file=sys.stderr)


def artifacts(card: ModelCard) -> Iterator[Contender]:
    """Every precision of every run-time in the folder that this host can run; others are named."""
    kinds = dict.fromkeys((of.format, of.precision) for of in card.artifacts)
    for file_format, precision in kinds:
        name = f"{file_format} {precision}"
        try:
            engine = open_engine(card, "onnx" if file_format == "onnx" else "ascend", precision)[0]
        except EngineUnavailable as reason:
            print(f"{name} left out: {reason}", file=sys.stderr)
            continue
        yield contender(name, engine)


def contender(name: str, engine: Engine) -> Contender:
    """An engine in the table."""
    return Contender(name, engine.input, engine.sizes_hw, engine.run)


def transformers(card: ModelCard, name: str) -> Contender:
    """The checkpoint itself, in PyTorch, at the sizes of the card's graphs."""
    from convert.checkpoint import reference_checkpoint

    checkpoint = reference_checkpoint(name, card)
    sizes_hw = tuple(dict.fromkeys(size for of in card.artifacts for size in of.sizes_hw))
    return Contender("transformers", checkpoint.input_spec, sizes_hw, checkpoint.run)


def compare(
    card: ModelCard, rgb: UInt8, reference: Contender, others: list[Contender]
) -> Iterator[tuple[str, Row]]:
    """One photo through all; (name, row) of each but the reference.

    Each at the size that suits the photo best among those that it shares with the reference; who
    shares none has no row.
    """
    expected: dict[tuple[SizeHW, ...], Seen] = {}
    for other in others:
        if sizes_hw := tuple(hw for hw in reference.sizes_hw if hw in other.sizes_hw):
            if sizes_hw not in expected:
                expected[sizes_hw] = _see(card, rgb, reference, sizes_hw)
            ours, theirs = expected[sizes_hw], _see(card, rgb, other, sizes_hw)
            yield other.name, Row(compare_logits(ours[0], theirs[0]), _iou(ours[1], theirs[1]))


def table_row(name: str, rows: list[Row]) -> str:
    """A line of the Markdown table: the worst of the maxima, the mean of the means."""
    found = [row.difference for row in rows]
    ious = [row.cutout_iou for row in rows if row.cutout_iou is not None]
    cells = (
        name,
        str(len(rows)),
        f"{max(of.class_max for of in found):.1e}, {np.mean([of.class_mean for of in found]):.1e}",
        f"{max(of.mask_max for of in found):.1e}, {np.mean([of.mask_mean for of in found]):.1e}",
        f"{np.mean([of.class_agreement for of in found]):.2%}",
        f"{np.mean([of.mask_agreement for of in found]):.3%}",
        f"{len(ious)}: {np.mean(ious):.4f}, {min(ious):.3f}" if ious else "0",
    )
    return f"| {' | '.join(cells)} |"


def _see(card: ModelCard, rgb: UInt8, contender: Contender, sizes_hw: tuple[SizeHW, ...]) -> Seen:
    pixel_values, geometry = preprocess(rgb, contender.input, sizes_hw, card.mask_stride)
    logits = contender.run(pixel_values)
    segmentation = find_instances(logits, card.labels, geometry, card.score_threshold)
    ids = select(segmentation, "auto")
    return logits, make_alpha(rgb, segmentation.mask_logits(ids)) > 127


def _iou(one: Bool, other: Bool) -> float | None:
    return iou(one, other) if (one | other).any() else None
