"""Colours written as text."""

import re

from PIL import ImageColor

from segmentation.errors import ChoiceError


def is_colour_name(text: str) -> bool:
    """Return whether a text is the name of a colour in CSS, such as white, in any case."""
    return text.strip().lower() in ImageColor.colormap


def parse_rgb(text: str) -> tuple[int, int, int]:
    """Read a colour.

    Args:
        text: #RRGGBB, #RGB, a name of CSS in any case, or the rgb() or rgba() form that browsers
            send.

    Returns:
        8-bit red, green, blue; the opacity of rgba() is ignored.

    Raises:
        ChoiceError: the text is none of these, or has an opacity like #RRGGBBAA.
    """
    text = text.strip()
    if is_colour_name(text):
        red, green, blue = ImageColor.getrgb(text)[:3]
        return red, green, blue
    if re.fullmatch(r"#([0-9a-fA-F]{4}){1,2}", text):
        opaque = text[:7] if len(text) == 9 else text[:4]
        raise ChoiceError(
            f"{text} has an opacity, and colours here are opaque. Write it like {opaque}.",
            f"{text} 带有不透明度，这里的颜色必须不透明。请写成 {opaque}。",
        )
    if re.fullmatch(r"#([0-9a-fA-F]{3}){1,2}", text):
        digits = text[1:] if len(text) == 7 else "".join(digit * 2 for digit in text[1:])
        red, green, blue = (int(digits[start : start + 2], 16) for start in (0, 2, 4))
        return red, green, blue
    number = r"(\d+(?:\.\d+)?)"
    if match := re.fullmatch(rf"rgba?\({number}, *{number}, *{number}(?:, *{number})?\)", text):
        red, green, blue = (min(255, round(float(value))) for value in match.groups()[:3])
        return red, green, blue
    raise ChoiceError(
        f"{text[:20]} is not a colour. Write it like #FFFFFF, or use a CSS name such as white.",
        f"{text[:20]} 不是颜色，请写成 #FFFFFF 的形式，或使用 white 等 CSS 颜色名。",
    )
