"""The state of an open photo: its selection and undo."""

from dataclasses import replace

import pytest

from segmentation.compositing.strokes import MAX_STROKES, Stroke
from segmentation.errors import ChoiceError
from segmentation.page.session import SCORE_STEP, DrawnBox, PhotoState
from tests.segmentation.page.page_options import OPTIONS
from tests.segmentation.scenes import DOG, OBJECT, PERSON, block, geometry, segmentation

SCENE = segmentation((PERSON, block(2, 2, 10, 18)), (DOG, block(12, 10, 19, 18)))
BEST, SECOND = (instance.score for instance in SCENE.instances)
BETWEEN = (BEST + SECOND) / 2
BOX = 120, 0, 190, 80
STATE = PhotoState("photo.jpg", "preview.jpg", "compact", SCENE, (), ())


@pytest.mark.parametrize(
    ("click", "before", "after"),
    [
        ((60, 100), (), (1,)),
        ((60, 100), (1,), ()),
        ((150, 140), (1,), (1, 2)),
        ((190, 10), (1,), (1,)),
    ],
)
def test_a_click_selects_or_deselects_an_object(
    click: tuple[int, int], before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    state = replace(STATE, chosen=before).click(click, 0)
    assert sorted(state.chosen) == sorted(after)


UNSURE = 0.04
# The objects 1, 2 and 4, in this order, cover (80, 100); object 3 lies beside it.
PILE = segmentation(
    (DOG, block(4, 6, 12, 14)),
    (DOG, block(3, 4, 14, 16)),
    (DOG, block(15, 0, 20, 20)),
    (OBJECT, block(6, 8, 10, 12) * UNSURE),
)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ((), [(1,), (2,), (4,), (), (1,)]),
        ((1,), [(2,), (4,), ()]),
        ((3,), [(1, 3), (2, 3), (3, 4), (3,)]),
        ((1, 4), [(2, 4), (4,), ()]),
        # The clicked object comes before the chosen one, and is added to it.
        ((2,), [(1, 2), (2,), (4,), ()]),
        ((4,), [(1, 4), (2, 4), (4,), ()]),
    ],
)
def test_further_clicks_go_through_the_objects_under_the_pointer(
    before: tuple[int, ...], expected: list[tuple[int, ...]]
) -> None:
    state = replace(STATE, segmentation=PILE, chosen=before)
    assert PILE.at((80, 100), 0) == (1, 2, 4)
    steps = []
    for _ in expected:
        state = state.click((80, 100), 0)
        steps.append(tuple(sorted(state.chosen)))
    assert steps == expected


def test_a_selection_from_the_list_restarts_the_sequence_of_clicks() -> None:
    state = replace(STATE, segmentation=PILE).click((80, 100), 0)
    assert state.select((2,)).click((80, 100), 0).selected(0) == (1, 2)
    twice = state.click((80, 100), 0)
    assert twice.click((180, 100), 0).click((80, 100), 0).selected(0) == (1, 2, 3)
    assert twice.undo().click((80, 100), 0).selected(0) == (2,)


def test_a_click_gives_what_the_visitor_saw_there() -> None:
    state = replace(STATE, segmentation=PILE)
    # Where two objects meet, the mask's cells and the outline on the page differ.
    assert state.click((195, 100), 0, shown=(1,)).chosen == (1,)
    assert state.click((80, 100), 0, shown=(4, 2)).clicked == (4, 2, 1)
    assert state.click((80, 100), 0, shown=(3,)).selected(0) == (3,)
    assert state.click((80, 100), 0, shown=(9,)).chosen == (1,), "there is no such object"
    sure = PILE.instances[0].score
    hidden = state.click((80, 100), sure, shown=(4,))
    assert hidden.chosen == (1,), "nobody saw the hidden object"


def test_hidden_objects_are_not_selected() -> None:
    state = replace(STATE, chosen=(1, 2))
    assert state.selected(0) == (1, 2)
    assert state.selected(BETWEEN) == (1,)


