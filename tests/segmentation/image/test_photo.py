"""Stems of file names are safe on every file system."""

import pytest

from segmentation.image.photo import safe_stem


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("IMG_0001.JPG", "IMG_0001"),
        ("我的照片.jpg", "我的照片"),
        ("cafe\u0301.png", "caf\u00e9"),
        ("two words (1).jpeg", "two_words_1"),
        ("a.tar.gz", "a_tar"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot"),
        ("..", "photo"),
        ("", "photo"),
        (".", "photo"),
        (".hidden", "hidden"),
        ("😀.png", "photo"),
        ("😀cat😀.png", "cat"),
        ("❤\ufe0f.png", "photo"),
        ("हिन्दी तस्वीर.jpg", "हिन्दी_तस्वीर"),
        ("ภาพถ่าย.jpg", "ภาพถ่าย"),
        ("தமிழ்.jpg", "தமிழ்"),
        ("مُحَمَّد.jpg", "مُحَمَّد"),
        ("-rf.png", "-rf"),
        ("CON.jpg", "photo_CON"),
        ("_nul.jpg", "photo_nul"),
        ("com¹", "photo_com¹"),
        ("console.jpg", "console"),
        ("a\nb\0c\udcff.png", "a_b_c"),
        ("%s<script>.png", "s_script"),
    ],
)
def test_a_stem_is_safe_and_recognisable(name: str, stem: str) -> None:
    assert safe_stem(name) == stem


@pytest.mark.parametrize("letter", ["a", "照", "𠮷", "é"])
def test_a_long_stem_fits_into_a_file_name(letter: str) -> None:
    stem = safe_stem(letter * 300 + ".jpg")
    assert stem
    assert set(stem) == {letter}
    assert len(f"{stem}_1000_cutout.png".encode()) <= 255
