"""python -m convert edges: errors of alpha and colour on composites with a known truth."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from segmentation import foreground, make_alpha
from segmentation.arrays import Float32, UInt8

# Longest side of the model's input and stride of its masks: a mask cell covers 4 x 4 input pixels.
MODEL_SIDE, STRIDE = 384, 4
# Padding around an object, as a share of its sides.
MARGIN = 0.15
# The mask is blurred by this many cells. Its logits get noise of this standard deviation, which is
# smooth over some cells as a model's errors are.
BLUR_CELLS, NOISE, NOISE_CELLS = 0.7, 2.0, 1.5
# Between these opacities a pixel mixes two colours that can be told apart.
MIXED = 0.05, 0.95
# Between these opacities the upscaled mask is uncertain.
UNCERTAIN = 0.02, 0.98


@dataclass(frozen=True, slots=True, eq=False)
class Composite:
    """An object pasted over a photo, with the truth about it.

    Attributes:
        rgb: uint8 (H, W, 3), the composite.
        alpha: float32 (H, W), the true opacity of the object, 0..1.
        colour: float32 (H, W, 3), the true colour of the object, 0..255.
        mask_logits: float32 (h, w), the true mask, as coarse and noisy as a model's.
    """

    rgb: UInt8
    alpha: Float32
    colour: Float32
    mask_logits: Float32


@dataclass(frozen=True, slots=True)
class EdgeErrors:
    """Mean absolute errors on one composite.

    Attributes:
        upscaled_alpha, refined_alpha: 0..1, of the upscaled mask and of `make_alpha`, where the
            upscaled mask or the truth is between transparent and opaque.
        photo_colour, foreground_colour: 0..255, of the photo and of `foreground` at the true alpha,
            where the object is mixed with the background.
    """

    upscaled_alpha: float
    refined_alpha: float
    photo_colour: float
    foreground_colour: float


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--objects", type=Path, nargs="+", required=True, help="PNGs with alpha")
    parser.add_argument("--backgrounds", type=Path, nargs="+", required=True, help="photos")


def run(args: argparse.Namespace) -> None:
    """Print the mean errors before and after `make_alpha` and `foreground`, and their ratio.

    Objects without a mixed pixel are left out.

    Raises:
        OSError: an image cannot be read.
    """
    composites = make_composites(args.objects, args.backgrounds)
    measured = [measure_edge(composite) for composite in composites]
    errors = [error for error in measured if error is not None]
    means = {
        field.name: float(np.mean([getattr(error, field.name) for error in errors]))
        for field in fields(EdgeErrors)
    }
    print(f"{len(errors)} objects\n\n| | before | after | ratio |\n|---|---|---|---|")
    before, after = means["upscaled_alpha"], means["refined_alpha"]
    print(f"| alpha | {before:.4f} | {after:.4f} | {after / before:.2f} |")
    before, after = means["photo_colour"], means["foreground_colour"]
    print(f"| colour | {before:.1f} | {after:.1f} | {after / before:.2f} |")


def measure_edge(composite: Composite) -> EdgeErrors | None:
    """Measure the errors on a composite; None if no pixel of it is mixed."""
    truth = composite.alpha
    mixed = (truth > MIXED[0]) & (truth < MIXED[1])
    if not mixed.any():
        return None
    upscaled = _upscaled(composite)
    refined = make_alpha(composite.rgb, composite.mask_logits) / np.float32(255)
    uncertain = (upscaled > UNCERTAIN[0]) & (upscaled < UNCERTAIN[1])
    edge = uncertain | ((truth > 0) & (truth < 1))
    solved = foreground(composite.rgb, np.rint(truth * 255).astype(np.uint8))
    return EdgeErrors(
        upscaled_alpha=float(np.abs(upscaled - truth)[edge].mean()),
        refined_alpha=float(np.abs(refined - truth)[edge].mean()),
        photo_colour=float(np.abs(composite.rgb - composite.colour)[mixed].mean()),
        foreground_colour=float(np.abs(solved - composite.colour)[mixed].mean()),
    )


def make_composites(objects: Sequence[Path], backgrounds: Sequence[Path]) -> Iterator[Composite]:
    """Paste each object over one of the backgrounds; every run gives the same composites.

    Args:
        objects: images with an alpha channel.
        backgrounds: photos, at least one.

    Raises:
        OSError: an image cannot be read.
    """
    random = np.random.default_rng(0)
    for index, path in enumerate(sorted(objects)):
        with Image.open(path) as image:
            rgba = np.asarray(image.convert("RGBA"))
        margin_y, margin_x = (int(side * MARGIN) for side in rgba.shape[:2])
        rgba = np.pad(rgba, ((margin_y, margin_y), (margin_x, margin_x), (0, 0)))
        height, width = rgba.shape[:2]
        with Image.open(sorted(backgrounds)[index % len(backgrounds)]) as image:
            background = np.asarray(image.convert("RGB").resize((width, height)), np.float32)
        alpha = np.asarray(rgba[..., 3] / np.float32(255), np.float32)
        colour = rgba[..., :3].astype(np.float32)
        rgb = np.rint(colour * alpha[..., None] + background * (1 - alpha[..., None]))
        yield Composite(rgb.astype(np.uint8), alpha, colour, _noisy_logits(alpha, random))


def _noisy_logits(alpha: Float32, random: np.random.Generator) -> Float32:
    """Mask logits (h, w) at the model's resolution, from the true alpha (H, W)."""
    scale = MODEL_SIDE / STRIDE / max(alpha.shape)
    size_wh = round(alpha.shape[1] * scale), round(alpha.shape[0] * scale)
    coarse = cv2.resize(alpha, size_wh, interpolation=cv2.INTER_AREA)
    coarse = np.clip(cv2.GaussianBlur(coarse, (0, 0), BLUR_CELLS), 1e-3, 1 - 1e-3)
    noise = cv2.GaussianBlur(random.normal(0, NOISE, coarse.shape), (0, 0), NOISE_CELLS)
    uncertain = (coarse > UNCERTAIN[0]) & (coarse < UNCERTAIN[1])
    return np.asarray(1.5 * np.log(coarse / (1 - coarse)) + noise * uncertain, np.float32)


def _upscaled(composite: Composite) -> Float32:
    size_wh = composite.alpha.shape[1], composite.alpha.shape[0]
    logits = cv2.resize(composite.mask_logits, size_wh, interpolation=cv2.INTER_LINEAR)
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)
