"""Where and how the compact model is trained: on the processor, or on a CUDA GPU."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from segmentation.errors import ConversionError

# Present on Linux only; elsewhere a processor trains in float32.
CPUINFO = Path("/proc/cpuinfo")
# Names in /proc/cpuinfo of bfloat16 products in hardware. Without them bfloat16 is emulated, which
# is slower than float32.
BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})


@dataclass(frozen=True, slots=True)
class Setup:
    """Where and how a model is trained.

    Attributes:
        device: where the model computes.
        bf16: compute in bfloat16 where autocast allows; weights and loss stay in float32.
        frozen_stages: the stem and this number of stages keep their weights; None freezes nothing.
        ema_decay: share of the averaged weights that a step keeps.
    """

    device: torch.device
    bf16: bool
    frozen_stages: int | None
    ema_decay: float


# The stem and the first stages keep ImageNet's features: their maps are the largest, and so is
# their backward pass.
CPU_SETUP = Setup(torch.device("cpu"), bf16=False, frozen_stages=2, ema_decay=0.998)
# A GPU takes many times as many steps in the same time.
GPU_SETUP = Setup(torch.device("cuda"), bf16=True, frozen_stages=None, ema_decay=0.999)


def choose_setup(device: str) -> Setup:
    """Choose where and how to train.

    Args:
        device: cpu, cuda, or auto for a GPU if there is one.

    Raises:
        ConversionError: a GPU is asked for, and torch finds none.
    """
    has_gpu = torch.cuda.is_available()
    if device == "cuda" and not has_gpu:
        raise ConversionError(
            "torch finds no CUDA device. Install a CUDA build of torch and NVIDIA's driver, or "
            "train with --device cpu.",
            "torch 找不到 CUDA 设备。请安装 CUDA 版 torch 和 NVIDIA 驱动，或使用 --device cpu。",
        )
    if has_gpu and device != "cpu":
        return replace(GPU_SETUP, bf16=torch.cuda.is_bf16_supported())
    return replace(
        CPU_SETUP, bf16=has_fast_bf16(CPUINFO.read_text("utf-8") if CPUINFO.exists() else "")
    )


def has_fast_bf16(cpuinfo: str) -> bool:
    """Whether a processor multiplies bfloat16 in hardware.

    Args:
        cpuinfo: content of its /proc/cpuinfo.
    """
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    flags = (value.split() for key, _, value in lines if key.strip() in ("flags", "Features"))
    return not BF16_FLAGS.isdisjoint(next(flags, []))
