"""Correct use of the stand-in of pyACL: the logits of onnxruntime, for every kind of OM."""

from pathlib import Path
from types import ModuleType

import numpy as np

from tests.stand_ins.pyacl.calls import (
    SIZE_HW,
    copy_input,
    copy_output,
    load,
    ok,
    unload,
    write_om,
)
from tests.stand_ins.small_model import onnx_outputs, random_image, small_model


def test_the_logits_are_those_of_onnxruntime(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    ok(copy_input(acl, loaded, random_image()))
    ok(acl.mdl.execute_async(loaded.model, loaded.inputs, loaded.outputs, loaded.stream))
    ok(acl.rt.synchronize_stream(loaded.stream))
    for index, expected in enumerate(onnx_outputs(random_image())):
        assert copy_output(acl, loaded, index) == expected.tobytes()
    unload(acl, loaded)
    assert acl.stand_in.chip.leaks() == {}


def test_synchronous_execution(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    ok(copy_input(acl, loaded, random_image()))
    ok(acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs))
    assert copy_output(acl, loaded, 1) == onnx_outputs(random_image())[1].tobytes()


def test_outputs_of_float16(acl: ModuleType, tmp_path: Path) -> None:
    loaded = load(acl, write_om(tmp_path / "a.om", [SIZE_HW], output_dtype="float16"))
    assert acl.mdl.get_output_data_type(loaded.desc, 1) == 1
    ok(copy_input(acl, loaded, random_image()))
    ok(acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs))
    expected = onnx_outputs(random_image())[1].astype(np.float16)
    assert copy_output(acl, loaded, 1) == expected.tobytes()


def test_aipp_takes_the_photo_and_normalises_it(acl: ModuleType, tmp_path: Path) -> None:
    from stand_in_om import Aipp

    aipp = Aipp((123, 116, 103), (0.675, 0.28, 0.53), (0.0171248, 0.017507, 0.0174292))
    loaded = load(acl, write_om(tmp_path / "a.om", [SIZE_HW], aipp=aipp))
    assert acl.mdl.get_input_data_type(loaded.desc, 0) == 4
    assert ok(acl.mdl.get_input_dims(loaded.desc, 0))["dims"] == [1, *SIZE_HW, 3]
    image = np.random.default_rng(5).integers(0, 256, (1, *SIZE_HW, 3), np.uint8)
    ok(copy_input(acl, loaded, image))
    ok(acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs))
    masks = np.frombuffer(copy_output(acl, loaded, 1), np.float32)
    expected = onnx_outputs(image, "NHWC")[1]
    np.testing.assert_allclose(masks, expected.ravel(), atol=0.02)


def test_gears_run_the_size_that_was_set(acl: ModuleType, tmp_path: Path) -> None:
    loaded = load(acl, write_om(tmp_path / "a.om", [(32, 32), (16, 32)]))
    gear_index = ok(acl.mdl.get_input_index_by_name(loaded.desc, "ascend_mbatch_shape_data"))
    gears = ok(acl.mdl.get_dynamic_hw(loaded.desc, -1))
    assert gears == {"hwCount": 2, "hw": [[32, 32], [16, 32]]}
    ok(acl.mdl.set_dynamic_hw_size(loaded.model, loaded.inputs, gear_index, 16, 32))
    ok(copy_input(acl, loaded, random_image(size_hw=(16, 32))))
    ok(acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs))
    assert ok(acl.mdl.get_cur_output_dims(loaded.desc, 1))["dims"] == [1, 3, 4, 8]
    assert ok(acl.mdl.get_output_dims(loaded.desc, 1))["dims"] == [1, 3, 8, 8]
    expected = onnx_outputs(random_image(size_hw=(16, 32)))[1]
    assert copy_output(acl, loaded, 1)[: expected.nbytes] == expected.tobytes()


def test_the_caller_sets_open_shapes(acl: ModuleType, tmp_path: Path) -> None:
    from stand_in_om import compile_open_om

    compile_open_om(small_model(None)).write(tmp_path / "a.om")
    acl.init()
    ok(acl.rt.set_device(0))
    ok(acl.rt.create_context(0))
    model = ok(acl.mdl.load_from_file(str(tmp_path / "a.om")))
    desc = acl.mdl.create_desc()
    ok(acl.mdl.get_desc(desc, model))
    assert acl.mdl.get_input_size_by_index(desc, 0) == 0
    image = random_image(size_hw=(16, 16))
    pointer = ok(acl.rt.malloc(image.nbytes, 0))
    ok(acl.rt.memcpy(pointer, image.nbytes, image.ctypes.data, image.nbytes, 1))
    inputs, outputs = acl.mdl.create_dataset(), acl.mdl.create_dataset()
    acl.mdl.add_dataset_buffer(inputs, acl.create_data_buffer(pointer, image.nbytes))
    for _ in range(2):
        acl.mdl.add_dataset_buffer(outputs, acl.create_data_buffer(0, 0))
    assert acl.mdl.execute(model, inputs, outputs) == 145020
    input_shape = acl.create_tensor_desc(0, list(image.shape), 0)
    ok(acl.mdl.set_dataset_tensor_desc(inputs, input_shape, 0))
    ok(acl.mdl.execute(model, inputs, outputs))
    masks = acl.mdl.get_dataset_tensor_desc(outputs, 1)
    count = acl.get_tensor_desc_num_dims(masks)
    dims = [ok(acl.get_tensor_desc_dim_v2(masks, index)) for index in range(count)]
    assert dims == [1, 3, 4, 4]
