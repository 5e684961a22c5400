"""Whether the processor multiplies 8-bit integers fast."""

import platform
import sys
from pathlib import Path

import pytest

from segmentation.engines import cpu_features
from segmentation.engines.cpu_features import has_int8_flags, multiplies_int8_fast


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        ("flags\t\t: fpu avx2 avx_vnni\n", True),
        ("flags\t\t: fpu avx512f avx512_vnni avx512_bf16\n", True),
        ("flags\t\t: fpu fma avx2\nbugs\t\t: spectre_v1\n", False),
        ("Features\t: fp asimd asimddp\n", True),
        ("Features\t: fp asimd asimdhp\n", False),
        ("", False),
    ],
)
def test_linux_names_the_instructions(cpuinfo: str, expected: bool) -> None:
    assert has_int8_flags(cpuinfo) is expected


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [("darwin", "arm64", True), ("darwin", "x86_64", False), ("win32", "AMD64", False)],
)
def test_other_systems_are_known_by_their_processor_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str, machine: str, expected: bool
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(cpu_features, "CPUINFO", tmp_path / "missing")
    assert multiplies_int8_fast() is expected
