"""Limits on uploads: the share of each network, and the storage left."""

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.types import Message, Receive, Send

from segmentation.errors import StorageFull
from segmentation.i18n import Text
from segmentation.page.server.files.file_owners import FileOwners
from segmentation.page.server.files.storage import (
    MIN_FILE_BYTES,
    StorageUsage,
    translate_disk_errors,
)
from segmentation.page.server.http.form import UploadForm
from segmentation.page.server.http.refusal import Refusal

# Disk space is reserved in steps of this size as data arrives, so a declared but unsent body
# blocks nobody.
RESERVED_BYTES = 25_000_000
# The answer to an upload is a list of paths.
ANSWER_BYTES = 1_000_000

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
        owners: the networks' files in the storage that uploads are written to.
        usage: that storage.
        keep_seconds: time after which an upload is deleted.
    """

    def __init__(self, owners: FileOwners, usage: StorageUsage, keep_seconds: float) -> None:
        self._owners = owners
        self._usage = usage
        self._keep_seconds = keep_seconds
        # Declared bytes of the uploads in progress, by network.
        self._declared: Counter[str] = Counter()
        # Bytes that the uploads in progress may add before the storage is checked again.
        self._reserved = 0
        # Time, network and bytes of each upload that was cut short: its files have no owner, and
        # stay until they are swept. The share bounds their number.
        self._cut_short: deque[tuple[float, str, int]] = deque()

    @asynccontextmanager
    async def upload(
        self, network: str, length: int, content_type: str, receive: Receive, send: Send
    ) -> AsyncIterator[tuple[Receive, Send]]:
        """Count one upload. Yields the streams to read it from and to answer it on.

        Args:
            network: the network it comes from.
            length: its declared bytes.
            content_type: its header.
            receive: its stream.
            send: the stream of its answer.

        Raises:
            Refusal: 400 for a body that is not a form of files, 413 for too many files, 429 for a
                network whose other uploads or batches take all its share, 507 for a full storage or
                a failed disk.
        """
        form = UploadForm(content_type)
        self._check_share(network, length)
        upload = _Upload(self._usage, form)
        answer = _Answer(send)

        async def receive_counted() -> Message:
            message = await receive()
            steps = upload.arrived_bytes // RESERVED_BYTES
            upload.count(message.get("body", b""))
            if upload.arrived_bytes // RESERVED_BYTES > steps:
                await self._check_storage()
            return message

        self._declared[network] += length
        self._reserved += min(length, RESERVED_BYTES)
        try:
            await self._check_storage()
            with translate_disk_errors():
                yield receive_counted, answer.send
        except StorageFull as error:
            raise Refusal(507, error.text) from error
        finally:
            self._declared -= Counter({network: length})
            self._reserved -= min(length, RESERVED_BYTES)
            paths = answer.paths()
            for path in paths:
                self._owners.add(network, path)
            if not paths:
                self._cut_short.append((time.monotonic(), network, upload.share_bytes()))

    async def _check_storage(self) -> None:
        await asyncio.to_thread(self._usage.check, self._reserved)

    def _check_share(self, network: str, length: int) -> None:
        """Make room for an upload among the files of its network."""
        while self._cut_short and self._cut_short[0][0] < time.monotonic() - self._keep_seconds:
            self._cut_short.popleft()
        lost = sum(size for _, owner, size in self._cut_short if owner == network)
        if lost + length > self._owners.share_bytes:
            raise Refusal(429, SHARE_USED_UP)
        wanted = lost + self._declared[network] + length
        if wanted > self._owners.share_bytes:
            raise Refusal(429, OTHER_UPLOADS)
        try:
            self._owners.make_room(network, wanted)
        except StorageFull as error:
            raise Refusal(429, error.text) from error


class _Upload:
    """Bytes and files of one upload so far.

    Attributes:
        arrived_bytes: bytes that arrived, of files and what stands around them.
    """

    def __init__(self, usage: StorageUsage, form: UploadForm) -> None:
        self.arrived_bytes = 0
        self._usage = usage
        self._form = form
        self._counted_bytes = 0

    def count(self, body: bytes) -> None:
        """Count a part that arrived, which Gradio writes to the disk."""
        self._form.count(body)
        self.arrived_bytes += len(body)
        counted = max(self.arrived_bytes, self._form.file_count * MIN_FILE_BYTES)
        self._usage.add(counted - self._counted_bytes)
        self._counted_bytes = counted

    def share_bytes(self) -> int:
        """The bytes that the upload takes of its network's share, at least those of one file."""
        return max(self._counted_bytes, MIN_FILE_BYTES)


class _Answer:
    """The answer to an upload, which names the files that Gradio stored."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._body = b""

    async def send(self, message: Message) -> None:
        """Pass a message on and keep what it says."""
        if len(self._body) <= ANSWER_BYTES:
            self._body += message.get("body", b"")
        await self._send(message)

    def paths(self) -> list[Path]:
        """The stored files; none if the upload failed."""
        try:
            answer = json.loads(self._body)
        except ValueError:
            return []
        return [Path(path) for path in answer] if isinstance(answer, list) else []
