"""The page in its own process on an Ascend card, for which pyACL's stand-in takes the place.

The chip fails at the first photo and at the retry, and works from the second photo on.
"""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.paths import ROOT
from tests.segmentation.page.browser_tab import BrowserTab
from tests.segmentation.page.browsing import download, photo_input
from tests.stand_ins.om_card import CHIP, bundled_card_with_oms
from tests.stand_ins.toolkit import SITE_PACKAGES
from tests.started import Started, started

# Long enough for a busy machine, which also runs the stand-in of the chip.
TIMEOUT_MS = 60_000


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """Return the path of the stand-in's report."""
    return tmp_path / "report.json"


@pytest.fixture
def running(tmp_path: Path, report: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Started]:
    monkeypatch.syspath_prepend(SITE_PACKAGES)
    bundled_card_with_oms(tmp_path)
    # Checked before, so that the check at the start does not consume the faults.
    artifacts = json.loads((tmp_path / "card.json").read_text("utf-8"))["artifacts"]
    checks = tmp_path / "cache" / "koutu" / "self_check.json"
    checks.parent.mkdir(parents=True)
    known = {artifact["sha256"]: 1.0 for artifact in artifacts if artifact["format"] == "om"}
    checks.write_text(json.dumps(known), "utf-8")
    environment = {
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PYTHONPATH": str(SITE_PACKAGES),
        "ACL_STAND_IN_REPORT": str(report),
        "ACL_STAND_IN_FAULTS": "stream=507015x2",
    }
    with started("--model", str(tmp_path), environment=environment) as running:
        yield running


def upload(page: Page, name: str) -> None:
    page.locator("#examples img").first.wait_for()
    photo_input(page).set_input_files(ROOT / "examples" / name)


def test_the_page_recovers_from_a_chip_failure_and_stops_without_leaks(
    tab: BrowserTab, running: Started, report: Path, tmp_path: Path
) -> None:
    with tab.visit(running.address) as page:
        upload(page, "astronaut.png")
        failure = page.get_by_text("The Ascend device failed while computing")
        expect(failure).to_be_visible(timeout=TIMEOUT_MS)

        page.goto(running.address)
        upload(page, "flower.jpg")
        expect(page.get_by_text(CHIP)).to_be_visible(timeout=TIMEOUT_MS)
        expect(page.get_by_text("Model", exact=True)).to_be_hidden()  # there is only one
        expect(page.locator("#download")).to_be_enabled(timeout=TIMEOUT_MS)
        image = download(page, tmp_path)[1]
    assert image.shape[2] == 4
    assert 0 < (image[..., 3] > 127).mean() < 1

    running.process.send_signal(signal.SIGINT)
    running.process.communicate()
    stand_in_report = json.loads(report.read_text("utf-8"))
    assert running.process.returncode == 0
    assert stand_in_report["leaks"] == {}
    assert stand_in_report["finalised"]
    assert stand_in_report["calls"]["mdl.load_from_file"] > 3
