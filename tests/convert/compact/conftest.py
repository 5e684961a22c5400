"""Tests of `convert`."""

from pathlib import Path

SHARED = Path("../shared/compact")
GOLDEN = "test_compact_golden.py"
collect_ignore = [] if SHARED.is_dir() else [GOLDEN]


def pytest_report_header() -> str:
    """Say what a clone without the checkpoint cannot prove; the committed graph it still can."""
    return "" if SHARED.is_dir() else f"no {SHARED}: {GOLDEN} left out"
