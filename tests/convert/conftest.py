"""Tests of `convert`."""

from pathlib import Path

SHARED = Path("../shared/compact")
GOLDEN = "compact/test_golden.py"
collect_ignore = [] if SHARED.is_dir() else [GOLDEN]


def pytest_report_header() -> str:
    """Say which tests need a checkpoint that is not in the repository."""
    return "" if SHARED.is_dir() else f"no {SHARED}: {GOLDEN} left out"
