"""Models from the Hub: the real huggingface_hub client with a small hub on localhost."""

import errno
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import _http

from segmentation.errors import EngineUnavailable, FetchFailed, ModelDamaged
from segmentation.inference.hub import get_model
from segmentation.inference.registry import available_models
from segmentation.model_card import Artifact, find_model, save_card
from tests.stand_ins.hub import COMMIT, Hub, running_hub, use_hub
from tests.stand_ins.om_card import CHIP
from tests.stand_ins.toolkit import fresh_acl, hide_acl

REPO = "someone/koutu-small"
NAME = f"hf:{REPO}"
FILES: dict[str, tuple[Literal["onnx", "om"], str, str | None]] = {
    "model.onnx": ("onnx", "fp32", None),
    "model.int8.onnx": ("onnx", "int8", None),
    "model_288x384.om": ("om", "mixed", CHIP),
    "model_384x288.om": ("om", "mixed", CHIP),
    "model_fp32.om": ("om", "fp32", CHIP),
    "model_910.om": ("om", "mixed", "Ascend910B4"),
}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    repo = tmp_path / "hub" / REPO
    repo.mkdir(parents=True)
    (repo / "README.md").write_text("not needed")
    artifacts = []
    for file, (format_, precision, soc) in FILES.items():
        content = file.encode() * 1000
        (repo / file).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        sizes_hw = ((384, 384),)
        artifacts.append(Artifact(file, format_, precision, sizes_hw, len(content), digest, soc))
    shared = replace(artifacts[1], file="model.int4.onnx", precision="int4")
    (repo / shared.file).write_bytes((repo / artifacts[1].file).read_bytes())
    artifacts.append(replace(shared, weights_file="model.onnx"))
    # No host runs this one: atc makes an OM of it.
    artifacts.append(replace(artifacts[0], file="model_batch2.onnx", batch=2))
    compact = find_model("compact")
    save_card(replace(compact, name="small", folder=repo, artifacts=tuple(artifacts)))
    hide_acl(monkeypatch)
    # The client would wait longer and longer for a server that is down.
    monkeypatch.setattr(_http, "time", SimpleNamespace(sleep=lambda _: None))
    with running_hub(tmp_path / "hub") as hub:
        use_hub(hub, tmp_path / "cache", monkeypatch)
        yield hub


@pytest.mark.parametrize(
    ("engine", "precision", "files"),
    [
        ("auto", None, ["model.onnx"]),
        ("onnx", "int8", ["model.int8.onnx"]),
        ("onnx", "int4", ["model.onnx", "model.int4.onnx"]),
        ("http://127.0.0.1:9", None, []),
    ],
)
def test_only_files_that_this_host_can_use_are_fetched(
    hub: Hub, engine: str, precision: str | None, files: list[str]
) -> None:
    card = get_model(NAME, engine, precision)
    assert hub.fetched() == ["card.json", *files]
    assert [artifact.file for artifact in card.artifacts if card.path(artifact).is_file()] == files


@pytest.mark.parametrize(
    ("engine", "precision", "files"),
    [
        ("auto", None, ["model.onnx", "model_288x384.om", "model_384x288.om"]),
        ("ascend", None, ["model_288x384.om", "model_384x288.om"]),
        ("ascend", "fp32", ["model_fp32.om"]),
        ("onnx", None, ["model.onnx"]),
    ],
)
def test_a_host_with_a_chip_gets_the_files_for_it(
    hub: Hub,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
    precision: str | None,
    files: list[str],
) -> None:
    fresh_acl(monkeypatch)
    card = get_model(NAME, engine, precision)
    assert hub.fetched() == ["card.json", *files]
    assert [artifact.file for artifact in card.artifacts] == files


@pytest.mark.usefixtures("hub")
def test_a_forced_ascend_engine_without_cann_is_refused() -> None:
    with pytest.raises(EngineUnavailable, match="pyACL is not installed"):
        get_model(NAME, "ascend")


def test_the_commit_is_pinned_and_shown(hub: Hub) -> None:
    card = get_model(f"{NAME}@main")
    assert card.title.en == f"Compact (bundled) @{COMMIT[:7]}"
    assert card.title.zh == f"轻量模型（内置） @{COMMIT[:7]}"
    moving = [path for _, path, _ in hub.requests if "/resolve/main/" in path]
    assert {path.rsplit("/", 1)[1] for path in moving} == {"card.json"}
    assert get_model(f"{NAME}@{COMMIT}") == card


