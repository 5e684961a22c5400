"""Chinese names of labels."""

from convert.labels import translate_labels


def test_a_known_label_gets_its_chinese_name_and_an_unknown_one_keeps_its_own() -> None:
    labels = translate_labels(["dog", "road, route", "window ", "sky-other-merged", "quux"])
    assert [label.zh for label in labels] == ["狗", "道路", "窗户", "天空", "quux"]
