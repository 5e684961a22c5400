"""The host that figures are measured on."""

import datetime
import importlib.metadata
import os
import platform
import timeit
from pathlib import Path

import numpy as np

# Packages that figures depend on, some of which are optional.
PACKAGES = ("numpy", "opencv-python", "isal", "onnxruntime", "openvino", "torch", "transformers")
# Side of the matrices that are multiplied: large enough to reach the peak.
MATRIX_SIDE = 1536
MATRIX_PRODUCTS = 5


def describe_host() -> str:
    """Describe the processor and its number of cores, for print beside measured figures."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"


def describe_conditions() -> str:
    """List what else figures depend on: the versions of Python and packages, date and load."""
    versions = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"
    return f"{', '.join(versions)}; {datetime.datetime.now(datetime.UTC):%Y-%m-%d}; {load}"


def gemm_gigaflops() -> float:
    """Measure the fastest float32 matrix product of NumPy, on all cores that its BLAS takes.

    Returns:
        Operations (multiplications and additions) per second, in thousands of millions.
    """
    matrix = np.random.default_rng(0).random((MATRIX_SIDE, MATRIX_SIDE), np.float32)
    seconds = timeit.repeat(lambda: matrix @ matrix, number=1, repeat=MATRIX_PRODUCTS)
    return 2 * MATRIX_SIDE**3 / min(seconds) / 1e9
