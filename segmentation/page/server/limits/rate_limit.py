"""Rate limiter for calls and logins.

Our own, as the `limits` package counts in windows by the wall clock, starts a thread and keeps any
number of keys.
"""

import threading
import time
from collections.abc import Callable
from math import ceil

from segmentation.errors import RateExceeded
from segmentation.page.server.client_address import client_network
from segmentation.page.server.limits.policy import Rate

# The number of sessions, and of networks, that are remembered at a time.
MAX_KEYS = 10_000
# A network may call as often as this many sessions, since many people share one address behind a
# school's router, a proxy or the tunnel of a share link. A limit per session alone would not hold:
# a client names its own session and can take a new one for each call.
SESSIONS_PER_NETWORK = 5
# A session name comes from the client and may be of any length.
MAX_SESSION_LENGTH = 64


class RateLimiter:
    """Token-bucket rate limiter per session and per client network.

    It is thread-safe and keeps a bounded number of keys, in memory only.

    Args:
        rate: the rate of one session.
        clock: monotonic time in seconds.
    """

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        per_second = rate.per_minute / 60
        self._clock = clock
        self._sessions = _Buckets(rate.burst, per_second)
        self._networks = _Buckets(
            rate.burst * SESSIONS_PER_NETWORK, per_second * SESSIONS_PER_NETWORK
        )
        self._lock = threading.Lock()

    def admit(self, address: str, session: str | None, weight: int = 1) -> None:
        """Count a call, or refuse it.

        Args:
            address: IP address of the client.
            session: name of the client's session; None if the call has no session.
            weight: number of calls that this call counts for.

        Raises:
            RateExceeded: too many calls; this call was not counted.
        """
        network = client_network(address)
        with self._lock:
            now = self._clock()
            wait = self._networks.wait_seconds(network, now, weight)
            if session is not None:
                key = _session_key(network, session)
                wait = max(wait, self._sessions.wait_seconds(key, now, weight))
            if wait > 0:
                seconds = ceil(wait)
                raise RateExceeded(
                    f"Too many requests at once. Wait {seconds} s and try again.",
                    f"操作过于频繁，请等待 {seconds} 秒后再试。",
                )
            self._take(network, session, now, weight)

    def is_exhausted(self, address: str) -> bool:
        """Whether the next call of a network without a session would be refused.

        Args:
            address: IP address of the client.
        """
        with self._lock:
            return self._networks.wait_seconds(client_network(address), self._clock(), 1) > 0

    def charge(self, address: str, session: str | None, weight: float) -> None:
        """Count work that was done already, even beyond the limit: the next calls wait for it.

        Args:
            address: IP address of the client.
            session: name of the client's session; None if the call has no session.
            weight: number of calls that the work counts for.
        """
        with self._lock:
            self._take(client_network(address), session, self._clock(), weight)

    def _take(self, network: str, session: str | None, now: float, weight: float) -> None:
        self._networks.take(network, now, weight)
        if session is not None:
            self._sessions.take(_session_key(network, session), now, weight)


def _session_key(network: str, session: str) -> str:
    return f"{network} {session[:MAX_SESSION_LENGTH]}"


class _Buckets:
    """Token buckets, each stored as the time at which it is full again (ITU-T I.371, annex A)."""

    def __init__(self, burst: int, per_second: float) -> None:
        self._seconds_per_token = 1 / per_second
        self._seconds_to_fill = burst * self._seconds_per_token
        self._full_at: dict[str, float] = {}

    def wait_seconds(self, key: str, now: float, tokens: float) -> float:
        """Seconds until the bucket has enough tokens; 0 or less if it has them now."""
        full_at = max(self._full_at.get(key, now), now)
        return full_at + tokens * self._seconds_per_token - now - self._seconds_to_fill

    def take(self, key: str, now: float, tokens: float) -> None:
        """Take tokens out of a bucket."""
        full_at = max(self._full_at.get(key, now), now)
        self._full_at[key] = full_at + tokens * self._seconds_per_token
        if len(self._full_at) > MAX_KEYS:
            # A full bucket is equivalent to none. If none is full, the next to be full is dropped.
            self._full_at = {name: time for name, time in self._full_at.items() if time > now}
        if len(self._full_at) > MAX_KEYS:
            del self._full_at[min(self._full_at, key=lambda name: self._full_at[name])]
