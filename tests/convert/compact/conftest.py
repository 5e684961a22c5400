"""What the tests of the compact model share."""

from tests.paths import ROOT

# The first checkpoint of the model, with golden numbers; a clone does not have it.
FIRST_CHECKPOINT = ROOT.parent / "shared" / "compact"
GOLDEN_TEST = "test_golden.py"
collect_ignore = [] if FIRST_CHECKPOINT.is_dir() else [GOLDEN_TEST]


def pytest_report_header() -> str:
    """Name the test that needs the checkpoint, where it is missing."""
    return "" if FIRST_CHECKPOINT.is_dir() else f"no {FIRST_CHECKPOINT}: {GOLDEN_TEST} left out"
