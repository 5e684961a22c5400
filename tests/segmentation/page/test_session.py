"""What a page remembers, and what follows from it."""

from dataclasses import replace

import numpy as np
import pytest

from segmentation.i18n import Text
from segmentation.image.photo import Photo
from segmentation.inference.refine import Refinement
from segmentation.inference.segmenter import Timings
from segmentation.page.session import (
    PREVIEW_SIDE,
    SCORE_STEP,
    SQUARE,
    PhotoState,
    line,
    messages,
    on_checkerboard,
    preview,
    preview_scale,
)
from segmentation.page.strings import STRINGS
from tests.segmentation.scenes import DOG, OBJECT, PERSON, block, geometry, segmentation

SCENE = segmentation((PERSON, block(2, 2, 10, 18)), (DOG, block(12, 10, 19, 18)))
BEST, SECOND = (instance.score for instance in SCENE.instances)
BETWEEN = (BEST + SECOND) / 2
TIMINGS = Timings(load=0, prepare=0.01, infer=0.3, instances=0.02)
DESK = PhotoState("photo.jpg", "preview.jpg", "compact", SCENE, (), TIMINGS, ())


@pytest.mark.parametrize(
    ("click", "before", "after"),
    [
        ((60, 100), (), (1,)),
        ((60, 100), (1,), ()),
        ((150, 140), (1,), (1, 2)),
        ((190, 10), (1,), (1,)),
    ],
)
def test_a_click_adds_or_takes_away(
    click: tuple[int, int], before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    desk = replace(DESK, chosen=before).clicking(click, 0)
    assert sorted(desk.chosen) == sorted(after)


UNSURE = 0.04
# Under (80, 100) lie, in this order, 1, 2 and 4; beside it 3.
PILE = segmentation(
    (DOG, block(4, 6, 12, 14)),
    (DOG, block(3, 4, 14, 16)),
    (DOG, block(15, 0, 20, 20)),
    (OBJECT, block(6, 8, 10, 12) * UNSURE),
)


@pytest.mark.parametrize(
    ("before", "walk"),
    [
        ((), [(1,), (2,), (4,), (), (1,)]),
        ((1,), [(2,), (4,), ()]),
        ((3,), [(1, 3), (2, 3), (3, 4), (3,)]),
        ((1, 4), [(2, 4), (4,), ()]),
        # What is clicked lies before what was chosen, and is had beside it.
        ((2,), [(1, 2), (2,), (4,), ()]),
        ((4,), [(1, 4), (2, 4), (4,), ()]),
    ],
)
def test_further_clicks_go_on_to_what_else_lies_there(
    before: tuple[int, ...], walk: list[tuple[int, ...]]
) -> None:
    desk = replace(DESK, segmentation=PILE, chosen=before)
    assert PILE.at((80, 100), 0) == (1, 2, 4)
    steps = []
    for _ in walk:
        desk = desk.clicking((80, 100), 0)
        steps.append(tuple(sorted(desk.chosen)))
    assert steps == walk


def test_a_pick_between_two_clicks_makes_the_second_one_a_first_one() -> None:
    desk = replace(DESK, segmentation=PILE).clicking((80, 100), 0)
    assert desk.picking((2,)).clicking((80, 100), 0).choice(0) == (1, 2)
    twice = desk.clicking((80, 100), 0)
    assert twice.clicking((180, 100), 0).clicking((80, 100), 0).choice(0) == (1, 2, 3)
    assert twice.undone().clicking((80, 100), 0).choice(0) == (2,)


def test_a_click_on_the_preview_is_one_on_the_photo() -> None:
    large = replace(SCENE, geometry=geometry((20, 20), (5120, 5120)))
    desk = replace(DESK, segmentation=large)
    assert preview_scale((5120, 5120)) == PREVIEW_SIDE / 5120
    # Cells are 64 pixels of the preview.
    assert desk.clicking((5 * 64, 9 * 64), 0).chosen == (1,)
    assert desk.clicking((19 * 64, 2 * 64), 0).chosen == ()


def test_what_is_hidden_does_not_count() -> None:
    desk = replace(DESK, chosen=(1, 2))
    assert desk.choice(0) == (1, 2)
    assert desk.choice(BETWEEN) == (1,)


@pytest.mark.parametrize(
    ("before", "after"),
    [((), (2,)), ((1,), (1, 2)), ((2,), (2,)), ((1, 2), (1, 2))],
)
def test_a_click_where_nothing_is_shown_takes_the_guess(
    before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    desk = replace(DESK, chosen=before).clicking((150, 140), BETWEEN)
    assert desk.choice(BETWEEN) == after
    assert [instance.id for instance in desk.shown(BETWEEN).instances] == [1, 2]
    assert desk.clicking((150, 140), BETWEEN).choice(BETWEEN) == before[: len(after) - 1]
    assert desk.undone().choice(BETWEEN) == before[: len(after) - 1]


def test_a_guess_is_shown_while_it_is_chosen() -> None:
    desk = DESK.clicking((60, 100), BETWEEN).clicking((150, 140), BETWEEN)
    assert desk.choice(BETWEEN) == (1, 2)
    assert desk.undone().choice(BETWEEN) == (1,)
    assert len(desk.undone().shown(BETWEEN).instances) == 1
    assert desk.picking((2,)).choice(BETWEEN) == (2,)
    assert desk.picking((1,)).shown(BETWEEN).instances == SCENE.instances[:1]


def test_what_was_hidden_does_not_come_back_with_a_guess() -> None:
    three = segmentation(
        (PERSON, block(2, 2, 10, 18)),
        (DOG, block(12, 10, 19, 18) * 0.05),
        (OBJECT, block(12, 0, 19, 9) * UNSURE),
    )
    sure = three.instances[0].score
    desk = replace(DESK, segmentation=three, chosen=(1, 2)).clicking((150, 50), sure)
    assert desk.choice(sure) == (1, 3)


def test_guesses_that_overlap_are_clicked_through_as_well() -> None:
    two = segmentation(
        (PERSON, block(0, 0, 4, 4)),
        (DOG, block(6, 6, 18, 18) * 0.06),
        (OBJECT, block(4, 4, 20, 20) * UNSURE),
    )
    sure = two.instances[0].score
    desk = replace(DESK, segmentation=two, chosen=(1,))
    steps = [desk := desk.clicking((120, 120), sure) for _ in range(3)]
    assert [step.choice(sure) for step in steps] == [(1, 2), (1, 3), (1,)]


def test_a_click_on_nothing_changes_nothing() -> None:
    desk = replace(DESK, chosen=(1,)).clicking((195, 5), BETWEEN)
    assert desk.choice(0) == (1,)
    assert desk.past == ()


def test_the_best_guess_and_the_threshold_that_shows_it() -> None:
    guesses = segmentation((DOG, block(12, 10, 19, 18) * UNSURE), (DOG, block(2, 2, 10, 18)))
    for unsure in (guesses, replace(guesses, instances=guesses.instances[1:])):
        first = unsure.instances[0]
        unsure = replace(unsure, instances=(replace(first, id=1), *unsure.instances[1:]))
        desk, threshold = replace(DESK, segmentation=unsure).guessing()
        assert desk.choice(threshold) == (1,)
        assert first.score - SCORE_STEP < threshold <= first.score
        assert threshold == round(threshold, 2), "as the slider has it"


def test_picks_are_taken_back_one_by_one() -> None:
    desk = DESK.picking((1,)).clicking((150, 140), 0).picking(()).picking(())
    chosen = [desk.chosen]
    while desk.past:
        desk = desk.undone()
        chosen.append(tuple(sorted(desk.chosen)))
    assert chosen == [(), (1, 2), (1,), ()]
    assert desk.undone() is desk


@pytest.mark.parametrize(
    ("size_hw", "expected"),
    [((100, 200), (100, 200)), ((1280, 16), (1280, 16)), ((3000, 4000), (960, 1280))],
)
def test_a_preview_is_reduced_and_never_enlarged(
    size_hw: tuple[int, int], expected: tuple[int, int]
) -> None:
    photo = Photo(np.full((*size_hw, 3), 9, np.uint8), None, "x", ())
    assert preview(photo).shape == (*expected, 3)
    clear = preview(replace(photo, alpha=np.full(size_hw, 40, np.uint8)))
    assert clear.shape == (*expected, 4)
    assert (clear == (9, 9, 9, 40)).all()


def test_what_is_transparent_lends_a_preview_no_colour() -> None:
    rgb = np.full((2600, 2600, 3), 255, np.uint8)
    rgb[:, :1301] = 10
    alpha = np.zeros((2600, 2600), np.uint8)
    alpha[:, :1301] = 255
    small = preview(Photo(rgb, alpha, "x", ()))
    edge = small[100, (small[100, :, 3] > 0) & (small[100, :, 3] < 255)]
    assert len(edge) > 0
    assert (edge[:, :3] == 10).all()


def test_a_checkerboard_shows_where_nothing_is() -> None:
    image = np.zeros((2 * SQUARE, 2 * SQUARE, 4), np.uint8)
    image[0, 0] = (10, 20, 30, 255)
    image[1, 1] = (0, 0, 0, 51)
    shown = on_checkerboard(image)
    assert shown.shape == (2 * SQUARE, 2 * SQUARE, 3)
    assert shown[0, 0].tolist() == [10, 20, 30]
    assert shown[1, 1].tolist() == [180, 180, 180]
    assert shown[2, 2].tolist() == shown[-1, -1].tolist() == [225, 225, 225]
    assert shown[2, -1].tolist() == shown[-1, 2].tolist() == [255, 255, 255]
    assert on_checkerboard(shown) is shown


def test_a_line_says_number_label_and_score() -> None:
    instance = replace(SCENE.instances[1], score=0.834)
    assert line(instance, "en") == "2 · dog 83%"
    assert line(instance, "zh") == "2 · 狗 83%"


EMPTY = segmentation()


@pytest.mark.parametrize(
    ("desk", "threshold", "chosen", "advice"),
    [
        (replace(DESK, segmentation=EMPTY), 0.3, (), "nothing"),
        (DESK, 1.1, (), "nothing_yet"),
        (DESK, 0, (), "pick_one"),
        (DESK, 0, (1,), None),
    ],
)
def test_the_visitor_is_told_what_to_do_next(
    desk: PhotoState, threshold: float, chosen: tuple[int, ...], advice: str | None
) -> None:
    notice = Text("The first frame is used.", "只使用第一帧。")
    desk = replace(desk, notices=(notice,), chosen=chosen)
    said = messages(desk, threshold, None)
    expected = (notice, *([STRINGS[advice]] if advice else []))
    assert said[:-1] == expected
    assert said[-1].en == "Objects found in 0.33 s."
    assert said[-1].zh == "查找物体用时 0.33 秒。"


def test_a_long_load_is_said() -> None:
    desk = replace(DESK, timings=replace(TIMINGS, load=1.26))
    assert messages(desk, 0, None)[-1].en == (
        "Objects found in 0.33 s, after 1.3 s to load the model."
    )


def test_a_closer_look_is_said_as_long_as_it_is_at_what_is_chosen() -> None:
    look = Refinement(SCENE, (1,), (0, 0, 1, 1), np.zeros((1, 1), np.float16), 0.12)
    desk = replace(DESK, segmentation=SCENE, chosen=(1,))
    assert "looked closer at the chosen ones in 0.12 s" in messages(desk, 0, look)[-1].en
    assert "closer" not in messages(replace(desk, chosen=(2,)), 0, look)[-1].en


def test_another_model_keeps_what_was_chosen_where_it_finds_it() -> None:
    person, dog = block(2, 2, 10, 18), block(12, 10, 19, 18)
    # The other model's masks are twice as fine, and it is surer of the dog.
    swapped = segmentation(
        (DOG, dog.repeat(2, 0).repeat(2, 1)), (PERSON, person.repeat(2, 0).repeat(2, 1))
    )
    other = replace(swapped, geometry=geometry((40, 40), SCENE.geometry.photo_hw))
    desk = replace(DESK, chosen=(1,)).seen_by("other", other, TIMINGS, 0)
    assert (desk.model, desk.segmentation, desk.chosen) == ("other", other, (2,))
    only_dog = replace(
        other, instances=other.instances[:1], masks_queries_logits=other.masks_queries_logits[:1]
    )
    assert replace(DESK, chosen=(1, 2)).seen_by("other", only_dog, TIMINGS, 0).chosen == (1,)
    # Its own first choice takes the place of what it does not see, but not of what nobody chose.
    assert replace(DESK, chosen=(1,)).seen_by("other", only_dog, TIMINGS, 0).chosen == (1,)
    assert replace(DESK, chosen=()).seen_by("other", only_dog, TIMINGS, 0).chosen == ()


def test_a_guess_stays_one_for_another_model() -> None:
    desk = DESK.clicking((150, 140), BETWEEN)
    other = segmentation((PERSON, block(2, 2, 10, 18)), (DOG, block(12, 10, 19, 18)))
    seen = desk.seen_by("other", other, TIMINGS, BETWEEN)
    assert seen.choice(BETWEEN) == (2,)
    assert seen.past == ()
    alone = replace(DESK, chosen=(2,)).seen_by("other", other, TIMINGS, BETWEEN)
    assert alone.choice(BETWEEN) == (1,), "it was hidden, so the model's own subject is taken"
