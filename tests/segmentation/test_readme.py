"""What the READMEs tell people to type works, and their tables agree with the registries."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from segmentation.__main__ import main
from segmentation.cli.parser import make_parser
from segmentation.compositing.backgrounds import BACKGROUND_SYNTAXES, FITS
from segmentation.compositing.crop import CROPS
from segmentation.compositing.sizing.presets import ID_COLOURS, SIZE_PRESETS
from segmentation.engines.onnx_providers import PROVIDERS
from segmentation.engines.registry import AUTO, ENGINES
from segmentation.i18n import Language
from segmentation.image.formats import OUTPUT_FORMATS
from tests.paths import ROOT
from tests.readmes import (
    PAGE_README,
    README,
    READMES,
    Table,
    anchor,
    code_blocks,
    code_languages,
    codes,
    commands,
    halves,
    headings,
    links,
    tables,
)

TEXTS = [readme.read_text("utf-8") for readme in READMES]
PYTHON = [
    code
    for text in TEXTS
    for code in code_blocks(text, "python")
    if code.startswith("from pathlib")
]
COMMANDS = list(
    dict.fromkeys(command for text in TEXTS for command in commands(text, "python -m segmentation"))
)
# The sections of the page's README in English and in Chinese.
START = ("Start", "启动")
OPTIONS = ("Options", "抠图参数")
SIZES = ("Sizes", "尺寸")


@pytest.fixture
def examples_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the examples in it, as in a checkout."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("kept_engine")
@pytest.mark.parametrize("code", PYTHON)
def test_the_python_example_runs(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "examples" / "two_dogs.jpg", tmp_path / "dog.jpg")
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert (tmp_path / "dog_cutout.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("kept_engine")
@pytest.mark.parametrize(("command", "comment"), COMMANDS, ids=[line for line, _ in COMMANDS])
def test_a_command_writes_the_files_that_its_comment_names(
    command: str, comment: str, examples_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(shlex.split(command.removeprefix("python -m segmentation "))) == 0
    written = {str(path.relative_to(examples_folder)) for path in examples_folder.rglob("*.*")}
    assert written == {name.strip(",") for name in comment.split() if "." in name}
    assert "examples/" in capsys.readouterr().out


@pytest.mark.parametrize("text", TEXTS, ids=["root", "page"])
def test_every_python_and_bash_block_is_run_by_a_test(text: str) -> None:
    for code in code_blocks(text, "python"):
        assert code.startswith(("from pathlib", "from gradio_client"))
    for code in code_blocks(text, "bash"):
        run_here = commands(f"```\n{code}```", "python -m segmentation")
        assert code.startswith("at=") or len(run_here) == len(code.splitlines())
    assert {*code_languages(text)} == {"", "python", "bash"}


def test_the_root_readme_is_short() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= 220


@pytest.mark.parametrize("readme", READMES, ids=["root", "page"])
def test_both_languages_say_as_much(readme: Path) -> None:
    english, chinese = halves(readme)
    assert code_languages(english) == code_languages(chinese)
    # The English half has the title.
    assert len(headings(english)) == len(headings(chinese)) + 1
    assert english.count("\n|") == chinese.count("\n|")
    assert english.count("\n- ") == chinese.count("\n- ")


@pytest.mark.parametrize("readme", READMES, ids=["root", "page"])
def test_every_link_leads_to_a_file_and_a_heading(readme: Path) -> None:
    for link in links(readme.read_text("utf-8")):
        if link.startswith("http"):
            continue
        name, _, fragment = link.partition("#")
        target = readme.parent / name if name else readme
        assert target.exists(), link
        if fragment:
            anchors = [anchor(heading) for heading in headings(target.read_text("utf-8"))]
            assert fragment in anchors, link


@pytest.mark.parametrize("section", OPTIONS)
def test_the_table_of_backgrounds_has_those_of_the_registry(section: str) -> None:
    _, backgrounds, _, _ = option_tables(section)
    assert tuple(code for row in backgrounds for code in codes(row[0])) == BACKGROUND_SYNTAXES


@pytest.mark.parametrize(("section", "yes"), [(OPTIONS[0], "yes"), (OPTIONS[1], "支持")])
def test_the_table_of_formats_has_those_of_the_registry(section: str, yes: str) -> None:
    _, _, formats, _ = option_tables(section)
    assert [codes(row[0]) for row in formats] == [[name] for name in OUTPUT_FORMATS]
    for output_format, row in zip(OUTPUT_FORMATS.values(), formats, strict=True):
        assert (row[1] == yes) == output_format.has_alpha
        quality = output_format.default_quality
        assert row[2].startswith(str(quality)) if quality else not row[2][0].isdecimal()


@pytest.mark.parametrize("section", START)
def test_the_table_of_engines_has_those_of_the_registry(section: str) -> None:
    _, engines, *_ = tables(PAGE_README.read_text("utf-8"), section)
    automatic, *choices = [codes(row[0])[0] for row in engines]
    assert automatic == AUTO
    named = [name for choice in choices for name, spec in ENGINES.items() if spec.matches(choice)]
    assert named == [*ENGINES]


@pytest.mark.parametrize("section", START)
def test_the_table_of_providers_has_those_of_the_registry(section: str) -> None:
    *_, rows = tables(PAGE_README.read_text("utf-8"), section)
    packages = {codes(row[2])[0]: codes(row[1])[0].partition("[")[0] for row in rows}
    assert packages == {f"onnx:{spec.key}": spec.package for spec in PROVIDERS.values()}


@pytest.mark.parametrize("section", OPTIONS)
def test_the_tables_have_all_flags_of_the_command_line(section: str) -> None:
    arguments, _, _, others = option_tables(section)
    flags = [code for row in arguments for code in codes(row[2])]
    flags += [code for row in others for code in codes(row[0])]
    actions = make_parser()._actions
    expected = [name for action in actions for name in action.option_strings or ["PHOTO..."]]
    # One flag gives a background and a backdrop, and two give strokes and a mask file of them.
    assert sorted({*flags}) == sorted({*expected} - {"-h", "--help"})
    assert len(flags) == len({*flags}) + 3


@pytest.mark.parametrize("section", OPTIONS)
def test_the_table_of_arguments_names_all_fits_and_crops(section: str) -> None:
    arguments = {codes(row[0])[0]: row[-1] for row in option_tables(section)[0]}
    assert {*FITS} <= {*codes(arguments["fit"])}
    assert {*CROPS} <= {*codes(arguments["crop"])}


@pytest.mark.parametrize(("section", "language"), [(SIZES[0], "en"), (SIZES[1], "zh")])
def test_the_table_of_sizes_has_those_of_the_registry(section: str, language: Language) -> None:
    (rows,) = tables(PAGE_README.read_text("utf-8"), section)
    assert [codes(row[0])[0] for row in rows] == [*SIZE_PRESETS]
    for preset, row in zip(SIZE_PRESETS.values(), rows, strict=True):
        height, width = preset.size.size_hw
        assert row[1:3] == [preset.title.in_language(language), f"{width} × {height}"]
        assert row[3] == str(preset.dpi) or (not preset.dpi and not row[3].isdecimal())
        head = preset.size.head
        shares = re.findall(r"\d+%", row[4])
        assert shares == ([f"{head.height:.0%}", f"{head.top_margin:.0%}"] if head else [])


@pytest.mark.parametrize("half", halves(PAGE_README), ids=["en", "zh"])
def test_the_colours_of_id_photos_are_those_of_the_registry(half: str) -> None:
    assert all(f"`{colour}`" in half for colour in ID_COLOURS)


def option_tables(section: str) -> list[Table]:
    """Return the tables of arguments, backgrounds, formats, and further flags."""
    return tables(PAGE_README.read_text("utf-8"), section)
