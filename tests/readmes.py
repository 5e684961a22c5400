"""Parse the READMEs, for the tests that run and check their contents."""

import re
from pathlib import Path

from tests.paths import ROOT

README = ROOT / "README.md"
PAGE_README = ROOT / "segmentation" / "page" / "README.md"
READMES = (README, PAGE_README)
CHINESE_HEADING = "\n# 中文\n"

# Rows of cells, without the header row.
Table = list[list[str]]


def code_blocks(text: str, language: str = "") -> list[str]:
    """Return the code of the fenced blocks of a language; "" selects blocks that name none."""
    return [code for name, code in _fenced(text) if name == language]


def code_languages(text: str) -> list[str]:
    """Return the languages of the fenced blocks, in order."""
    return [name for name, _ in _fenced(text)]


def commands(text: str, program: str) -> list[tuple[str, str]]:
    """Return the command lines that run a program, each with its comment.

    A synopsis, which has options in brackets, is left out.
    """
    lines = [line for _, code in _fenced(text) for line in code.splitlines()]
    split = [re.split(r"\s+#\s", line, maxsplit=1) for line in lines]
    return [(command, "".join(comment)) for command, *comment in split if _runs(command, program)]


def synopsis(text: str, program: str) -> str:
    """Return the first block that lists the flags of a program."""
    return next(code for _, code in _fenced(text) if code.startswith(f"{program} ["))


def headings(text: str) -> list[str]:
    """Return the headings, in order."""
    return re.findall(r"^#+ (.+)$", _without_code(text), re.M)


def links(text: str) -> list[str]:
    """Return the targets of the links and images."""
    return re.findall(r"\]\(([^)\s]+)\)", _without_code(text))


def tables(text: str, section: str) -> list[Table]:
    """Return the tables of the section with a heading."""
    body = _without_code(text).split(f"\n## {section}\n")[1].split("\n## ")[0]
    return [
        [[cell.strip() for cell in row.strip("|").split("|")] for row in block.splitlines()[2:]]
        for block in re.findall(r"(?:^\|.*\n)+", body, re.M)
    ]


def codes(cell: str) -> list[str]:
    """Return the strings in backticks in a cell of a table."""
    return re.findall(r"`([^`]+)`", cell)


def halves(readme: Path) -> tuple[str, str]:
    """Return the English and the Chinese half."""
    english, chinese = readme.read_text("utf-8").split(CHINESE_HEADING)
    return english, chinese


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _runs(command: str, program: str) -> bool:
    # Environment variables may come before the program.
    return re.match(rf"([A-Z_]+=\S+ |\w+=\"[^\"]*\" )*{program} [^\[]*$", command) is not None


def _fenced(text: str) -> list[tuple[str, str]]:
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.S | re.M)


def _without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M)
