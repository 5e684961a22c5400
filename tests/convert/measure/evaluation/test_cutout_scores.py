import numpy as np

from convert.measure.evaluation.cutout_scores import click_points


def test_clicks_fall_inside_the_object_and_the_first_in_its_middle() -> None:
    bar = np.zeros((40, 90), bool)
    bar[10:31, 20:81] = True
    points = click_points(bar)
    assert len(points) == len({*points}) == 5
    assert points == click_points(bar), "the same on every call"
    assert points[0][1] == 20
    assert 30 <= points[0][0] <= 70
    for x, y in points:
        assert 23 <= x <= 77
        assert 13 <= y <= 27


def test_an_object_of_one_pixel_is_clicked_there() -> None:
    dot = np.zeros((5, 5), bool)
    dot[4, 0] = True
    assert {*click_points(dot)} == {(0.0, 4.0)}