def test_cached_files_are_not_fetched_again_and_need_no_network(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = get_model(NAME)
    hub.requests.clear()
    assert get_model(NAME) == card
    assert hub.fetched() == []
    hub.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert get_model(NAME) == card
    assert hub.requests == []


def test_an_interrupted_download_is_resumed(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    hub.cut_next_at["model.onnx"] = 4000
    get_model(NAME)
    assert ("GET", f"/{REPO}/resolve/{COMMIT}/model.onnx", "bytes=4000-") in hub.requests


def remove_repository(hub: Hub) -> None:
    (hub.root / REPO).rename(hub.root / "someone" / "elsewhere")


def remove_card(hub: Hub) -> None:
    (hub.root / REPO / "card.json").unlink()


def remove_model(hub: Hub) -> None:
    (hub.root / REPO / "model.onnx").unlink()


def gate(hub: Hub) -> None:
    hub.gated.add(REPO)


def fail(hub: Hub) -> None:
    hub.failing.add(REPO)


def alter_model(hub: Hub) -> None:
    (hub.root / REPO / "model.onnx").write_bytes(b"something else")


@pytest.mark.parametrize(
    ("cause", "en", "zh"),
    [
        (remove_repository, "There is no model someone/koutu-small on", "上没有模型"),
        (remove_card, "has no card.json. Choose another repository", "没有 card.json"),
        (remove_model, "has no model.onnx. Choose another repository", "没有 model.onnx"),
        (gate, "is gated: accept its terms on", "需要授权"),
        (fail, "503 Service Unavailable", "HF_ENDPOINT 指定镜像"),
        (alter_model, "is not the file its card.json describes. Delete ", "记录不符"),
    ],
)
def test_each_failure_is_explained_in_one_line(
    hub: Hub, cause: Callable[[Hub], None], en: str, zh: str
) -> None:
    cause(hub)
    with pytest.raises(FetchFailed) as caught:
        get_model(NAME)
    assert en in caught.value.text.en
    assert zh in caught.value.text.zh
    assert "\n" not in caught.value.text.en


def test_an_unreachable_mirror_is_explained(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/{filename}"
    )
    with pytest.raises(FetchFailed, match=r"Connection refused.* set HF_ENDPOINT to a mirror"):
        get_model(NAME)
    assert hub.requests == []


@pytest.mark.usefixtures("hub")
def test_an_unknown_revision_is_explained() -> None:
    with pytest.raises(FetchFailed, match="has no revision v9"):
        get_model(f"{NAME}@v9")


@pytest.mark.parametrize("name", ["hf:", "hf:a/b/c", "hf:../../etc", "hf:a b/c"])
def test_an_invalid_repository_name_is_never_requested(hub: Hub, name: str) -> None:
    with pytest.raises(FetchFailed, match="neither a folder here nor a Hub id"):
        get_model(name)
    assert hub.requests == []


def test_a_full_disk_is_explained(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Writes to the file that the client opens fail with ENOSPC.
    monkeypatch.setattr("uuid.uuid4", lambda: SimpleNamespace(hex="0" * 32))
    etag = hashlib.sha256((hub.root / REPO / "model.onnx").read_bytes()).hexdigest()
    blobs = tmp_path / "cache" / "models--someone--koutu-small" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{etag}.00000000.incomplete").symlink_to("/dev/full")
    with pytest.raises(FetchFailed, match=r"the disk is full \(HF_HOME") as caught:
        get_model(NAME)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOSPC


@pytest.mark.parametrize("file", ["../model.onnx", "/etc/passwd", "a/model.onnx"])
def test_a_card_with_files_in_other_folders_is_refused(hub: Hub, file: str) -> None:
    path = hub.root / REPO / "card.json"
    fields = json.loads(path.read_text())
    fields["artifacts"][0]["file"] = file
    path.write_text(json.dumps(fields))
    with pytest.raises(ModelDamaged):
        get_model(NAME)
    assert hub.fetched() == ["card.json"]


@pytest.mark.usefixtures("hub")
def test_a_repository_without_a_file_for_this_host_is_refused() -> None:
    with pytest.raises(EngineUnavailable, match="has no file in fp16 for this host"):
        get_model(NAME, "onnx", "fp16")


def test_the_bundled_model_is_available_without_the_hub(hub: Hub) -> None:
    bundled = find_model("compact")
    cards, (error,) = available_models([NAME, "hf:someone/nothing"], Path("nowhere"))
    assert [card.name for card in cards] == ["small", "compact"]
    assert "no model someone/nothing" in error.text.en
    remove_repository(hub)
    cards, missing = available_models(["hf:someone/none", "hf:someone/nothing"], Path("nowhere"))
    assert (cards, len(missing)) == ((bundled,), 2)


def test_a_failure_of_the_xet_storage_is_explained(hub: Hub) -> None:
    hub.in_xet.add("model.onnx")
    with pytest.raises(FetchFailed, match="HF_HUB_DISABLE_XET=1"):
        get_model(NAME)
