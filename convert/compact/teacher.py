"""A saliency network as ONNX: one map of what is salient in a photo, without instances."""

from pathlib import Path

import cv2
import numpy as np

from segmentation.arrays import UInt8
from segmentation.engines.telemetry import import_onnxruntime
from segmentation.errors import ConversionError

# The normalisation of IS-Net's own code (Qin et al. 2022, https://arxiv.org/abs/2203.03041).
MEAN, SCALE = 128.0, 256.0


class Teacher:
    """IS-Net, or a network with the same input (1, 3, S, S) and a map as its first output.

    Args:
        path: the ONNX file; its first output is the map, 0..1.
        side: S where the file leaves it open.
        threads: 0 takes all cores.

    Raises:
        ConversionError: the file cannot be opened.
    """

    def __init__(self, path: Path, side: int = 1024, threads: int = 0) -> None:
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
        pixels = ((square - np.float32(MEAN)) / SCALE).transpose(2, 0, 1)[None]
        output_name = self._session.get_outputs()[0].name
        feeds = {self._input_name: pixels.astype(self._dtype)}
        (output,) = self._session.run([output_name], feeds)
        saliency = np.squeeze(output).astype(np.float32)
        upscaled = cv2.resize(saliency, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return np.asarray(np.rint(np.clip(upscaled, 0, 1) * 255), np.uint8)
