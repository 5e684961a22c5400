"""The examples and tables of the READMEs hold on a running page and its API."""

import inspect
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import cv2
import pytest

import app
from segmentation.page.api import ARGUMENTS, Calls
from segmentation.page.photo_cache import MAX_BYTES
from segmentation.page.server.files.storage import STORAGE_MEGABYTES
from segmentation.page.server.files.uploads import KEEP_SECONDS, SWEEP_SECONDS
from segmentation.page.server.http.form import MAX_FILES
from segmentation.page.server.http.login import WRONG_RATE
from segmentation.page.server.http.request_body import EVENT_BYTES
from segmentation.page.server.limits.idle_connections import (
    IDLE_SECONDS,
    MAX_CONNECTIONS_PER_NETWORK,
)
from segmentation.page.server.limits.policy import (
    PRIVATE_PAGE,
    PUBLIC_PAGE,
    UPLOAD_MEGABYTES,
    PagePolicy,
    Rate,
)
from segmentation.page.server.limits.rate_limit import SESSIONS_PER_NETWORK
from tests.readmes import (
    PAGE_README,
    READMES,
    code_blocks,
    codes,
    commands,
    halves,
    synopsis,
    tables,
)

TEXTS = [readme.read_text("utf-8") for readme in READMES]
SHORT_PYTHON, LONG_PYTHON = (
    [code for code in code_blocks(text, "python") if code.startswith("from gradio_client")]
    for text in TEXTS
)
CURL = [code for code in code_blocks(TEXTS[1], "bash") if code.startswith("at=")]
START_COMMANDS = [command for text in TEXTS for command, _ in commands(text, "python app.py")]
# The sections of the page's README in English and in Chinese.
START = ("Start", "启动")
PUBLIC = ("Public pages", "公开页面")
OPTIONS = ("Options", "抠图参数")


