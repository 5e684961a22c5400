"""The errors form the documented tree, and each has its message in both languages."""

import re

import pytest

from segmentation import errors
from segmentation.errors import KoutuError, StorageFull
from segmentation.i18n import Text


def family(parent: type[KoutuError]) -> list[type[KoutuError]]:
    children = parent.__subclasses__()
    return [parent, *(descendant for child in children for descendant in family(child))]


def documented_tree() -> dict[str, tuple[str | None, str | None]]:
    """Name -> (parent, built-in base), read from the tree in the module's docstring."""
    tree: dict[str, tuple[str | None, str | None]] = {}
    branch: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"^([│ ]*(?:[├└]── )?)([A-Z]\w+)(?: \((\w+)\))?(?:  |$)", line):
            indent, name, builtin = match.groups()
            branch = [*branch[: len(indent) // 4], name]
            tree[name] = (branch[-2] if len(branch) > 1 else None, builtin)
    return tree


def test_the_documented_tree_is_the_real_one() -> None:
    real = {
        kind.__name__: (
            kind.__bases__[0].__name__ if kind is not KoutuError else None,
            kind.__bases__[1].__name__ if len(kind.__bases__) > 1 else None,
        )
        for kind in family(KoutuError)
        if kind.__module__ == "segmentation.errors"
    }
    assert documented_tree() == real


@pytest.mark.parametrize("kind", family(KoutuError), ids=lambda kind: kind.__name__)
def test_every_error_has_its_message_in_both_languages(kind: type[KoutuError]) -> None:
    error = kind("what happened", "出了什么事")
    assert str(error) == "what happened"
    assert error.in_language("en") == "what happened"
    assert error.in_language("zh") == "出了什么事"
    with pytest.raises(TypeError):
        kind("one language only")  # type: ignore[call-arg]


def test_an_error_is_made_of_a_text() -> None:
    text = Text("The disk is full.", "磁盘已满。")
    error = StorageFull.from_text(text)
    assert isinstance(error, StorageFull)
    assert error.text == text
