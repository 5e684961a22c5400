"""Colours written as text."""

import re

from segmentation.errors import ChoiceError


def parse_rgb(text: str) -> tuple[int, int, int]:
    """Read a colour written as #RRGGBB, #RGB, or the rgb() or rgba() form that browsers send.

    Returns:
        8-bit red, green, blue; an opacity is ignored.

    Raises:
        ChoiceError: the text is none of these.
    """
    text = text.strip()
    if re.fullmatch(r"#([0-9a-fA-F]{3}){1,2}", text):
        digits = text[1:] if len(text) == 7 else "".join(digit * 2 for digit in text[1:])
        red, green, blue = (int(digits[start : start + 2], 16) for start in (0, 2, 4))
        return red, green, blue
    number = r"(\d+(?:\.\d+)?)"
    if match := re.fullmatch(rf"rgba?\({number}, *{number}, *{number}(?:, *{number})?\)", text):
        red, green, blue = (min(255, round(float(value))) for value in match.groups()[:3])
        return red, green, blue
    raise ChoiceError(
        f"{text[:20]} is not a colour. Write it like #FFFFFF.",
        f"{text[:20]} 不是颜色，请写成 #FFFFFF 的形式。",
    )
