"""The end of an Ascend engine: by `close`, and by the end of the process."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from segmentation.errors import InferenceFailed
from segmentation.model_card import save_card
from tests.segmentation.engines.ascend.small_engine import SIZE_HW, StartEngine, card_with_oms
from tests.stand_ins.om_card import CHIP, small_card, write_om
from tests.stand_ins.small_model import random_image
from tests.stand_ins.toolkit import SITE_PACKAGES

RUN_ONCE = """
import sys, numpy as np
from pathlib import Path
from segmentation.engines.ascend.engine import AscendEngine
from segmentation.model_card import load_card
engine = AscendEngine(load_card(Path(sys.argv[1])))
print(engine.device, engine.run(np.zeros((1, 3, 32, 32), 'f'))[1].shape)
"""
HANG_AND_RECOVER = """
import sys, numpy as np, acl.stand_in
from pathlib import Path
from segmentation.engines.ascend.engine import AscendEngine
from segmentation.errors import InferenceFailed
from segmentation.model_card import load_card
engine = AscendEngine(load_card(Path(sys.argv[1])), timeout_s=0.2)
acl.stand_in.inject('stream', acl.stand_in.HANG, times=9)
try:
    engine.run(np.zeros((1, 3, 32, 32), 'f'))
except InferenceFailed:
    print('failed')
acl.stand_in.chip.released.set()
while engine._pool.workers[0]._acl.current_call_seconds():
    pass
engine.run(np.zeros((1, 3, 32, 32), 'f'))
"""


def run_program(source: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program on the stand-in, in a process that does not close its engine."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", source, str(folder)],
        env={**os.environ, "PYTHONPATH": f"{SITE_PACKAGES}{os.pathsep}."},
        capture_output=True,
        text=True,
        check=True,
    )


def test_an_engine_may_be_closed_twice_and_then_refuses_photos(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path
) -> None:
    engine = start_engine(card_with_oms(tmp_path))
    engine.close()
    engine.close()
    assert acl.stand_in.chip.leaks() == {}
    with pytest.raises(InferenceFailed, match="closed"):
        engine.run(random_image())


def test_closing_one_of_two_engines_keeps_the_device(
    start_engine: StartEngine, tmp_path: Path
) -> None:
    first, second = start_engine(card_with_oms(tmp_path)), start_engine(card_with_oms(tmp_path))
    first.run(random_image())
    first.close()
    second.run(random_image())


def test_a_failing_teardown_goes_on_and_is_logged(
    start_engine: StartEngine,
    acl: ModuleType,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = start_engine(card_with_oms(tmp_path))
    acl.stand_in.inject("mdl.destroy_desc", 500000)
    engine.close()
    assert acl.stand_in.chip.leaks() == {"desc": 1}
    assert "mdl.destroy_desc" in caplog.text
    acl.stand_in.chip.handles["desc"].clear()


def test_a_process_releases_everything_when_it_ends(tmp_path: Path) -> None:
    save_card(small_card(tmp_path, [write_om(tmp_path, [SIZE_HW])]))
    process = run_program(RUN_ONCE, tmp_path)
    assert process.stdout == f"{CHIP} (3, 8, 8)\n"
    assert process.stderr == ""


def test_a_process_releases_everything_after_a_wait_that_hung(tmp_path: Path) -> None:
    save_card(small_card(tmp_path, [write_om(tmp_path, [SIZE_HW])]))
    process = run_program(HANG_AND_RECOVER, tmp_path)
    assert process.stdout == "failed\n"
    assert "was not called" not in process.stderr
    assert "leaked" not in process.stderr
