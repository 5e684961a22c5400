"""Limits on uploads: the number of files, the share of each network, and the storage left."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import Message, Receive

from segmentation.errors import StorageFull
from segmentation.i18n import Text
from segmentation.page.server.refusal import Refusal
from segmentation.page.server.storage import MIN_FILE_BYTES, StorageUsage, translate_disk_errors

# Disk space is reserved in steps of this size as data arrives, so a declared but unsent body
# blocks nobody.
RESERVED_BYTES = 25_000_000
# Gradio itself accepts a thousand files in one request.
MAX_FILES = 100
# Each file of a form has one. A photo may contain these bytes too.
FILE_MARK = b"filename="

TOO_MANY_FILES = Text(
    f"More than {MAX_FILES} files at once. Upload them in several batches.",
    f"一次不能超过 {MAX_FILES} 个文件，请分批上传。",
)
OTHER_UPLOADS = Text(
    "Other uploads from your network are in progress. Try again when they have finished.",
    "您所在的网络还有其他上传正在进行，请等其完成后再试。",
)
SHARE_USED_UP = Text(
    "Your network has reached its upload limit for this hour. Try again later.",
    "您所在的网络一小时内上传已达上限，请稍后再试。",
)


class UploadQuota:
    """Counts uploads while they arrive. All methods run in the server's event loop.

    Args:
        usage: the storage that uploads are written to.
        share_bytes: bytes of uploads that one network may have there.
        keep_seconds: time after which an upload is deleted.
    """

    def __init__(self, usage: StorageUsage, share_bytes: float, keep_seconds: float) -> None:
        self._usage = usage
        self._share_bytes = share_bytes
        self._keep_seconds = keep_seconds
        # Declared bytes of the uploads in progress, by network.
        self._declared: Counter[str] = Counter()
        # Bytes that the uploads in progress may add before the storage is checked again.
        self._reserved = 0
        # Time, network and bytes of each finished upload; the share bounds their number.
        self._finished: deque[tuple[float, str, int]] = deque()

    @asynccontextmanager
    async def upload(self, network: str, length: int, receive: Receive) -> AsyncIterator[Receive]:
        """Count one upload. Yields the stream to read it from.

        Args:
            network: the network it comes from.
            length: its declared bytes.
            receive: its stream.

        Raises:
            Refusal: 413 for too many files, 429 for a network beyond its share, 507 for a full
                storage or a failed disk.
        """
        self._check_share(network, length)
        upload = _Upload(self._usage)

        async def receive_counted() -> Message:
            message = await receive()
            steps = upload.arrived_bytes // RESERVED_BYTES
            upload.count(message.get("body", b""))
            if upload.file_count > MAX_FILES:
                raise Refusal(413, TOO_MANY_FILES)
            if upload.arrived_bytes // RESERVED_BYTES > steps:
                await self._check_storage()
            return message

        self._declared[network] += length
        self._reserved += min(length, RESERVED_BYTES)
        try:
            await self._check_storage()
            with translate_disk_errors():
                yield receive_counted
        except StorageFull as error:
            raise Refusal(507, error.text) from error
        finally:
            self._declared -= Counter({network: length})
            self._reserved -= min(length, RESERVED_BYTES)
            self._finished.append((time.monotonic(), network, upload.share_bytes()))

    async def _check_storage(self) -> None:
        await asyncio.to_thread(self._usage.check, self._reserved)

    def _check_share(self, network: str, length: int) -> None:
        while self._finished and self._finished[0][0] < time.monotonic() - self._keep_seconds:
            self._finished.popleft()
        used = sum(size for _, owner, size in self._finished if owner == network)
        if used + length > self._share_bytes:
            raise Refusal(429, SHARE_USED_UP)
        if used + self._declared[network] + length > self._share_bytes:
            raise Refusal(429, OTHER_UPLOADS)


class _Upload:
    """Bytes and files of one upload so far.

    Attributes:
        arrived_bytes: bytes that arrived, of files and what stands around them.
        file_count: number of files that began.
    """

    def __init__(self, usage: StorageUsage) -> None:
        self.arrived_bytes = 0
        self.file_count = 0
        self._usage = usage
        self._counted_bytes = 0
        # The end of the last part, as a mark may be split between two parts.
        self._end = b""

    def count(self, body: bytes) -> None:
        """Count a part that arrived, which Gradio writes to the disk."""
        searched = self._end + body
        self.file_count += searched.count(FILE_MARK)
        self._end = searched[-(len(FILE_MARK) - 1) :]
        self.arrived_bytes += len(body)
        counted = max(self.arrived_bytes, self.file_count * MIN_FILE_BYTES)
        self._usage.add(counted - self._counted_bytes)
        self._counted_bytes = counted

    def share_bytes(self) -> int:
        """The bytes that the upload takes of its network's share, at least those of one file."""
        return max(self._counted_bytes, MIN_FILE_BYTES)
