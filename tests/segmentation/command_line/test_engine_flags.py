"""`--engine` and `--devices`, on the command line and for the page."""

import pytest

import app
from segmentation.cli.parser import make_parser, parse


@pytest.mark.parametrize(
    ("arguments", "engine"),
    [
        ("", "auto"),
        ("--engine ascend", "ascend"),
        ("--devices 0,1,3", "ascend:0,1,3"),
        ("--engine ascend --devices 2", "ascend:2"),
        ("--devices 2 --engine auto", "ascend:2"),
        ("--devices 0,1 --engine ascend:0,1", "ascend:0,1"),
    ],
)
def test_devices_stand_for_an_engine(arguments: str, engine: str) -> None:
    assert parse(["photo.jpg", *arguments.split()], make_parser()).engine == engine


@pytest.mark.parametrize("engine", ["onnx", "ascend:0", "http://127.0.0.1:9"])
def test_devices_of_another_engine_are_wrong_usage(
    engine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--engine", engine, "--devices", "0,1"]
    for start in (app.main, lambda flags: parse(["photo.jpg", *flags], make_parser())):
        with pytest.raises(SystemExit) as exit_:
            start(arguments)
        assert exit_.value.code == 2
        assert f"--devices asks for --engine ascend:0,1, not {engine}." in capsys.readouterr().err


@pytest.mark.parametrize("devices", ["", "0,", "-1", "0-3", "all", "0, 1"])
def test_devices_are_numbers(devices: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        app.main(["--devices", devices])
    assert exit_.value.code == 2
    assert f"'{devices}' is not a list of device numbers" in capsys.readouterr().err


def test_the_page_takes_the_devices(capsys: pytest.CaptureFixture[str]) -> None:
    """On this host without CANN, to ask for a device is an error, and not onnxruntime instead."""
    assert app.main(["--devices", "0"]) == 1
    assert "CANN" in capsys.readouterr().err
