"""Finding checkpoints in folders, and on a small hub on localhost with the real Hub client."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from convert.checkpoint_files import find_checkpoint
from segmentation.errors import ConversionError, FetchFailed
from tests.stand_ins.hub import COMMIT, Hub, running_hub, use_hub

REPO = "someone/mask2former-tiny"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    repo = tmp_path / "hub" / REPO
    repo.mkdir(parents=True)
    (repo / "config.json").write_text('{"model_type": "mask2former"}')
    (repo / "preprocessor_config.json").write_text("{}")
    (repo / "model.safetensors").write_bytes(b"weights" * 1000)
    (repo / "README.md").write_text("---\nlicense: mit\ntags: [x]\n---\nlicense: not this\n")
    (repo / "pytorch_model.bin").write_bytes(b"the same weights again")
    (repo / "photo.jpg").write_bytes(b"not needed")
    with running_hub(tmp_path / "hub") as hub:
        use_hub(hub, tmp_path / "cache", monkeypatch)
        yield hub


def test_only_the_needed_files_are_downloaded_and_the_commit_is_pinned(hub: Hub) -> None:
    files = find_checkpoint(REPO)
    assert hub.fetched() == [
        "config.json",
        "preprocessor_config.json",
        "model.safetensors",
        "README.md",
    ]
    assert (files.name, files.revision, files.license) == (REPO, COMMIT, "mit")
    assert (files.folder / "model.safetensors").read_bytes() == b"weights" * 1000
    # The first request resolves the branch; all others ask for the commit.
    from_main = [path for _, path, _ in hub.requests if "/resolve/main/" in path]
    assert {path.rsplit("/", 1)[1] for path in from_main} == {"config.json"}


def test_a_checkpoint_is_downloaded_once(hub: Hub) -> None:
    find_checkpoint(REPO)
    hub.requests.clear()
    find_checkpoint(REPO)
    assert hub.fetched() == []


def test_the_cache_is_used_offline(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    find_checkpoint(REPO)
    hub.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    files = find_checkpoint(REPO)
    assert (files.revision, files.license) == (COMMIT, "mit")
    assert hub.requests == []


def test_an_interrupted_download_resumes(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    hub.cut_next_at["model.safetensors"] = 4000
    files = find_checkpoint(REPO)
    assert (files.folder / "model.safetensors").read_bytes() == b"weights" * 1000
    assert ("GET", f"/{REPO}/resolve/{COMMIT}/model.safetensors", "bytes=4000-") in hub.requests


def test_split_weights_are_downloaded_with_their_index(hub: Hub) -> None:
    repo = hub.root / REPO
    (repo / "model.safetensors").unlink()
    parts = {"a": "part-2.safetensors", "b": "part-1.safetensors", "c": "part-1.safetensors"}
    (repo / "model.safetensors.index.json").write_text(json.dumps({"weight_map": parts}))
    for part in parts.values():
        (repo / part).write_bytes(part.encode())
    find_checkpoint(REPO)
    assert hub.fetched()[2:5] == [
        "model.safetensors.index.json",
        "part-1.safetensors",
        "part-2.safetensors",
    ]


def test_torch_weights_are_taken_where_there_are_no_others(hub: Hub) -> None:
    (hub.root / REPO / "model.safetensors").unlink()
    find_checkpoint(REPO)
    assert "pytorch_model.bin" in hub.fetched()


def test_another_architecture_is_refused_before_its_weights_are_downloaded(hub: Hub) -> None:
    (hub.root / REPO / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ConversionError, match="bert checkpoint"):
        find_checkpoint(REPO)
    assert hub.fetched() == ["config.json"]


@pytest.mark.parametrize(
    ("name", "revision", "message"),
    [
        ("someone/nothing", None, "no model someone/nothing"),
        (REPO, "v9", "no revision v9"),
        ("./no/such/folder", None, "neither a folder here nor a Hub id"),
    ],
)
def test_a_missing_checkpoint_is_reported_in_one_line(
    hub: Hub, name: str, revision: str | None, message: str
) -> None:
    with pytest.raises(FetchFailed, match=message) as caught:
        find_checkpoint(name, revision)
    assert "\n" not in str(caught.value)
    assert hub.fetched() == []


def test_a_gated_repository_says_how_to_get_access(hub: Hub) -> None:
    hub.gated.add(REPO)
    with pytest.raises(FetchFailed, match=r"gated: accept its terms on .*HF_TOKEN"):
        find_checkpoint(REPO)


def test_a_repository_without_weights_is_refused(hub: Hub) -> None:
    for name in ("model.safetensors", "pytorch_model.bin"):
        (hub.root / REPO / name).unlink()
    with pytest.raises(FetchFailed, match=r"has no model\.safetensors\."):
        find_checkpoint(REPO)


@pytest.mark.usefixtures("hub")
def test_an_empty_cache_offline_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(FetchFailed, match=r"did not provide .* HF_ENDPOINT"):
        find_checkpoint(REPO)


@pytest.mark.usefixtures("hub")
def test_a_cache_that_cannot_be_written_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", "/dev/full/cache")
    with pytest.raises(FetchFailed, match="could not be fetched"):
        find_checkpoint(REPO)


def test_a_folder_is_used_directly(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "mask2former"}')
    files = find_checkpoint(str(tmp_path))
    assert (files.folder, files.revision, files.license) == (tmp_path, None, "unknown")


def test_a_folder_without_a_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"has no config.json"):
        find_checkpoint(str(tmp_path))


def test_an_index_without_files_is_refused(hub: Hub) -> None:
    (hub.root / REPO / "model.safetensors").unlink()
    (hub.root / REPO / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(ConversionError, match="does not say where the weights are"):
        find_checkpoint(REPO)


@pytest.mark.parametrize(
    ("front_matter", "license_"),
    [
        ("license: apache-2.0", "apache-2.0"),
        ('license: "mit"', "mit"),
        ("license:\n- apache-2.0\n- mit", "apache-2.0"),
        ("license: other # see file", "other"),
        ("license:\ntags:\n- vision", "unknown"),
        ("name: Café\nlicense: mit", "mit"),
    ],
)
def test_the_licence_is_read_from_the_front_matter(
    tmp_path: Path, front_matter: str, license_: str
) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "mask2former"}')
    (tmp_path / "README.md").write_text(f"---\n{front_matter}\n---\nA model.", "latin-1")
    assert find_checkpoint(str(tmp_path)).license == license_
