"""Choosing a command, its help, and what happens when it fails or is stopped."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType

import pytest

import convert.__main__
import convert.compact.__main__
from convert.command import Command, run_command

PACKAGES = {
    "convert": convert.__main__.COMMANDS,
    "convert.compact": convert.compact.__main__.COMMANDS,
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run a command line on a package whose one command, `work FILE`, does what a test says."""

    def run_work(work: Callable[[str], object], *argv: str) -> int:
        module = ModuleType("work_command")
        module.configure = lambda parser: parser.add_argument("file")
        module.run = lambda args: work(args.file)
        monkeypatch.setitem(sys.modules, "work_command", module)
        return run_command("tool", "A tool.", {"work": Command("work_command", "do it")}, argv)

    return run_work


@pytest.mark.parametrize("package", PACKAGES)
def test_help_lists_every_command_on_a_host_without_packages(package: str) -> None:
    program = (
        "import sys, runpy\n"
        "for name in ('numpy', 'PIL', 'cv2', 'onnx', 'torch'): sys.modules[name] = None\n"
        f"sys.argv = ['x', '--help']\nrunpy.run_module({package!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    listed = re.findall(r"^    (\w+) ", done.stdout, re.MULTILINE)
    assert listed == list(PACKAGES[package])


@pytest.mark.parametrize(
    ("package", "name"), [(package, name) for package, names in PACKAGES.items() for name in names]
)
def test_every_command_explains_its_arguments(
    package: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        run_command(package, "", PACKAGES[package], [name, "--help"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: python -m {package} {name} ")


def test_a_command_gets_its_arguments(run: Callable[..., int]) -> None:
    files: list[str] = []
    assert run(files.append, "work", "a.txt") == 0
    assert files == ["a.txt"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "python -m tool: error: the following arguments are required: COMMAND"),
        (["play"], "python -m tool: error: argument COMMAND: invalid choice: 'play'"),
        (["work"], "python -m tool work: error: the following arguments are required: file"),
        (["work", "a", "--no"], "python -m tool work: error: unrecognized arguments: --no"),
    ],
)
def test_wrong_usage_exits_with_2(
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    argv: list[str],
    message: str,
) -> None:
    with pytest.raises(SystemExit) as exit_:
        run(print, *argv)
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


def test_a_missing_package_is_named(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(lambda _: __import__("no_such_package"), "work", "a") == 1
    assert capsys.readouterr().err.startswith("error: the package no_such_package is not installed")


def test_a_file_that_cannot_be_read_is_one_line(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(open, "work", "/no/such/file") == 1
    assert capsys.readouterr().err == (
        "error: /no/such/file: No such file or directory. Check the path and its permissions.\n"
    )


def test_an_interrupt_exits_with_130(run: Callable[..., int]) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    assert run(interrupt, "work", "a") == 130


def test_a_termination_exits_with_143_and_the_handler_is_restored(run: Callable[..., int]) -> None:
    previous = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as exit_:
        run(lambda _: os.kill(os.getpid(), signal.SIGTERM), "work", "a")
    assert exit_.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is previous
