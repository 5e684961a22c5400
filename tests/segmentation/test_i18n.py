"""The language of a page follows the browser's Accept-Language header."""

import pytest

from segmentation.i18n import Text, join_choices, join_sentences, preferred_language


def test_a_text_has_a_wording_for_each_language() -> None:
    text = Text("a photo", "照片")
    assert text.in_language("en") == "a photo"
    assert text.in_language("zh") == "照片"


@pytest.mark.parametrize(
    ("accept_language", "language"),
    [
        # What browsers send.
        ("en-US,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("zh-Hant-TW", "zh"),
        ("zh-CN,zh", "zh"),
        ("ZH-cn", "zh"),
        ("zh_CN", "zh"),
        # The first language that the page has, not the first that is listed.
        ("fr-FR,zh-CN;q=0.8,en;q=0.5", "zh"),
        ("fr-FR,en;q=0.8,zh-CN;q=0.5", "en"),
        ("de, en, zh", "en"),
        ("de, zh, en", "zh"),
        # Weights count before order.
        ("en;q=0.5, zh;q=0.9", "zh"),
        ("zh;q=0.5, en;q=0.9", "en"),
        ("zh;q=0.5, en", "en"),
        ("en ; q=0.1 , zh\t;\tQ=0.2", "zh"),
        # Chinese languages with tags of their own.
        ("yue-HK,zh-HK;q=0.9", "zh"),
        ("yue", "zh"),
        ("cmn-Hans-CN,en;q=0.5", "zh"),
        ("nan-TW", "zh"),
        ("wuu, en;q=0.9", "zh"),
        ("hak, en;q=0.9", "zh"),
        # Other languages whose tags begin alike.
        ("zha, en;q=0.5", "en"),
        ("enm, zh;q=0.5", "zh"),
    ],
)
def test_the_language_is_chosen_by_weight_and_order(accept_language: str, language: str) -> None:
    assert preferred_language(accept_language) == language


@pytest.mark.parametrize("accept_language", ["", "*", "fr", "fr-FR, de;q=0.5", ", ,", "*;q=0"])
def test_english_is_the_default(accept_language: str) -> None:
    assert preferred_language(accept_language) == "en"


@pytest.mark.parametrize(
    ("accept_language", "language"),
    [
        ("zh;q=0, en;q=0.1", "en"),
        ("en;q=0, zh;q=0.1", "zh"),
        ("zh;q=0.000, *", "en"),
        ("en;q=0, *", "zh"),
        ("fr, en;q=0", "zh"),
        ("zh-TW;q=0, zh-CN;q=0.1", "zh"),
        ("en;q=0, zh;q=0", "en"),
    ],
)
def test_a_weight_of_zero_excludes_a_language(accept_language: str, language: str) -> None:
    assert preferred_language(accept_language) == language


def test_a_wildcard_is_any_language_that_is_not_listed() -> None:
    assert preferred_language("zh;q=0.5, *;q=0.8") == "en"
    assert preferred_language("zh;q=0.5, *;q=0.1") == "zh"


@pytest.mark.parametrize(
    "weight",
    ["q=", "q=x", "q=nan", "q=inf", "q=-1", "q=2", "q=1.5", "q=0,9", "q", "level=1", "q=٠"],
)
def test_a_range_with_a_malformed_weight_is_ignored(weight: str) -> None:
    assert preferred_language(f"zh;{weight}, en;q=0.1") == "en"


@pytest.mark.parametrize("header", ["\0", ";;;,,,", "zh" * 40_000, "zh;q=0." + "9" * 40_000, "é"])
def test_a_hostile_header_does_no_harm(header: str) -> None:
    assert preferred_language(header) in ("en", "zh")


@pytest.mark.parametrize(
    ("names", "joined"),
    [
        (["PNG"], Text("PNG", "PNG")),
        (["PNG", "WebP"], Text("PNG or WebP", "PNG 或 WebP")),
        (["PNG", "WebP", "JPEG"], Text("PNG, WebP or JPEG", "PNG、WebP 或 JPEG")),
    ],
)
def test_names_are_joined_as_a_choice(names: list[str], joined: Text) -> None:
    assert join_choices(names) == joined


def test_sentences_are_joined_as_each_language_writes_them() -> None:
    sentences = [Text("One.", "一。"), Text("Two.", "二。")]
    assert join_sentences(sentences, "en") == "One. Two."
    assert join_sentences(sentences, "zh") == "一。二。"
