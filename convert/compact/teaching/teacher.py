"""Saliency networks as ONNX: one map of what is salient in a photo, without instances."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from segmentation.arrays import Float32, UInt8
from segmentation.engines.telemetry import import_onnxruntime
from segmentation.errors import ConversionError


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of network takes photos and returns maps.

    Attributes:
        mean: subtracted from the values 0..1, per RGB channel.
        std: divisor after that, per RGB channel.
        stretches: whether a photo's brightest value becomes 1, and whether the least and the
            greatest value of a map become 0 and 1.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    stretches: bool


# As in the networks' own code: IS-Net (Qin et al. 2022, https://arxiv.org/abs/2203.03041), and
# U2-Net and its small form U2-NetP (Qin et al. 2020, https://arxiv.org/abs/2005.09007).
KINDS: Mapping[str, Kind] = {
    "isnet": Kind((128 / 255,) * 3, (256 / 255,) * 3, stretches=False),
    "u2net": Kind((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), stretches=True),
}

# A map with less difference than this shows nothing, and is not stretched further.
MIN_SPAN = 0.05


def parse_teacher(text: str) -> tuple[str, Path]:
    """Parse KIND=MODEL.onnx.

    Raises:
        argparse.ArgumentTypeError: the kind is not one of KINDS.
    """
    kind, _, path = text.partition("=")
    if kind not in KINDS or not path:
        raise argparse.ArgumentTypeError(
            f"{text} is not KIND=MODEL.onnx with one of these kinds: {', '.join(KINDS)}"
        )
    return kind, Path(path)


class Teacher:
    """A saliency network with the input (1, 3, S, S) and a map as its first output.

    Args:
        kind: a key of KINDS.
        path: the ONNX file; its first output is the map, 0..1.
        side: S where the file leaves it open.
        threads: 0 takes all cores.

    Raises:
        ConversionError: the file cannot be opened.
    """

    def __init__(self, kind: str, path: Path, side: int = 1024, threads: int = 0) -> None:
        self.kind = kind
        onnxruntime = import_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors have no base class
            raise ConversionError(
                f"{path} cannot be opened as an ONNX model ({type(error).__name__}). Give an ONNX "
                "file with --teacher.",
                f"无法将 {path} 作为 ONNX 模型打开（{type(error).__name__}）。"
                "请用 --teacher 指定 ONNX 文件。",
            ) from error
        (input_,) = self._session.get_inputs()
        self._input_name = input_.name
        self._dtype = np.float16 if "float16" in input_.type else np.float32
        self._side = input_.shape[2] if isinstance(input_.shape[2], int) else side

    def saliency(self, rgb: UInt8) -> UInt8:
        """Compute how salient each pixel of a photo is.

        Args:
            rgb: uint8 (H, W, 3).

        Returns:
            uint8 (H, W), 255 for the most salient.
        """
        square = cv2.resize(rgb, (self._side, self._side), interpolation=cv2.INTER_LINEAR)
        pixels = self._normalised(np.asarray(square, np.float32)).transpose(2, 0, 1)[None]
        output_name = self._session.get_outputs()[0].name
        feeds = {self._input_name: pixels.astype(self._dtype)}
        (output,) = self._session.run([output_name], feeds)
        saliency = np.squeeze(output).astype(np.float32)
        if KINDS[self.kind].stretches:
            saliency = (saliency - saliency.min()) / max(float(np.ptp(saliency)), MIN_SPAN)
        upscaled = cv2.resize(saliency, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return np.asarray(np.rint(np.clip(upscaled, 0, 1) * 255), np.uint8)

    def _normalised(self, pixels: Float32) -> Float32:
        kind = KINDS[self.kind]
        brightest = max(float(pixels.max()), 1.0) if kind.stretches else 255.0
        mean, std = (np.array(values, np.float32) for values in (kind.mean, kind.std))
        normalised: Float32 = (pixels / brightest - mean) / std
        return normalised
