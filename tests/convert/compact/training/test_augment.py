"""Photos whose changes are drawn at random."""

from dataclasses import replace

import numpy as np
import pytest

from convert.compact.data import Sample
from convert.compact.training.augment import Mix, Pool, make_augmented_photo, with_people
from convert.compact.training.paste import PERSON
from tests.convert.compact.drawn_photos import encoded

IDS = np.zeros((100, 160), np.uint8)
IDS[20:90, 60:85] = 1
CROWD = Mix(whole=1.0, pasted=0.0, beside=1.0)


@pytest.fixture(scope="module")
def person() -> Sample:
    rgb = np.full((100, 160, 3), 90, np.uint8)
    return Sample("ccp", "0", encoded(rgb, "webp"), encoded(IDS), (PERSON,))


def number_of_people(sample: Sample, people: list[Sample]) -> list[int]:
    pool = Pool([sample], np.ones(1), people)
    rngs = map(np.random.default_rng, range(6))
    return [len(make_augmented_photo(pool, (96, 160), CROWD, rng).labels) for rng in rngs]


def test_people_are_pasted_beside_people_only(person: Sample) -> None:
    cat = replace(person, labels=(1,))
    assert max(number_of_people(person, [person])) > 2
    assert number_of_people(cat, [person]) == [1] * 6
    assert number_of_people(person, []) == [1] * 6


def test_people_are_taken_from_sources_with_good_outlines(person: Sample) -> None:
    others = [replace(person, source="pets"), replace(person, labels=(1,))]
    assert with_people([person, *others]) == [person]
