"""How often one visitor may ask, so that nobody keeps the others waiting."""

import ipaddress
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from math import ceil

from segmentation.errors import RateExceeded
from segmentation.image.photo import Limits

# So many sessions, and so many addresses, are remembered at a time.
MOST_KEYS = 10_000
# An address may ask as often as this many sessions: behind a school's router, a proxy or the tunnel
# of a share link, many people have one address. A session is a name that its owner chooses, and he
# may choose a new one for every call, so sessions alone would bound nothing.
SESSIONS_AT_AN_ADDRESS = 5


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a session may ask.

    Attributes:
        burst: calls at once, after a rest.
        per_minute: calls in the long run.
    """

    burst: int
    per_minute: float


@dataclass(frozen=True, slots=True)
class PagePolicy:
    """What a page grants its visitors.

    Attributes:
        limits: on each photo.
        rate: of what needs the device or makes a file; None does not count.
        waiting: calls in the queue at a time; None lets all wait.
        room_share: of the room for files, what the uploads of one network may take.
    """

    limits: Limits
    rate: Rate | None = None
    waiting: int | None = None
    room_share: float = 1.0


PRIVATE_PAGE = PagePolicy(Limits())
# For a page behind a public link. A click costs two calls, so this is thirty clicks at once, and
# then one every two seconds.
PUBLIC_PAGE = PagePolicy(
    Limits(megabytes=20, megapixels=25),
    Rate(burst=60, per_minute=60),
    waiting=50,
    room_share=0.5,
)


# Passwords, right or wrong, from one address: a class at once, and then ten a minute.
LOGINS = Rate(burst=30 // SESSIONS_AT_AN_ADDRESS, per_minute=10 / SESSIONS_AT_AN_ADDRESS)


class RateLimiter:
    """Lets calls in at a rate, counted for each session and for each address.

    It can be used from any number of threads, and keeps a bounded number of keys, nowhere but in
    memory.

    Args:
        rate: of a session.
        clock: seconds that never go back.
    """

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sessions = _Buckets(rate.burst, rate.per_minute / 60)
        self._addresses = _Buckets(
            rate.burst * SESSIONS_AT_AN_ADDRESS, rate.per_minute / 60 * SESSIONS_AT_AN_ADDRESS
        )
        self._turning = threading.Lock()

    def admit(self, address: str, session: str | None, times: int = 1) -> None:
        """Count a call.

        Args:
            address: where it comes from, as far as the nearest proxy knows.
            session: what the page it comes from calls itself; None for a call of its own.
            times: what it counts for.

        Raises:
            RateExceeded: too many calls; this one was not counted.
        """
        network = client_network(address)
        with self._turning:
            now = self._clock()
            wait = self._addresses.wait(network, now, times)
            if session is not None:
                # Its owner names it, and may have a lot to say.
                session = f"{network} {session[:64]}"
                wait = max(wait, self._sessions.wait(session, now, times))
            if wait > 0:
                seconds = ceil(wait)
                raise RateExceeded(
                    f"Too many requests at once. Please wait {seconds} s and try again.",
                    f"操作过于频繁，请等待 {seconds} 秒后再试。",
                )
            self._addresses.draw(network, now, times)
            if session is not None:
                self._sessions.draw(session, now, times)


def client_address(proxies: str, peer: str) -> str:
    """The address that a host's own proxies, which have private ones, say a call comes from.

    Args:
        proxies: `X-Forwarded-For`; what a visitor himself wrote there stands furthest left.
        peer: who sent it, if they say nothing.
    """
    for hop in reversed(proxies.split(",")):
        with suppress(ValueError):
            if ipaddress.ip_address(hop.strip()).is_global:
                return hop.strip()
    return peer


def client_network(address: str) -> str:
    """What one household has of addresses: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return address


class _Buckets:
    """Token buckets, each kept as the time at which it is full again (ITU-T I.371, annex A)."""

    def __init__(self, burst: int, per_second: float) -> None:
        self._seconds_each = 1 / per_second
        self._deepest = burst * self._seconds_each
        self._full_at: dict[str, float] = {}

    def wait(self, key: str, now: float, tokens: int) -> float:
        """Seconds until the bucket has so many tokens; 0 or less if it has them."""
        full_at = max(self._full_at.get(key, now), now)
        return full_at + tokens * self._seconds_each - now - self._deepest

    def draw(self, key: str, now: float, tokens: int) -> None:
        """Take tokens."""
        self._full_at[key] = max(self._full_at.get(key, now), now) + tokens * self._seconds_each
        if len(self._full_at) > MOST_KEYS:
            # A full bucket is like none; if all are in use, the one that is full first goes.
            self._full_at = {k: time for k, time in self._full_at.items() if time > now}
        if len(self._full_at) > MOST_KEYS:
            del self._full_at[min(self._full_at, key=lambda k: self._full_at[k])]
