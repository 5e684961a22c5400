"""Models from the Hub: the real huggingface_hub client against a small hub on localhost."""

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
    (repo / "README.md").write_text("nobody needs it")
    artifacts = []
    for file, (format_, precision, soc) in FILES.items():
        content = file.encode() * 1000
        (repo / file).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        sizes_hw = ((384, 384),)
        artifacts.append(Artifact(file, format_, precision, sizes_hw, len(content), digest, soc))
    compact = find_model("compact")
    save_card(replace(compact, name="small", folder=repo, artifacts=tuple(artifacts)))
    hide_acl(monkeypatch)
    # Its client waits longer and longer for a server that is down.
    monkeypatch.setattr(_http, "time", SimpleNamespace(sleep=lambda _: None))
    with running_hub(tmp_path / "hub") as hub:
        use_hub(hub, tmp_path / "cache", monkeypatch)
        yield hub


@pytest.mark.parametrize(
    ("engine", "precision", "files"),
    [
        ("auto", None, ["model.onnx"]),
        ("onnx", "int8", ["model.int8.onnx"]),
        ("http://127.0.0.1:9", None, []),
    ],
)
def test_only_what_this_host_can_use_is_fetched(
    hub: Hub, engine: str, precision: str | None, files: list[str]
) -> None:
    card = get_model(NAME, engine, precision)
    assert hub.fetched() == ["card.json", *files]
    assert [a.file for a in card.artifacts if card.path(a).is_file()] == files


@pytest.mark.parametrize(
    ("engine", "precision", "files"),
    [
        ("auto", None, ["model.onnx", "model_288x384.om", "model_384x288.om"]),
        ("ascend", None, ["model_288x384.om", "model_384x288.om"]),
        ("ascend", "fp32", ["model_fp32.om"]),
        ("onnx", None, ["model.onnx"]),
    ],
)
def test_a_card_gets_the_files_for_its_chip(
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
def test_a_forced_card_on_a_host_without_cann_is_told_so() -> None:
    with pytest.raises(EngineUnavailable, match="pyACL is not installed"):
        get_model(NAME, "ascend")


def test_the_revision_is_pinned_and_shown(hub: Hub) -> None:
    card = get_model(f"{NAME}@main")
    assert card.title.en == f"Compact (bundled) @{COMMIT[:7]}"
    assert card.title.zh == f"轻量模型（内置） @{COMMIT[:7]}"
    moving = [path for _, path, _ in hub.requests if "/resolve/main/" in path]
    assert {path.rsplit("/", 1)[1] for path in moving} == {"card.json"}
    assert get_model(f"{NAME}@{COMMIT}") == card


def test_a_second_time_nothing_is_fetched_and_then_no_network_is_needed(
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


def test_half_a_download_goes_on_where_it_was_cut(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    hub.cut_next_at["model.onnx"] = 4000
    get_model(NAME)
    assert ("GET", f"/{REPO}/resolve/{COMMIT}/model.onnx", "bytes=4000-") in hub.requests


def not_there(hub: Hub) -> None:
    (hub.root / REPO).rename(hub.root / "someone" / "elsewhere")


def without_card(hub: Hub) -> None:
    (hub.root / REPO / "card.json").unlink()


def without_model(hub: Hub) -> None:
    (hub.root / REPO / "model.onnx").unlink()


def gated(hub: Hub) -> None:
    hub.gated.add(REPO)


def down(hub: Hub) -> None:
    hub.failing.add(REPO)


def altered(hub: Hub) -> None:
    (hub.root / REPO / "model.onnx").write_bytes(b"something else")


@pytest.mark.parametrize(
    ("befalls", "en", "zh"),
    [
        (not_there, "There is no model someone/koutu-small on", "上没有模型"),
        (without_card, "has no card.json. Choose another repository", "没有 card.json"),
        (without_model, "has no model.onnx. Choose another repository", "没有 model.onnx"),
        (gated, "is gated: accept its terms on", "需要授权"),
        (down, "503 Service Unavailable", "HF_ENDPOINT 指定镜像"),
        (altered, "is not the file its card.json describes. Delete ", "记录不符"),
    ],
)
def test_each_mishap_is_one_line_with_the_way_out(
    hub: Hub, befalls: Callable[[Hub], None], en: str, zh: str
) -> None:
    befalls(hub)
    with pytest.raises(FetchFailed) as caught:
        get_model(NAME)
    assert en in caught.value.text.en
    assert zh in caught.value.text.zh
    assert "\n" not in caught.value.text.en


def test_a_mirror_that_is_not_there(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/{filename}"
    )
    with pytest.raises(FetchFailed, match=r"Connection refused.* set HF_ENDPOINT to a mirror"):
        get_model(NAME)
    assert hub.requests == []


@pytest.mark.usefixtures("hub")
def test_a_revision_that_is_not_there() -> None:
    with pytest.raises(FetchFailed, match="has no revision v9"):
        get_model(f"{NAME}@v9")


@pytest.mark.parametrize("name", ["hf:", "hf:a/b/c", "hf:../../etc", "hf:a b/c"])
def test_what_is_no_repository_is_never_asked_for(hub: Hub, name: str) -> None:
    with pytest.raises(FetchFailed, match="neither a folder here nor a Hub id"):
        get_model(name)
    assert hub.requests == []


def test_a_full_disk(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where the client is about to write, every write fails with ENOSPC.
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
def test_a_card_that_points_elsewhere_is_refused(hub: Hub, file: str) -> None:
    path = hub.root / REPO / "card.json"
    fields = json.loads(path.read_text())
    fields["artifacts"][0]["file"] = file
    path.write_text(json.dumps(fields))
    with pytest.raises(ModelDamaged):
        get_model(NAME)
    assert hub.fetched() == ["card.json"]


@pytest.mark.usefixtures("hub")
def test_a_repository_without_a_file_for_this_host() -> None:
    with pytest.raises(EngineUnavailable, match="has no file in fp16 for this host"):
        get_model(NAME, "onnx", "fp16")


def test_the_page_comes_up_on_the_bundled_model_when_the_hub_does_not(hub: Hub) -> None:
    bundled = find_model("compact")
    cards, (error,) = available_models([NAME, "hf:someone/nothing"], Path("nowhere"))
    assert [card.name for card in cards] == ["small", "compact"]
    assert "no model someone/nothing" in error.text.en
    not_there(hub)
    cards, missing = available_models(["hf:someone/none", "hf:someone/nothing"], Path("nowhere"))
    assert (cards, len(missing)) == ((bundled,), 2)


def test_storage_that_turns_us_away_is_explained(hub: Hub) -> None:
    hub.in_xet.add("model.onnx")
    with pytest.raises(FetchFailed, match="HF_HUB_DISABLE_XET=1"):
        get_model(NAME)
