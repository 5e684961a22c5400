"""Files as the page sends them."""

from pathlib import Path

from segmentation.page.minify import read_code


def test_comments_and_indentation_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "code.js"
    file.write_text(
        '/**\n * Go.\n */\nfunction go() {\n  // there\n  open("https://a.example/*");\n}\n\n'
        "/* of two\n   lines */\n* {}\n"
    )
    assert read_code(file) == 'function go() {\nopen("https://a.example/*");\n}\n* {}'
