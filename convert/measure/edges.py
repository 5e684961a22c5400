"""python -m convert edges: alpha and colour against a known truth, made by composition."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from segmentation import foreground, make_alpha
from segmentation.arrays import Float32, UInt8

# The model's input and its stride: the mask has a cell for 4 of these pixels.
MODEL_SIDE, STRIDE = 384, 4
# Room around an object, as a share of its sides.
MARGIN = 0.15
# The perturbation: the mask is blurred by this many cells, and its logits are shaken by noise of
# this strength that is smooth over some cells, as a model's mistakes are.
BLUR_CELLS, NOISE, NOISE_CELLS = 0.7, 2.0, 1.5
# Alpha between these is a mixture of two colours that can be told apart.
MIXED = 0.05, 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """An object over a photo, and what is known of it.

    Attributes:
        rgb: uint8 (H, W, 3), the composition.
        alpha: float32 (H, W), the object's true opacity, 0..1.
        colour: float32 (H, W, 3), the object's true colour, 0..255.
        mask_logits: float32 (h, w), the true mask as coarse and unsure as a model's.
    """

    rgb: UInt8
    alpha: Float32
    colour: Float32
    mask_logits: Float32


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--objects", type=Path, nargs="+", required=True, help="PNGs with alpha")
    parser.add_argument("--backgrounds", type=Path, nargs="+", required=True, help="photos")


def run(args: argparse.Namespace) -> None:
    """Print the mean errors of plain up-scaling and of ours, and their ratio.

    Alpha: mean absolute error, 0..1, where up-scaling or truth are neither 0 nor 1. Colour: mean
    absolute error, 0..255, where the object is mixed with its background, given the true alpha.
    """
    rows = []
    for case in cases(args.objects, args.backgrounds):
        plain = _upscaled(case)
        doubtful = ((plain > 0.02) & (plain < 0.98)) | ((case.alpha > 0) & (case.alpha < 1))
        ours = make_alpha(case.rgb, case.mask_logits) / np.float32(255)
        mixed = (case.alpha > MIXED[0]) & (case.alpha < MIXED[1])
        solved = foreground(case.rgb, np.rint(case.alpha * 255).astype(np.uint8))
        errors = [np.abs(alpha - case.alpha)[doubtful].mean() for alpha in (plain, ours)]
        if mixed.any():
            errors += [np.abs(rgb - case.colour)[mixed].mean() for rgb in (case.rgb, solved)]
            rows.append(errors)
    plain_alpha, our_alpha, kept_colour, our_colour = np.mean(rows, axis=0)
    print(f"{len(rows)} objects\n\n| | before | after | ratio |\n|---|---|---|---|")
    print(f"| alpha | {plain_alpha:.4f} | {our_alpha:.4f} | {our_alpha / plain_alpha:.2f} |")
    print(f"| colour | {kept_colour:.1f} | {our_colour:.1f} | {our_colour / kept_colour:.2f} |")


def cases(objects: list[Path], backgrounds: list[Path]) -> Iterator[Case]:
    """Each object over one of the backgrounds, the same ones in every run."""
    random = np.random.default_rng(0)
    for index, path in enumerate(sorted(objects)):
        with Image.open(path) as image:
            rgba = np.asarray(image.convert("RGBA"))
        space_y, space_x = (int(side * MARGIN) for side in rgba.shape[:2])
        rgba = np.pad(rgba, ((space_y, space_y), (space_x, space_x), (0, 0)))
        height, width = rgba.shape[:2]
        with Image.open(sorted(backgrounds)[index % len(backgrounds)]) as image:
            behind = np.asarray(image.convert("RGB").resize((width, height)), np.float32)
        alpha = np.asarray(rgba[..., 3] / np.float32(255), np.float32)
        colour = rgba[..., :3].astype(np.float32)
        rgb = np.rint(colour * alpha[..., None] + behind * (1 - alpha[..., None]))
        yield Case(rgb.astype(np.uint8), alpha, colour, _perturbed(alpha, random))


def _perturbed(alpha: Float32, random: np.random.Generator) -> Float32:
    scale = MODEL_SIDE / STRIDE / max(alpha.shape)
    size_wh = round(alpha.shape[1] * scale), round(alpha.shape[0] * scale)
    coarse = cv2.resize(alpha, size_wh, interpolation=cv2.INTER_AREA)
    coarse = np.clip(cv2.GaussianBlur(coarse, (0, 0), BLUR_CELLS), 1e-3, 1 - 1e-3)
    noise = cv2.GaussianBlur(random.normal(0, NOISE, coarse.shape), (0, 0), NOISE_CELLS)
    unsure = (coarse > 0.02) & (coarse < 0.98)
    return np.asarray(1.5 * np.log(coarse / (1 - coarse)) + noise * unsure, np.float32)


def _upscaled(case: Case) -> Float32:
    size_wh = case.alpha.shape[1], case.alpha.shape[0]
    logits = cv2.resize(case.mask_logits, size_wh, interpolation=cv2.INTER_LINEAR)
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)
