"""What the README tells people to type does what it says."""

import re
import shutil
from pathlib import Path

import pytest

from tests.paths import ROOT

EXAMPLES_OF_CODE = re.findall(
    r"```python\n(from pathlib.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S
)


@pytest.mark.parametrize("code", EXAMPLES_OF_CODE)
def test_the_python_example_runs(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "examples" / "two_dogs.jpg", tmp_path / "dog.jpg")
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert (tmp_path / "dog_cutout.png").read_bytes().startswith(b"\x89PNG")


def test_there_is_one_in_each_language() -> None:
    assert len(EXAMPLES_OF_CODE) == 2
