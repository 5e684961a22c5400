import numpy as np

from convert.logits_difference import compare_logits
from segmentation.engines.base import Logits


def test_maxima_agreement_and_the_worst_label_are_measured() -> None:
    reference = Logits(np.array([[2.0, 1.0], [0.0, 1.0]]), np.array([[[1.0, -1.0]], [[4.0, 2.0]]]))
    other = Logits(np.array([[2.0, 1.5], [2.0, 1.0]]), np.array([[[1.0, 1.0]], [[4.0, 2.0]]]))
    difference = compare_logits(reference, other)
    assert (difference.class_max, difference.mask_max) == (2.0, 2.0)
    assert (difference.class_agreement, difference.mask_agreement) == (0.5, 0.75)
    # The first label is off by 1 on average, the second by 0.25; the largest logit is 2.
    assert difference.relative == 1.0 / 2.0
    assert not difference.is_rounding
    assert compare_logits(reference, reference).is_rounding


def test_one_wrong_label_among_many_is_not_rounding() -> None:
    noise = np.random.default_rng(0)
    classes, masks = noise.normal(size=(100, 150)), noise.normal(size=(100, 4, 4))
    wrong = classes.copy()
    wrong[:, 7] += 0.1
    assert not compare_logits(Logits(classes, masks), Logits(wrong, masks)).is_rounding
    rounded = Logits(classes + noise.normal(scale=1e-4, size=classes.shape), masks)
    assert compare_logits(Logits(classes, masks), rounded).is_rounding


def test_weights_rounded_to_float16_may_differ_more_but_not_by_a_wrong_label() -> None:
    noise = np.random.default_rng(0)
    classes, masks = noise.normal(size=(100, 20)), noise.normal(size=(100, 4, 4))
    coarse = Logits(classes + noise.normal(scale=1e-2, size=classes.shape), masks)
    difference = compare_logits(Logits(classes, masks), coarse)
    assert difference.is_half_rounding
    assert not difference.is_rounding
    wrong = classes.copy()
    wrong[:, 7] += 0.1
    assert not compare_logits(Logits(classes, masks), Logits(wrong, masks)).is_half_rounding
