"""Who may come in how often, on a clock that the test turns."""

import pytest

from segmentation.errors import RateExceeded
from segmentation.page.server import rate_limit
from segmentation.page.server.rate_limit import (
    SESSIONS_AT_AN_ADDRESS,
    Rate,
    RateLimiter,
    client_address,
    client_network,
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def turnstile(clock: Clock) -> RateLimiter:
    return RateLimiter(Rate(burst=3, per_minute=30), clock)


def admitted(turnstile: RateLimiter, address: str, session: str | None, calls: int) -> int:
    count = 0
    for _ in range(calls):
        try:
            turnstile.admit(address, session)
        except RateExceeded:
            continue
        count += 1
    return count


def test_a_burst_then_one_every_two_seconds(turnstile: RateLimiter, clock: Clock) -> None:
    assert admitted(turnstile, "192.0.2.1", "a", 10) == 3
    clock.now += 1.9
    assert admitted(turnstile, "192.0.2.1", "a", 10) == 0
    clock.now += 0.2
    assert admitted(turnstile, "192.0.2.1", "a", 10) == 1
    clock.now += 3600
    assert admitted(turnstile, "192.0.2.1", "a", 10) == 3, "no more is saved up than the burst"


def test_what_costs_more_counts_for_more(turnstile: RateLimiter) -> None:
    turnstile.admit("192.0.2.1", "a", 2)
    with pytest.raises(RateExceeded):
        turnstile.admit("192.0.2.1", "a", 2)
    turnstile.admit("192.0.2.1", "a")


def test_the_refusal_says_in_both_languages_how_long(turnstile: RateLimiter) -> None:
    admitted(turnstile, "192.0.2.1", "a", 3)
    with pytest.raises(RateExceeded) as refusal:
        turnstile.admit("192.0.2.1", "a")
    assert "wait 2 s" in refusal.value.text.en
    assert "等待 2 秒" in refusal.value.text.zh


def test_one_session_does_not_spend_what_is_anothers(turnstile: RateLimiter) -> None:
    assert admitted(turnstile, "192.0.2.1", "a", 10) == 3
    assert admitted(turnstile, "192.0.2.1", "b", 10) == 3
    assert admitted(turnstile, "192.0.2.2", "a", 10) == 3


@pytest.mark.parametrize("new_name", [str, lambda _: None], ids=["new names", "no name"])
def test_new_sessions_do_not_get_round_it(turnstile: RateLimiter, new_name: object) -> None:
    assert callable(new_name)
    calls = [admitted(turnstile, "192.0.2.1", new_name(number), 1) for number in range(100)]
    assert sum(calls) == 3 * SESSIONS_AT_AN_ADDRESS


def test_what_is_refused_costs_nothing(turnstile: RateLimiter, clock: Clock) -> None:
    admitted(turnstile, "192.0.2.1", "a", 1000)
    assert admitted(turnstile, "192.0.2.1", "b", 10) == 3
    clock.now += 2.1
    assert admitted(turnstile, "192.0.2.1", "a", 10) == 1


def test_memory_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MOST_KEYS", 50)
    turnstile = RateLimiter(Rate(burst=3, per_minute=30), clock)
    assert admitted(turnstile, "192.0.2.1", "a", 3) == 3
    for number in range(500):
        turnstile.admit(f"10.0.{number // 250}.{number % 250}", "b")
        assert len(turnstile._sessions._full_at) <= 50
        assert len(turnstile._addresses._full_at) <= 50
    assert admitted(turnstile, "192.0.2.1", "a", 10) == 0, "who owes most is forgotten last"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_a_household_has_one_network(address: str, network: str) -> None:
    assert client_network(address) == network


@pytest.mark.parametrize(
    ("proxies", "address"),
    [
        ("", "10.0.0.1"),
        ("8.8.8.8", "8.8.8.8"),
        ("1.1.1.1, 8.8.8.8, 10.2.3.4", "8.8.8.8"),
        ("nonsense, 10.2.3.4", "10.0.0.1"),
    ],
)
def test_the_nearest_proxy_is_believed_and_not_the_visitor(proxies: str, address: str) -> None:
    assert client_address(proxies, "10.0.0.1") == address
