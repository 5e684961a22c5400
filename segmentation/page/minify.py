"""Reads style sheets, scripts and HTML as the page sends them."""

import re
from pathlib import Path

# From the start of a line, so that no string or address is taken for a comment.
COMMENT = re.compile(r"^[ \t]*(?://[^\n]*|/\*.*?\*/)", re.MULTILINE | re.DOTALL)


def read_code(path: Path) -> str:
    """Read a file without its comments and indentation, which every visitor would load.

    Args:
        path: of a style sheet, a script or HTML. A comment that is to be left out starts its line.
    """
    lines = COMMENT.sub("", path.read_text("utf-8")).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())
