"""The graph of the bundled model, as it is committed."""

import numpy as np

from segmentation.engines.onnx import OnnxEngine
from segmentation.model_card import BUNDLED, load_card
from tests.paths import DATA

CHELSEA = DATA / "compact_chelsea_192x384.npz"


def test_the_committed_graph_gives_the_checkpoints_logits() -> None:
    golden = np.load(CHELSEA)
    engine = OnnxEngine(load_card(BUNDLED / "compact"))
    logits = engine.run(golden["image"][None])
    np.testing.assert_allclose(
        logits.class_queries_logits, golden["class_queries_logits"], atol=1e-3
    )
    # The file holds the masks in half precision.
    np.testing.assert_allclose(
        logits.masks_queries_logits, golden["masks_queries_logits"], atol=1e-3, rtol=1e-3
    )
    engine.close()


def test_the_committed_graph_finds_a_cat() -> None:
    golden = np.load(CHELSEA)
    card = load_card(BUNDLED / "compact")
    engine = OnnxEngine(card)
    best = engine.run(golden["image"][None]).class_queries_logits[:, :-1].max(0).argmax()
    assert card.labels[best].en == "cat"
    engine.close()
