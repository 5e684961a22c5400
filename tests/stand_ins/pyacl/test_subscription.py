"""The stand-in's subscription of operators refuses what the manual of acl.prof rules out."""

import os
from types import ModuleType

import numpy as np

from tests.stand_ins.pyacl.calls import load, ok, unload

NO_METRICS = 0xFF


def test_a_model_is_subscribed_once_and_a_type_is_asked_for_once(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    reading, writing = os.pipe()
    config = acl.prof.create_subscribe_config(1, NO_METRICS, writing)
    ok(acl.prof.model_subscribe(loaded.model, config))
    assert acl.prof.model_subscribe(loaded.model, config) == 148046
    ok(acl.mdl.execute_async(loaded.model, loaded.inputs, loaded.outputs, loaded.stream))
    ok(acl.rt.synchronize_stream(loaded.stream))
    ok(acl.prof.model_un_subscribe(loaded.model))
    with os.fdopen(reading, "rb") as pipe:
        # It ends, because the stand-in has closed the writing end.
        records = np.frombuffer(pipe.read(), np.uint8)
    place = records.ctypes.data, records.nbytes
    assert ok(acl.prof.get_op_num(*place)) == 3
    assert ok(acl.prof.get_op_type_v2(*place, 0)) == "GridSampler2D"
    assert acl.prof.get_op_type_v2(*place, 0) == (None, 100000)
    assert ok(acl.prof.get_op_name_v2(*place, 0)) == "GridSample_1"
    assert acl.prof.get_op_name_v2(*place, 0) == (None, 100000)
    assert acl.prof.get_op_num(place[0], records.nbytes - 1) == (0, 100000)
    ok(acl.prof.destroy_subscribe_config(config))
    unload(acl, loaded)
    assert acl.stand_in.chip.leaks() == {}


def test_unknown_models_and_empty_subscriptions_are_refused(acl: ModuleType) -> None:
    assert acl.prof.create_subscribe_config(0, NO_METRICS, 1) == 0
    config = acl.prof.create_subscribe_config(1, NO_METRICS, 1)
    assert acl.prof.model_subscribe(7, config) == 100000
    assert acl.prof.model_un_subscribe(7) == 100000
