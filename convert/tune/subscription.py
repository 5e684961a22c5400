"""How long each operator of an OM takes, by pyACL's subscription, for hosts without msprof.

Calls and their order: docs/zh/api_ref of github.com/hicann/runtime (19-03), its example
2_subscribe_model, and python/pyACL. A record has an operator's type, name and times, but not the
engine that computed it: that stands in the OM (`om_operators`) and in msprof's op_summary.
"""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from segmentation.engines.ascend.acl import Acl, import_acl
from segmentation.engines.ascend.device import Device
from segmentation.engines.ascend.errors import AclFailure, InternalError
from segmentation.model_card import Artifact, ModelCard, check_artifact

TIMEOUT_S = 60.0
# aclprofAicoreMetrics: no counters of the AI Core, which subscriptions do not support.
_NO_METRICS = 0xFF
_RECORDS_AT_ONCE = 64

Times = Counter[tuple[str, str]]
"""Nanoseconds by name and type of an operator."""


def operator_times(card: ModelCard, om: Artifact, pixel_values: npt.NDArray[Any]) -> Times | None:
    """Run one photo on device 0 while its operators are subscribed.

    Args:
        card: the model.
        om: the OM to run.
        pixel_values: a photo in the shape and dtype that the OM takes.

    Returns:
        The times; None if this version of pyACL cannot subscribe, or failed.

    Raises:
        ModelDamaged: the OM is missing or altered.
    """
    path = check_artifact(card, om)
    acl = Acl(import_acl())
    if not acl.has("prof.model_subscribe"):
        return None
    try:
        acl.initialise()
        device = Device(acl, 0, TIMEOUT_S)
        try:
            model = device.load(path, om)
            with _subscribed(acl, model.model_id) as times:
                model.copy_input(pixel_values)
                device.execute(model)
        finally:
            device.close()
    except InternalError:
        return None
    return times or None


@contextmanager
def _subscribed(acl: Acl, model_id: int) -> Iterator[Times]:
    """Collect the times of operators while the block runs a model.

    Raises:
        AclFailure: pyACL refuses the subscription.
    """
    times: Times = Counter()
    with ExitStack() as cleanup:
        reading, writing = os.pipe()
        cleanup.callback(os.close, reading)
        try:
            config = acl.handle("prof.create_subscribe_config", 1, _NO_METRICS, writing)
            cleanup.callback(acl.call, "prof.destroy_subscribe_config", config)
            acl.call("prof.model_subscribe", model_id, config)
        except AclFailure:
            os.close(writing)
            raise
        # CANN closes the writing end after the subscription, which ends the thread.
        context = acl.call("rt.get_context")
        reader = threading.Thread(target=_read, args=(acl, reading, context, times), daemon=True)
        reader.start()
        cleanup.callback(reader.join, TIMEOUT_S)
        cleanup.callback(acl.call, "prof.model_un_subscribe", model_id)
        yield times


def _read(acl: Acl, reading: int, context: int, times: Times) -> None:
    """Add up the records of a pipe until its writing end is closed; none if one is refused."""
    try:
        acl.call("rt.set_context", context)
        record_bytes = acl.call("prof.get_op_desc_size")
        pending = b""
        while chunk := os.read(reading, record_bytes * _RECORDS_AT_ONCE):
            pending += chunk
            size = len(pending) // record_bytes * record_bytes
            times.update(_times_of(acl, pending[:size]))
            pending = pending[size:]
    except AclFailure:
        times.clear()


def _times_of(acl: Acl, records: bytes) -> Times:
    """The times in whole records."""
    times: Times = Counter()
    memory = np.frombuffer(records, np.uint8)
    place = memory.ctypes.data, len(records)
    for index in range(acl.call("prof.get_op_num", *place) if records else 0):
        # The name and the type of a record can be asked for once.
        name = acl.call("prof.get_op_name_v2", *place, index)
        type_ = acl.call("prof.get_op_type_v2", *place, index)
        times[name, type_] += acl.value("prof.get_op_duration", *place, index)
    return times
