"""The tree of errors is the one drawn, and each error speaks both languages."""

import re

import pytest

from segmentation import errors
from segmentation.errors import KoutuError


def family(parent: type[KoutuError]) -> list[type[KoutuError]]:
    return [parent, *(deep for child in parent.__subclasses__() for deep in family(child))]


def drawn_tree() -> dict[str, tuple[str | None, str | None]]:
    """Name -> (parent, builtin), read from the drawing in the module's docstring."""
    tree: dict[str, tuple[str | None, str | None]] = {}
    branch: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"^([│ ]*(?:[├└]── )?)([A-Z]\w+)(?: \((\w+)\))?(?:  |$)", line):
            indent, name, builtin = match.groups()
            branch = [*branch[: len(indent) // 4], name]
            tree[name] = (branch[-2] if len(branch) > 1 else None, builtin)
    return tree


def test_the_drawing_is_the_tree() -> None:
    real = {
        kind.__name__: (
            kind.__bases__[0].__name__ if kind is not KoutuError else None,
            kind.__bases__[1].__name__ if len(kind.__bases__) > 1 else None,
        )
        for kind in family(KoutuError)
        if kind.__module__ == "segmentation.errors"
    }
    assert drawn_tree() == real


@pytest.mark.parametrize("kind", family(KoutuError), ids=lambda kind: kind.__name__)
def test_every_error_speaks_both_languages(kind: type[KoutuError]) -> None:
    error = kind("what happened", "出了什么事")
    assert str(error) == "what happened"
    assert error.in_language("en") == "what happened"
    assert error.in_language("zh") == "出了什么事"
    with pytest.raises(TypeError):
        kind("one language only")  # type: ignore[call-arg]
