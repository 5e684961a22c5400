"""What a page allows its visitors, depending on whether it is public."""

from dataclasses import dataclass

from segmentation.image.photo import Limits

# Of one upload request, all its files together.
UPLOAD_MEGABYTES = Limits().batch_megabytes


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate of calls of one session.

    A network may have `SESSIONS_PER_NETWORK` times this rate, see `RateLimiter`.

    Attributes:
        burst: number of calls allowed at once after a pause.
        per_minute: number of calls allowed per minute in the long run.
    """

    burst: int
    per_minute: float


@dataclass(frozen=True, slots=True)
class PagePolicy:
    """Limits that protect a page from its visitors and its visitors from each other.

    Attributes:
        limits: limits on each photo.
        rate: rate of costly calls per session; None allows any rate.
        max_waiting: number of calls that may wait in the queues; None allows any number.
        reads: rate of requests without a body; they have no session, so that a network may have
            `SESSIONS_PER_NETWORK` times this rate. None allows any rate.
        storage_share: fraction of the storage that the files of one network may take.
    """

    limits: Limits
    rate: Rate | None = None
    max_waiting: int | None = None
    reads: Rate | None = None
    storage_share: float = 1.0


PRIVATE_PAGE = PagePolicy(Limits())
# A click takes two calls, so the rate allows 30 clicks at once and then one every two seconds.
PUBLIC_PAGE = PagePolicy(
    # A photo of 25 MP as PNG or lossy WebP takes less; a lossless WebP of 25 MP takes 17 s.
    Limits(megabytes=20, megapixels=25, batch_photos=50, encoding_seconds=3, is_public=True),
    Rate(burst=60, per_minute=60),
    max_waiting=50,
    # A page takes about 100 requests, which a class behind one router makes at once.
    reads=Rate(burst=1000, per_minute=600),
    storage_share=0.5,
)