@pytest.mark.parametrize(
    ("before", "after"),
    [((), (2,)), ((1,), (1, 2)), ((2,), (2,)), ((1, 2), (1, 2))],
)
def test_a_click_where_nothing_is_shown_selects_the_guess(
    before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    state = replace(STATE, chosen=before).click((150, 140), BETWEEN)
    assert state.selected(BETWEEN) == after
    assert [instance.id for instance in state.visible(BETWEEN).instances] == [1, 2]
    assert state.click((150, 140), BETWEEN).selected(BETWEEN) == before[: len(after) - 1]
    assert state.undo().selected(BETWEEN) == before[: len(after) - 1]


def test_a_guess_is_shown_while_it_is_chosen() -> None:
    state = STATE.click((60, 100), BETWEEN).click((150, 140), BETWEEN)
    assert state.selected(BETWEEN) == (1, 2)
    assert state.undo().selected(BETWEEN) == (1,)
    assert len(state.undo().visible(BETWEEN).instances) == 1
    assert state.select((2,)).selected(BETWEEN) == (2,)
    assert state.select((1,)).visible(BETWEEN).instances == SCENE.instances[:1]


def test_a_guess_does_not_show_other_hidden_objects() -> None:
    three = segmentation(
        (PERSON, block(2, 2, 10, 18)),
        (DOG, block(12, 10, 19, 18) * 0.05),
        (OBJECT, block(12, 0, 19, 9) * UNSURE),
    )
    sure = three.instances[0].score
    state = replace(STATE, segmentation=three, chosen=(1, 2)).click((150, 50), sure)
    assert state.selected(sure) == (1, 3)


def test_further_clicks_go_through_overlapping_guesses() -> None:
    two = segmentation(
        (PERSON, block(0, 0, 4, 4)),
        (DOG, block(6, 6, 18, 18) * 0.06),
        (OBJECT, block(4, 4, 20, 20) * UNSURE),
    )
    sure = two.instances[0].score
    state = replace(STATE, segmentation=two, chosen=(1,))
    steps = [state := state.click((120, 120), sure) for _ in range(3)]
    assert [step.selected(sure) for step in steps] == [(1, 2), (1, 3), (1,)]


def test_a_click_on_nothing_changes_nothing() -> None:
    state = replace(STATE, chosen=(1,)).click((195, 5), BETWEEN)
    assert state.selected(0) == (1,)
    assert state.history == ()


def test_select_best_guess_returns_the_threshold_that_shows_it() -> None:
    guesses = segmentation((DOG, block(12, 10, 19, 18) * UNSURE), (DOG, block(2, 2, 10, 18)))
    for unsure in (guesses, replace(guesses, instances=guesses.instances[1:])):
        first = unsure.instances[0]
        unsure = replace(unsure, instances=(replace(first, id=1), *unsure.instances[1:]))
        state, threshold = replace(STATE, segmentation=unsure).select_best_guess()
        assert state.selected(threshold) == (1,)
        assert first.score - SCORE_STEP < threshold <= first.score
        assert threshold == round(threshold, 2), "a value of the slider"


def test_selections_are_undone_one_by_one() -> None:
    state = STATE.select((1,)).click((150, 140), 0).select(()).select(())
    chosen = [state.chosen]
    while state.history:
        state = state.undo()
        chosen.append(tuple(sorted(state.chosen)))
    assert chosen == [(), (1, 2), (1,), ()]
    assert state.undo() is state


KEEP = Stroke("keep", 0.02, ((0.5, 0.5),))
ERASE = replace(KEEP, mode="erase")


def test_another_model_keeps_the_chosen_objects_that_it_finds() -> None:
    person, dog = block(2, 2, 10, 18), block(12, 10, 19, 18)
    # The other model's masks have twice the resolution, and its score of the dog is higher.
    swapped = segmentation(
        (DOG, dog.repeat(2, 0).repeat(2, 1)), (PERSON, person.repeat(2, 0).repeat(2, 1))
    )
    other = replace(swapped, geometry=geometry((40, 40), SCENE.geometry.photo_hw))
    state = replace(STATE, chosen=(1,)).with_model("other", other, 0)
    assert (state.model, state.segmentation, state.chosen) == ("other", other, (2,))
    only_dog = replace(
        other, instances=other.instances[:1], masks_queries_logits=other.masks_queries_logits[:1]
    )
    assert replace(STATE, chosen=(1, 2)).with_model("other", only_dog, 0).chosen == (1,)
    # The model's own subject replaces chosen objects that it does not find, not an empty choice.
    assert replace(STATE, chosen=(1,)).with_model("other", only_dog, 0).chosen == (1,)
    assert replace(STATE, chosen=()).with_model("other", only_dog, 0).chosen == ()


def test_a_guess_stays_selected_with_another_model() -> None:
    state = STATE.click((150, 140), BETWEEN)
    other = segmentation((PERSON, block(2, 2, 10, 18)), (DOG, block(12, 10, 19, 18)))
    switched = state.with_model("other", other, BETWEEN)
    assert switched.selected(BETWEEN) == (2,)
    assert switched.history == ()
    hidden = replace(STATE, chosen=(2,)).with_model("other", other, BETWEEN)
    assert hidden.selected(BETWEEN) == (1,), "a hidden choice gives way to the model's subject"


def test_undo_and_redo_go_through_all_that_was_done() -> None:
    other = replace(OPTIONS, background="blur")
    states = [STATE.set_options(OPTIONS)]
    states.append(states[-1].select((1,)))
    states.append(states[-1].draw(KEEP))
    states.append(states[-1].set_options(other))
    states.append(states[-1].add_boxed(segmentation((DOG, block(12, 0, 19, 8))), DrawnBox(BOX, 0)))
    seen = [(state.chosen, state.strokes, state.options) for state in states]
    assert seen[-1] == ((1, 3), (KEEP,), other)
    state = states[-1]
    for expected in reversed(states[:-1]):
        state = state.undo()
        assert (state.chosen, state.strokes, state.options) == (
            expected.chosen,
            expected.strokes,
            expected.options,
        )
        assert state.segmentation is expected.segmentation
    assert state.undo() is state
    for expected in states[1:]:
        state = state.redo()
        assert (state.chosen, state.strokes, state.options) == (
            expected.chosen,
            expected.strokes,
            expected.options,
        )
    assert state.redo() is state
    assert state.undo().draw(ERASE).undone == (), "what comes next replaces what was undone"


def test_the_first_options_are_no_step_and_a_colour_picker_makes_one() -> None:
    state = STATE.set_options(OPTIONS)
    assert state.history == ()
    assert state.set_options(OPTIONS) is state
    for colour in ("#000001", "#000002", "#000003"):
        state = state.set_options(replace(OPTIONS, colour=colour))
    assert len(state.history) == 1
    assert state.undo().options == OPTIONS
    assert len(state.set_options(replace(OPTIONS, x=0.25)).history) == 2


def test_strokes_stay_with_another_model() -> None:
    state = STATE.draw(KEEP).with_model("other", SCENE, 0)
    assert state.strokes == (KEEP,)
    assert state.history == ()


def test_only_so_many_strokes_are_taken() -> None:
    full = replace(STATE, strokes=(KEEP,) * MAX_STROKES)
    with pytest.raises(ChoiceError, match="strokes"):
        full.draw(KEEP)


def test_objects_in_a_box_are_shown_whatever_their_score() -> None:
    unsure = segmentation((DOG, block(12, 0, 19, 8) * UNSURE))
    state = STATE.add_boxed(unsure, DrawnBox(BOX, BETWEEN))
    assert state.selected(BETWEEN) == (3,)
    assert [instance.id for instance in state.select(()).visible(BETWEEN).instances] == [1, 3]
    assert state.add_boxed(unsure, DrawnBox(BOX, BETWEEN)) is state, "it is known by now"
    dropped = state.select(())
    assert dropped.add_boxed(unsure, DrawnBox(BOX, BETWEEN)).selected(BETWEEN) == (3,)


def test_the_first_object_in_a_box_is_selected_and_other_uncertain_ones_are_left_out() -> None:
    unsure = (DOG, block(12, 0, 19, 8) * UNSURE), (DOG, block(0, 12, 8, 19) * UNSURE)
    found = segmentation((PERSON, block(12, 12, 19, 19)), *unsure)
    sure, first, other = sorted(found.instances, key=lambda item: -item.score)
    found = replace(found, instances=(first, sure, other))
    state = STATE.add_boxed(found, DrawnBox(BOX, BETWEEN))
    assert state.selected(BETWEEN) == (3,)
    assert [item.label for item in state.segmentation.instances[2:]] == [first.label, sure.label]


def test_files_of_single_objects_have_the_strokes_that_are_theirs() -> None:
    state = replace(STATE, strokes=(KEEP, ERASE))
    assert state.strokes_of_each((1,)) == (KEEP, ERASE)
    assert state.strokes_of_each((1, 2)) == (ERASE,)
