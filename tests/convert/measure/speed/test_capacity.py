"""Photos per second under load."""

import threading

from convert.measure.speed.capacity import measure_load


def test_users_call_at_once_and_share_the_calls() -> None:
    meeting, callers = threading.Barrier(3, timeout=60), []

    def call(user: int) -> None:
        meeting.wait()  # raises unless all three users call at the same time
        callers.append(user)

    load = measure_load(call, users=3, calls=6)
    assert sorted(callers) == [0, 0, 1, 1, 2, 2]
    assert (load.users, len(load.waits)) == (3, 6)
    assert load.photos_per_second > 0


def test_each_user_calls_at_least_once() -> None:
    callers: list[int] = []
    load = measure_load(callers.append, users=4, calls=1)
    assert sorted(callers) == [0, 1, 2, 3]
    assert len(load.waits) == 4
