"""The subject query: one mask more, and the same numbers for all others."""

from copy import deepcopy
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import Mask2FormerForUniversalSegmentation

from convert.__main__ import main
from convert.checkpoint import Checkpoint, load_checkpoint
from convert.graph.mask2former import Target, write_graph
from convert.graph.operator_rules.check import check
from convert.graph.retarget.retarget import retarget
from convert.graph.subject_decoder import with_subject
from convert.logits_difference import compare_logits
from convert.synthetic_photo import synthetic_photo
from segmentation.engines.base import Logits
from segmentation.engines.onnx import OnnxEngine
from segmentation.model_card import load_card
from tests.convert.graph_run import run_graph
from tests.convert.small_checkpoints import save, small_checkpoint

SIZE_HW = 64, 96
IMAGE = np.random.default_rng(1).integers(0, 256, (1, *SIZE_HW, 3), np.uint8)
PLAIN = small_checkpoint("resnet")


@cache
def with_noise() -> Checkpoint:
    """The same checkpoint with a subject query, whose weights differ from those of the others."""
    model = with_subject(deepcopy(PLAIN.model))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.subject.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return Checkpoint(model, PLAIN.processor)


@pytest.fixture(scope="module")
def expected() -> Logits:
    return with_noise().run(IMAGE)


def test_the_other_queries_give_the_same_numbers(expected: Logits) -> None:
    plain = PLAIN.run(IMAGE)
    assert not PLAIN.has_subject
    assert len(expected.masks_queries_logits) == 1 + len(plain.masks_queries_logits)
    np.testing.assert_array_equal(expected.class_queries_logits, plain.class_queries_logits)
    np.testing.assert_array_equal(expected.masks_queries_logits[:-1], plain.masks_queries_logits)


@pytest.mark.parametrize(
    ("target", "is_open"), [("onnx", True), ("onnx", False), ("ascend", False)]
)
def test_graphs_agree_with_the_checkpoint(
    expected: Logits, target: Target, *, is_open: bool
) -> None:
    checkpoint = with_noise()
    size_hw = None if is_open else SIZE_HW
    graph = write_graph(checkpoint.model, checkpoint.input_spec, size_hw, target)
    if target == "ascend":
        assert check(graph) == ()
    found = run_graph(graph, IMAGE)
    assert compare_logits(expected, found).mask_agreement >= 0.999
    # A difference in the one mask alone would hardly show in a mean over all of them.
    np.testing.assert_allclose(
        found.masks_queries_logits[-1], expected.masks_queries_logits[-1], atol=1e-3
    )


def test_a_graph_that_is_rewritten_for_atc_keeps_its_numbers(expected: Logits) -> None:
    checkpoint = with_noise()
    graph = write_graph(checkpoint.model, checkpoint.input_spec, SIZE_HW)
    rewritten = retarget(graph, SIZE_HW, "grid-sample")
    assert check(rewritten) == ()
    masks = run_graph(rewritten, IMAGE).masks_queries_logits
    np.testing.assert_allclose(masks, expected.masks_queries_logits, atol=1e-3)


def test_a_saved_checkpoint_has_its_subject_query_and_is_one_of_transformers(
    expected: Logits, tmp_path: Path
) -> None:
    loaded = load_checkpoint(save(with_noise(), tmp_path))
    assert loaded.has_subject
    np.testing.assert_array_equal(loaded.run(IMAGE).masks_queries_logits, expected[1])
    plain = Mask2FormerForUniversalSegmentation.from_pretrained(tmp_path).eval()
    classes, _ = Checkpoint(plain, PLAIN.processor).run(IMAGE)
    np.testing.assert_array_equal(classes, expected.class_queries_logits)


def test_an_exported_model_says_that_it_has_a_subject_query_and_may_be_int8(tmp_path: Path) -> None:
    saved, folder = save(with_noise(), tmp_path / "checkpoint"), tmp_path / "model"
    assert main(["export", str(saved), "-o", str(folder), "--size", "64x96"]) == 0
    assert main(["quantize", str(folder)]) == 0
    card = load_card(folder)
    assert card.subject_query
    assert card.object_labels[-1].en == "subject"
    image = synthetic_photo(SIZE_HW)[None]
    exact, rounded = (OnnxEngine(card, precision).run(image) for precision in ("fp32", "int8"))
    subject, rounded_subject = (logits.masks_queries_logits[-1] for logits in (exact, rounded))
    assert subject.shape == (16, 24)
    assert ((subject > 0) == (rounded_subject > 0)).mean() > 0.95


def test_the_query_starts_as_the_mean_of_the_others() -> None:
    extended = with_subject(deepcopy(PLAIN.model))
    queries = PLAIN.model.model.transformer_module.queries_features.weight
    torch.testing.assert_close(extended.subject.queries_features.weight[0], queries.mean(0))
    (first, *_), (source, *_) = (
        extended.subject.decoder.layers,
        PLAIN.model.model.transformer_module.decoder.layers,
    )
    torch.testing.assert_close(first.fc1.weight, source.fc1.weight)
