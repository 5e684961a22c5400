"""The host that figures are measured on."""

import datetime
import importlib.metadata
import os
import platform
import time
from pathlib import Path

import numpy as np

# Packages that figures depend on, some of which are optional.
PACKAGES = ("numpy", "opencv-python", "isal", "onnxruntime", "openvino", "torch", "transformers")
# Side of the matrices that are multiplied: large enough to reach the peak.
MATRIX_SIDE = 1536


def describe_host() -> str:
    """Describe the processor and its number of cores, for print beside measured figures."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"


def describe_versions() -> str:
    """List the versions of Python and of the packages that are installed, and the date."""
    versions = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return f"{', '.join(versions)}; {datetime.datetime.now(datetime.UTC):%Y-%m-%d}"


def describe_load() -> str:
    """Describe the load of the host in the last minute, where the system tells it."""
    return f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"


def gemm_gigaflops(repeat: int = 5) -> float:
    """Measure the fastest float32 matrix product of NumPy, on all cores that its BLAS takes.

    Returns:
        Operations (multiplications and additions) per second, in thousands of millions.
    """
    matrix = np.random.default_rng(0).random((MATRIX_SIDE, MATRIX_SIDE), np.float32)
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        matrix @ matrix
        seconds.append(time.perf_counter() - start)
    return 2 * MATRIX_SIDE**3 / min(seconds) / 1e9
