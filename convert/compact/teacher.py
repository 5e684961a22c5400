"""A saliency network as ONNX: one map of what stands out in a photo, without instances."""

from pathlib import Path

import cv2
import numpy as np

from segmentation.arrays import UInt8
from segmentation.errors import ConversionError

# As IS-Net's own code normalises (Qin et al. 2022, https://arxiv.org/abs/2203.03041).
MEAN, SCALE = 128.0, 256.0


class Teacher:
    """IS-Net or a network of the same input, (1, 3, S, S) float32, and one map as its output.

    Args:
        path: the ONNX file; its first output is the map, 0..1.
        side: S where the file leaves it open.
        threads: 0 takes all cores.

    Raises:
        ConversionError: it is not such a file.
    """

    def __init__(self, path: Path, side: int = 1024, threads: int = 0) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime has no tree of errors to catch
            raise ConversionError(
                f"{path} cannot be opened as an ONNX model ({type(error).__name__}).",
                f"无法作为 ONNX 模型打开 {path}（{type(error).__name__}）。",
            ) from error
        (entry,) = self._session.get_inputs()
        self._input = entry.name
        self._dtype = np.float16 if "float16" in entry.type else np.float32
        self._side = entry.shape[2] if isinstance(entry.shape[2], int) else side

    def saliency(self, rgb: UInt8) -> UInt8:
        """How much each pixel of a photo (H, W, 3) stands out: uint8 (H, W), 255 most."""
        square = cv2.resize(rgb, (self._side, self._side), interpolation=cv2.INTER_LINEAR)
        pixels = ((square - np.float32(MEAN)) / SCALE).transpose(2, 0, 1)[None]
        name = self._session.get_outputs()[0].name
        (output,) = self._session.run([name], {self._input: pixels.astype(self._dtype)})
        squeezed = np.squeeze(output).astype(np.float32)
        full = cv2.resize(squeezed, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return np.asarray(np.rint(np.clip(full, 0, 1) * 255), np.uint8)