@pytest.fixture
def dog_folder(small_dogs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a folder with the `dog.jpg` of the examples."""
    shutil.copy(small_dogs, tmp_path / "dog.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_both_languages_have_the_same_examples() -> None:
    assert len(SHORT_PYTHON) == len(LONG_PYTHON) == len(CURL) == 2


@pytest.mark.parametrize("code", SHORT_PYTHON)
@pytest.mark.usefixtures("dog_folder")
def test_the_short_python_examples_cut_out_a_dog(code: str, address: str) -> None:
    scope = run_python(code, address)
    assert_dog_on_white(scope["file"])


@pytest.mark.parametrize("code", LONG_PYTHON)
@pytest.mark.usefixtures("dog_folder")
def test_the_long_python_examples_find_and_cut_out_a_dog(code: str, address: str) -> None:
    scope = run_python(code, address)
    assert_dog_on_white(scope["file"])
    found = scope["found"]
    labels = {instance["id"]: instance["label"] for instance in found["instances"]}
    assert "dog" in {labels[id_] for id_ in found["chosen"]}
    assert found["size_hw"] == list(cv2.imread("dog.jpg").shape[:2])
    assert cv2.imread(scope["overlay"]) is not None
    fields = tables(PAGE_README.read_text("utf-8"), "API")[0]
    assert [name for row in fields for name in codes(row[0])] == [*found]
    assert codes(fields[1][1]) == [*found["instances"][0]]


@pytest.mark.parametrize("script", CURL)
def test_the_curl_examples_write_a_webp(script: str, address: str, dog_folder: Path) -> None:
    script = script.replace("http://127.0.0.1:7860/", address)
    subprocess.run(["bash", "-euc", script], cwd=dog_folder, check=True)
    assert (dog_folder / "dog_cutout.webp").read_bytes()[8:12] == b"WEBP"


@pytest.mark.parametrize("name", ["x[1].jpg", "my dog, {2};.jpg", "狗 & 'b'.jpg"])
def test_the_curl_example_takes_odd_file_names(
    name: str, address: str, small_dogs: Path, tmp_path: Path
) -> None:
    shutil.copy(small_dogs, tmp_path / name)
    quoted = name.replace("'", "'\\''")
    script = CURL[0].replace("http://127.0.0.1:7860/", address).replace("dog.jpg", quoted)
    subprocess.run(["bash", "-euc", script], cwd=tmp_path, check=True)
    assert (tmp_path / "dog_cutout.webp").read_bytes()[8:12] == b"WEBP"


@pytest.mark.parametrize("section", START)
def test_the_table_of_flags_lists_the_flags_of_the_page(section: str) -> None:
    flags = [code for row in tables(TEXTS[1], section)[0] for code in codes(row[0])]
    assert flags == page_flags()


@pytest.mark.parametrize("half", halves(PAGE_README), ids=["en", "zh"])
def test_the_synopsis_has_all_flags_of_the_page(half: str) -> None:
    assert sorted(re.findall(r"--[\w-]+", synopsis(half, "python app.py"))) == sorted(page_flags())


@pytest.mark.parametrize("command", START_COMMANDS)
def test_the_page_accepts_the_flags_of_a_command(command: str) -> None:
    _, flags = command.split("app.py")
    app.parser().parse_args(shlex.split(flags))


@pytest.mark.parametrize("section", OPTIONS)
def test_the_table_of_arguments_lists_the_arguments_of_the_call(section: str) -> None:
    rows = tables(TEXTS[1], section)[0]
    parameters = inspect.signature(Calls.cutout).parameters
    defaults = {
        name: parameter.default
        for name, parameter in parameters.items()
        if name not in ("self", "request")
    }
    assert [codes(row[0])[0] for row in rows] == [*defaults] == [*ARGUMENTS]
    for row in rows:
        default = defaults[codes(row[0])[0]]
        shown = [json.loads(code) for code in codes(row[1])]
        assert shown == ([] if default is inspect.Parameter.empty else [default])


@pytest.mark.parametrize("section", PUBLIC)
def test_the_table_of_limits_has_the_limits_of_the_policies(section: str) -> None:
    (rows,) = tables(TEXTS[1], section)
    columns = zip(*(row[1:] for row in rows), strict=True)
    for policy, column in zip((PRIVATE_PAGE, PUBLIC_PAGE), columns, strict=True):
        assert [numbers(cell) for cell in column] == expected_limits(policy)


@pytest.mark.parametrize("half", halves(PAGE_README), ids=["en", "zh"])
def test_other_limits_match_the_code(half: str) -> None:
    for number, unit in (
        (MAX_BYTES / 1e6, "MB"),
        ((KEEP_SECONDS + 2 * SWEEP_SECONDS) / 60, "minutes|分钟"),
        (IDLE_SECONDS, "seconds|秒"),
        (MAX_FILES, "files|个文件"),
        (UPLOAD_MEGABYTES, "MB"),
        (EVENT_BYTES / 1e6, "MB"),
        (PRIVATE_PAGE.limits.batch_photos, "photos|张照片"),
    ):
        assert re.search(rf"\b{number:g}\s+({unit})", half), (number, unit)


def assert_dog_on_white(file: str) -> None:
    """Check the file of a cut-out."""
    assert Path(file).name == "dog_cutout.jpg"
    image = cv2.imread(file)
    assert image is not None
    assert image[2, 2].min() > 250, "the background is white"


def run_python(code: str, address: str) -> dict[str, Any]:
    """Run code that calls a page. Returns its names."""
    scope: dict[str, Any] = {}
    exec(code.replace("http://127.0.0.1:7860/", address), scope)
    scope["page"].close()
    return scope


def page_flags() -> list[str]:
    """Return the flags of the page, in the order of its help."""
    flags = [flag for action in app.parser()._actions for flag in action.option_strings]
    return [flag for flag in flags if flag not in ("-h", "--help")]


def expected_limits(policy: PagePolicy) -> list[list[float]]:
    """Return the numbers of each row of the table of limits."""
    limits, storage = policy.limits, STORAGE_MEGABYTES / 1000
    network = WRONG_RATE.burst * SESSIONS_PER_NETWORK, WRONG_RATE.per_minute * SESSIONS_PER_NETWORK
    return [
        [limits.megapixels, limits.megabytes],
        [limits.batch_photos],
        [limits.encoding_seconds] if limits.encoding_seconds else [],
        rate_numbers(policy.rate, 1),
        rate_numbers(policy.rate, SESSIONS_PER_NETWORK),
        [] if policy.max_waiting is None else [policy.max_waiting],
        [storage],
        [storage * policy.storage_share],
        rate_numbers(policy.reads, SESSIONS_PER_NETWORK),
        [MAX_CONNECTIONS_PER_NETWORK],
        [*network],
    ]


def rate_numbers(rate: Rate | None, sessions: int) -> list[float]:
    """Return the numbers of a rate for some sessions."""
    return [] if rate is None else [rate.burst * sessions, rate.per_minute * sessions]


def numbers(cell: str) -> list[float]:
    """Return the numbers in a cell of a table; Chinese counts pixels in 万, which are 10,000."""
    found = re.findall(r"([\d.]+)( 万像素)?", cell)
    return [float(number) / (100 if unit else 1) for number, unit in found]
