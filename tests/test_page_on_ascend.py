"""The page on an Ascend card, as the stand-in plays it, started as from a shell.

The chip fails at the first photo and at its second attempt, and takes the next one.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.stand_ins.om_card import CHIP, bundled_card_with_oms
from tests.stand_ins.toolkit import SITE_PACKAGES

PROJECT = Path(__file__).parent.parent
# A busy machine takes long over a large photo; a test that passes never waits this long.
PATIENCE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Running:
    """A page in a process of its own, and where the stand-in writes its report."""

    process: subprocess.Popen[str]
    address: str
    report: Path


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.syspath_prepend(SITE_PACKAGES)
    bundled_card_with_oms(tmp_path)
    report = tmp_path / "report.json"
    process = subprocess.Popen(
        [sys.executable, "-u", "app.py", "--model", tmp_path],
        cwd=PROJECT,
        env={
            **os.environ,
            "PYTHONPATH": str(SITE_PACKAGES),
            "ACL_STAND_IN_REPORT": str(report),
            "ACL_STAND_IN_FAULTS": "stream=507015x2",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Where pytest runs in the background, a child would be born deaf to this signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        assert process.stdout
        said = ""
        while "http://" not in said:
            said = process.stdout.readline()
            assert said, "the page ended before it was there"
        yield Running(process, said.split()[-1], report)
        process.kill()


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


def upload(page: Page, address: str, name: str) -> None:
    page.goto(address)
    page.locator("#examples img").first.wait_for()
    page.locator("input[type=file]").first.set_input_files(PROJECT / "examples" / name)


def test_a_failing_chip_a_cut_out_and_an_end_without_leaks(
    browser: Browser, running: Running, tmp_path: Path
) -> None:
    page = browser.new_page(locale="en-US")
    upload(page, running.address, "astronaut.png")
    failure = page.get_by_text("The Ascend device failed while computing")
    expect(failure).to_be_visible(timeout=PATIENCE_MS)

    upload(page, running.address, "two_dogs.jpg")
    expect(page.get_by_text(CHIP)).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("Model", exact=True)).to_be_hidden()  # there is but one
    expect(page.locator("#download")).to_be_enabled(timeout=PATIENCE_MS)
    with page.expect_download() as waiting:
        page.locator("#download").click()
    waiting.value.save_as(tmp_path / "dogs.png")
    image = cv2.imread(str(tmp_path / "dogs.png"), cv2.IMREAD_UNCHANGED)
    assert image is not None
    assert image.shape[2] == 4
    assert 0 < (image[..., 3] > 127).mean() < 1

    running.process.send_signal(signal.SIGINT)
    running.process.communicate()
    report = json.loads(running.report.read_text("utf-8"))
    assert running.process.returncode == 0
    assert report["leaks"] == {}
    assert report["finalised"]
    assert report["calls"]["mdl.load_from_file"] > 3
