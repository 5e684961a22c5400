"""What `import segmentation` costs, and what it promises."""

import json
import subprocess
import sys

import segmentation

HEAVY = ("onnxruntime", "acl", "torch", "transformers", "onnx", "gradio", "pillow_heif", "convert")


def loaded_by(statement: str) -> set[str]:
    code = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(json.loads(run.stdout))


def test_the_import_is_light() -> None:
    modules = loaded_by("import segmentation")
    assert not modules & set(HEAVY)
    assert not {name for name in modules if name.startswith("PIL.") and "ImagePlugin" in name}


def test_the_command_line_comes_up_without_a_run_time() -> None:
    assert not loaded_by("from segmentation.__main__ import main") & set(HEAVY)


def test_all_that_is_promised_is_there() -> None:
    assert sorted(segmentation.__all__) == segmentation.__all__
    assert [name for name in segmentation.__all__ if not hasattr(segmentation, name)] == []
