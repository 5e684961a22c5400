"""The page with models that the operator named by their repositories on the Hub."""

from dataclasses import replace
from pathlib import Path

from segmentation.i18n import Text
from segmentation.model_card import find_model, save_card
from tests.paths import EXAMPLES
from tests.stand_ins.hub import COMMIT, running_hub
from tests.started import started
from tests.visitor import Visitor


def test_a_model_from_the_hub_works_and_a_missing_one_is_reported(tmp_path: Path) -> None:
    compact = find_model("compact")
    repo = tmp_path / "hub" / "someone" / "koutu-copy"
    repo.mkdir(parents=True)
    for artifact in compact.artifacts:
        (repo / artifact.file).write_bytes(compact.path(artifact).read_bytes())
    save_card(replace(compact, folder=repo, name="copy", title=Text("A copy", "副本")))
    with running_hub(tmp_path / "hub") as hub:
        environment = {
            "HF_ENDPOINT": hub.url,
            "HF_HUB_CACHE": str(tmp_path / "cache"),
            "KOUTU_MODELS": "hf:someone/koutu-copy hf:someone/nothing",
            "GRADIO_TEMP_DIR": str(tmp_path / "gradio"),
        }
        with started(environment=environment) as page, Visitor(page.address, "zh-CN") as visitor:
            assert any(f"no model someone/nothing on {hub.url}" in line for line in page.output)
            assert any("没有模型 someone/nothing" in line for line in page.output)
            visitor.fire(visitor.handler("greet"))
            visitor.open("flower.jpg", (EXAMPLES / "flower.jpg").read_bytes())
            page_text = str(visitor.values.values())
    assert f"副本 @{COMMIT[:7]} · onnxruntime CPU" in page_text
    assert "暂时不可用" in page_text
    # Visitors do not see the operator's repositories and paths.
    assert "someone" not in page_text
    assert str(tmp_path / "cache") not in page_text
