"""The rate limiter, on a clock that the test sets."""

from collections.abc import Callable

import pytest

from segmentation.errors import RateExceeded
from segmentation.page.server.limits import rate_limit
from segmentation.page.server.limits.policy import Rate
from segmentation.page.server.limits.rate_limit import SESSIONS_PER_NETWORK, RateLimiter


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> RateLimiter:
    return RateLimiter(Rate(burst=3, per_minute=30), clock)


def count_admitted(limiter: RateLimiter, address: str, session: str | None, calls: int) -> int:
    count = 0
    for _ in range(calls):
        try:
            limiter.admit(address, session)
        except RateExceeded:
            continue
        count += 1
    return count


def test_a_burst_then_one_call_every_two_seconds(limiter: RateLimiter, clock: Clock) -> None:
    assert count_admitted(limiter, "192.0.2.1", "a", 10) == 3
    clock.now += 1.9
    assert count_admitted(limiter, "192.0.2.1", "a", 10) == 0
    clock.now += 0.2
    assert count_admitted(limiter, "192.0.2.1", "a", 10) == 1
    clock.now += 3600
    assert count_admitted(limiter, "192.0.2.1", "a", 10) == 3, "a pause saves up the burst at most"


def test_a_call_counts_for_its_weight(limiter: RateLimiter) -> None:
    limiter.admit("192.0.2.1", "a", 2)
    with pytest.raises(RateExceeded):
        limiter.admit("192.0.2.1", "a", 2)
    limiter.admit("192.0.2.1", "a")


def test_long_work_is_paid_for_by_the_next_calls(limiter: RateLimiter, clock: Clock) -> None:
    limiter.admit("192.0.2.1", "a")
    limiter.charge("192.0.2.1", "a", 7.0)
    assert count_admitted(limiter, "192.0.2.1", "b", 1) == 1, "another session of the network"
    clock.now += 11.9
    assert count_admitted(limiter, "192.0.2.1", "a", 1) == 0
    clock.now += 0.2
    assert count_admitted(limiter, "192.0.2.1", "a", 1) == 1


def test_the_refusal_names_the_wait_in_both_languages(limiter: RateLimiter) -> None:
    count_admitted(limiter, "192.0.2.1", "a", 3)
    with pytest.raises(RateExceeded) as refusal:
        limiter.admit("192.0.2.1", "a")
    assert "Wait 2 s" in refusal.value.text.en
    assert "等待 2 秒" in refusal.value.text.zh


def test_sessions_do_not_use_up_each_others_calls(limiter: RateLimiter) -> None:
    assert count_admitted(limiter, "192.0.2.1", "a", 10) == 3
    assert count_admitted(limiter, "192.0.2.1", "b", 10) == 3
    assert count_admitted(limiter, "192.0.2.2", "a", 10) == 3


@pytest.mark.parametrize("session_name", [str, lambda _: None], ids=["new names", "no name"])
def test_new_sessions_do_not_bypass_the_limit(
    limiter: RateLimiter, session_name: Callable[[int], str | None]
) -> None:
    calls = [count_admitted(limiter, "192.0.2.1", session_name(number), 1) for number in range(100)]
    assert sum(calls) == 3 * SESSIONS_PER_NETWORK


def test_refused_calls_do_not_count(limiter: RateLimiter, clock: Clock) -> None:
    count_admitted(limiter, "192.0.2.1", "a", 1000)
    assert count_admitted(limiter, "192.0.2.1", "b", 10) == 3
    clock.now += 2.1
    assert count_admitted(limiter, "192.0.2.1", "a", 10) == 1


def test_memory_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MAX_KEYS", 50)
    limiter = RateLimiter(Rate(burst=3, per_minute=30), clock)
    assert count_admitted(limiter, "192.0.2.1", "a", 3) == 3
    for number in range(500):
        limiter.admit(f"10.0.{number // 250}.{number % 250}", "b")
        assert len(limiter._sessions._full_at) <= 50
        assert len(limiter._networks._full_at) <= 50
    assert count_admitted(limiter, "192.0.2.1", "a", 10) == 0, "the emptiest bucket stays longest"
