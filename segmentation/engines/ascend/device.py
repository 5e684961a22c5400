"""One Ascend device: its context, its stream and the models loaded there.

For the device thread alone. Order of calls and of teardown: CANN's pyACL guide (hiascend.com,
aclpythondevg_0005, 0007, 0032) and github.com/hicann/runtime, python/pyACL.
"""

import logging
from contextlib import ExitStack
from pathlib import Path

from segmentation.engines.ascend.acl import Acl
from segmentation.engines.ascend.errors import AclFailure, NotEnoughMemory
from segmentation.engines.ascend.model import DeviceModel
from segmentation.model_card import Artifact

_log = logging.getLogger(__name__)

# Kinds of memory of get_mem_info (acl_rt.h): HBM of the 910B, then DDR of the 310P.
_MEMORY_KINDS = (1, 0)


class Device:
    """A context and a stream on one device, and the models loaded there.

    Args:
        acl: pyACL, initialised.
        device_id: number of the device among those that this process sees.
        timeout_s: seconds that one inference may take.

    Raises:
        AclFailure: the device does not start; nothing stays allocated.
    """

    def __init__(self, acl: Acl, device_id: int, timeout_s: float) -> None:
        self._acl = acl
        self._timeout_ms = int(timeout_s * 1000)
        self._cleanup = cleanup = ExitStack()
        try:
            acl.call("rt.set_device", device_id)
            cleanup.callback(acl.call, "rt.reset_device", device_id)
            context = acl.call("rt.create_context", device_id)
            cleanup.callback(acl.call, "rt.destroy_context", context)
            self._stream: int = acl.call("rt.create_stream")
            cleanup.callback(acl.call, "rt.destroy_stream", self._stream)
        except AclFailure:
            # Users get the first failure; later ones follow from it and go to the log.
            try:
                cleanup.close()
            except AclFailure as later_failure:
                _log.warning("Cleanup of the device failed: %s", later_failure.explain().en)
            raise

    def load(self, path: Path, om: Artifact) -> DeviceModel:
        """Load an OM and allocate its input and output memory once.

        Raises:
            AclFailure: the device refuses the OM or is out of memory.
            ModelMismatch: the OM takes another input than its card says, or has other outputs.
            NotEnoughMemory: the device has too little memory left.
        """
        self._check_memory(path)
        return DeviceModel(self._acl, path, om, self._cleanup)

    def _check_memory(self, path: Path) -> None:
        needed_bytes: int = sum(self._acl.call("mdl.query_size", str(path)))
        memory = self.memory_bytes()
        if memory is not None and needed_bytes > memory[0]:
            raise NotEnoughMemory(needed_bytes, memory[0])

    def memory_bytes(self) -> tuple[int, int] | None:
        """Return free and total bytes of memory; None if the device does not say."""
        for kind in _MEMORY_KINDS:
            try:
                free_bytes, total_bytes = self._acl.call("rt.get_mem_info", kind)
            except AclFailure:
                continue  # a chip without this kind of memory may refuse the question
            if total_bytes:
                return int(free_bytes), int(total_bytes)
        return None

    def execute(self, model: DeviceModel) -> None:
        """Run a model on its input memory and wait for the result.

        `execute_async` and a wait replace `execute`, because only the wait releases the GIL;
        `execute` would stop every thread of the process (pyACL, mdl_wrap.cpp).

        Raises:
            AclFailure: the model failed or did not finish in time.
        """
        self._acl.call(
            "mdl.execute_async", model.model_id, model.inputs, model.outputs, self._stream
        )
        if self._acl.has("rt.synchronize_stream_with_timeout"):
            self._acl.call("rt.synchronize_stream_with_timeout", self._stream, self._timeout_ms)
        else:
            self._acl.call("rt.synchronize_stream", self._stream)

    def close(self) -> None:
        """Release everything in the documented order, and go on after a failure.

        A running inference is waited for first, because its memory must not be freed. The
        runtime's own limit ends an operator that never returns.

        Raises:
            AclFailure: the last call that failed; all other calls were made.
        """
        self._cleanup.callback(self._acl.call, "rt.synchronize_stream", self._stream)
        self._cleanup.close()
