"""The messages that wait for clients which do not read them."""

import time
from collections import Counter
from collections.abc import Callable

import gradio as gr

from segmentation.page.gradio_internals.queue import forget_session, unread_messages

# An event has a message for each change of its place in the queue, and one with its result, which
# may take megabytes.
MAX_PER_NETWORK = 400
MAX_IN_ALL = 2000
# A program may fetch the answer to a call as late as this.
UNREAD_SECONDS = 600


class UnreadMessages:
    """Counts the messages that each network left unread, and drops the oldest.

    Args:
        ui: the page.
        clock: monotonic time in seconds.
    """

    def __init__(self, ui: gr.Blocks, clock: Callable[[], float] = time.monotonic) -> None:
        self._ui = ui
        self._clock = clock
        # Network and time of the last event of each session that has unread messages.
        self._senders: dict[str, tuple[str, float]] = {}

    def admit(self, network: str, session: str | None) -> bool:
        """Whether a network may send another event.

        Args:
            network: the network.
            session: the session that the event belongs to.
        """
        unread = unread_messages(self._ui)
        now = self._clock()
        self._senders = {name: self._senders.get(name, ("", now)) for name in unread}
        for name, (_, sent_at) in list(self._senders.items()):
            if unread[name] and now - sent_at > UNREAD_SECONDS:
                forget_session(self._ui, name)
                del self._senders[name]
        counts: Counter[str] = Counter()
        for name, (owner, _) in self._senders.items():
            counts[owner] += unread[name]
        if session:
            self._senders[session] = network, now
        in_all = sum(min(count, MAX_PER_NETWORK) for count in counts.values())
        return counts[network] < MAX_PER_NETWORK and in_all < MAX_IN_ALL
