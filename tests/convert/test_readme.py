"""The README of `convert`: its commands are valid, and both languages show the same figures."""

import importlib
import re
import shlex

import pytest

from convert.__main__ import COMMANDS, main
from tests.paths import ROOT

ENGLISH, CHINESE = (ROOT / "convert" / "README.md").read_text("utf-8").split("\n# 中文\n")
BLOCKS = "\n".join(re.findall(r"```\w*\n(.*?)```", ENGLISH + CHINESE, re.S)).replace("\\\n", " ")
EXAMPLES = sorted(
    {
        line.split(" #")[0].strip()
        for line in BLOCKS.splitlines()
        if line.startswith("python -m convert ") and "--help" not in line
    }
)


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_command_of_the_readme_is_valid(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    argv = shlex.split(example.removeprefix("python -m convert "))
    module = importlib.import_module(COMMANDS[argv[0]].module)
    monkeypatch.setattr(module, "run", lambda _: None)
    assert main(argv) == 0


def test_every_command_is_in_the_readme() -> None:
    for text in (ENGLISH, CHINESE):
        rows = "\n".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))
        assert set(re.findall(r"`(\w+)`", rows)) == set(COMMANDS)


def test_both_languages_show_the_same_figures() -> None:
    def figures(text: str) -> list[str]:
        rows = (line for line in text.splitlines() if line.startswith("|"))
        return re.findall(r"\d+(?:\.\d+)?", "\n".join(rows))

    assert len(figures(ENGLISH)) > 100
    assert figures(ENGLISH) == figures(CHINESE)


@pytest.mark.parametrize("pattern", [r"python -m convert (\w+)", r"--[a-z][-a-z]+"])
def test_both_languages_name_the_same_commands_and_options(pattern: str) -> None:
    assert sorted(re.findall(pattern, ENGLISH)) == sorted(re.findall(pattern, CHINESE))
