"""Where and how the compact model is trained."""

import pytest
import torch

from convert.compact.training.device import choose_setup, has_fast_bf16
from segmentation.errors import ConversionError


def test_bfloat16_is_fast_only_where_the_processor_has_it() -> None:
    assert has_fast_bf16("processor : 0\nflags\t\t: fpu avx512f avx512_bf16\n")
    assert not has_fast_bf16("processor : 0\nflags\t\t: fpu avx2\n")
    assert not has_fast_bf16("")


def test_a_gpu_is_taken_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    setup = choose_setup("auto")
    assert (setup.device.type, setup.bf16, setup.frozen_stages) == ("cuda", False, None)
    assert choose_setup("cpu").device.type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_setup("auto").device.type == "cpu"
    with pytest.raises(ConversionError, match="no CUDA device"):
        choose_setup("cuda")
