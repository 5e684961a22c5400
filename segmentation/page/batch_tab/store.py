"""Batches that pages which are loaded again find, and their settings in the browser's memory."""

from collections import OrderedDict
from typing import Any

from segmentation.page.batch_tab.batch import BATCH_RULES, Batch
from segmentation.page.cutout_tab.memory import browser_memory

# A batch of 200 photos takes less than a megabyte.
MAX_BATCHES = 100


class BatchMemory:
    """Create the components of what the browser keeps.

    They stand outside the tabs: the browser reads them before the tab for many photos is open.

    Attributes:
        settings: the choice of objects, and the values of the controls.
        key: of the batch.
    """

    def __init__(self) -> None:
        self.settings = browser_memory("koutu_batch_settings")
        self.key = browser_memory("koutu_batch")


class BatchStore:
    """The newest state of each of the last batches.

    Two pages of a browser may show the same batch; each step goes on from the newest state.
    """

    def __init__(self) -> None:
        self._batches: OrderedDict[str, Batch] = OrderedDict()

    def keep(self, batch: Batch) -> Batch:
        """Keep a state of a batch, and return it. The batch kept longest ago may be dropped."""
        self._batches[batch.key] = batch
        self._batches.move_to_end(batch.key)
        if len(self._batches) > MAX_BATCHES:
            self._batches.popitem(last=False)
        return batch

    def newest(self, batch: Batch) -> Batch:
        """Return the newest state of a batch."""
        return self._batches.get(batch.key, batch)

    def find(self, key: Any) -> Batch | None:
        """Return a batch while the server has its ZIP, or the first photo to come.

        Args:
            key: of the batch; it comes from the browser, where anybody can write anything into it.
        """
        batch = self._batches.get(key) if isinstance(key, str) else None
        if batch is None:
            return None
        files = [batch.archive, *(path for path, _ in batch.todo[:1])]
        return batch if any(path.exists() for path in files) else None


def recall_objects(memory: Any) -> str:
    """Return the remembered choice of what to cut out; the first one if there is none."""
    rule = memory.get("objects") if isinstance(memory, dict) else None
    return rule if rule in [*BATCH_RULES] else next(iter(BATCH_RULES))
