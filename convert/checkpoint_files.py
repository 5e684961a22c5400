"""Find the files of a checkpoint in a folder or on the Hugging Face Hub.

From the Hub, only the files that the export needs are downloaded, by
segmentation/inference/hub.py.
"""

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmentation.errors import ConversionError, EntryMissing
from segmentation.inference.hub import download

# In order of preference; an index names the files of weights that are split.
WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


@dataclass(frozen=True, slots=True)
class CheckpointFiles:
    """A checkpoint on disk.

    Attributes:
        folder: holds config.json, preprocessor_config.json and the weights.
        name: Hub id or folder name.
        revision: commit (40 hex digits) on the Hub; None for a local folder.
        license: as the checkpoint's README states it, else "unknown".
    """

    folder: Path
    name: str
    revision: str | None
    license: str


def find_checkpoint(name: str, revision: str | None = None) -> CheckpointFiles:
    """Find a checkpoint folder, or download a checkpoint from the Hub.

    A branch or tag is resolved once, and all files are downloaded from that commit.

    Args:
        name: a folder, or a Hub id such as facebook/mask2former-swin-small-coco-instance.
        revision: branch, tag or commit on the Hub; None takes the main branch.

    Raises:
        ConversionError: the checkpoint is not a Mask2Former, or a file is missing.
        FetchFailed: the checkpoint does not exist or is not accessible, the Hub cannot be reached,
            or the disk is full.
    """
    folder = Path(name)
    if folder.is_dir():
        check_architecture(folder)
        return CheckpointFiles(folder, folder.resolve().name, None, _license(folder))
    return _download(name, revision)


def read_json(folder: Path, name: str) -> dict[str, Any]:
    """Read a JSON file of a checkpoint.

    Raises:
        ConversionError: the file is missing or not a JSON object.
    """
    try:
        fields = json.loads((folder / name).read_text("utf-8"))
        if not isinstance(fields, dict):
            raise ValueError("not an object")
    except FileNotFoundError as error:
        raise ConversionError(
            f"{folder} has no {name}. Give a Hub id, or a folder written by save_pretrained.",
            f"{folder} 中没有 {name}。请给出 Hub 模型名，或由 save_pretrained 保存的文件夹。",
        ) from error
    except ValueError as error:
        raise ConversionError(
            f"{folder / name} is not a JSON object. Download it again.",
            f"{folder / name} 不是 JSON 对象。请重新下载。",
        ) from error
    return fields


def check_architecture(folder: Path) -> None:
    """Check that config.json describes a Mask2Former.

    Raises:
        ConversionError: the file is missing, or it describes another architecture.
    """
    model_type = read_json(folder, "config.json").get("model_type")
    if model_type != "mask2former":
        raise ConversionError(
            f"This is a {model_type} checkpoint; only mask2former can be exported. "
            "Try facebook/mask2former-swin-small-coco-instance.",
            f"该检查点的架构是 {model_type}，目前只能导出 mask2former。"
            "可以试试 facebook/mask2former-swin-small-coco-instance。",
        )


def _download(repo: str, revision: str | None) -> CheckpointFiles:
    folder = download(repo, "config.json", revision).parent
    # Checked before the weights, which take a hundred times as long to download.
    check_architecture(folder)
    commit = folder.name
    download(repo, "preprocessor_config.json", commit)
    _download_weights(repo, commit)
    # The README is needed for the licence alone; without it the licence is "unknown".
    with suppress(EntryMissing):
        download(repo, "README.md", commit)
    return CheckpointFiles(folder, repo, commit, _license(folder))


def _download_weights(repo: str, commit: str) -> None:
    missing: list[EntryMissing] = []
    for name in WEIGHTS:
        try:
            path = download(repo, name, commit)
        except EntryMissing as error:
            missing.append(error)
            continue
        if path.suffix == ".json":
            for part in _parts(path):
                download(repo, part, commit)
        return
    raise missing[0]


def _parts(index: Path) -> list[str]:
    """List the files of split weights, as their index names them."""
    parts = read_json(index.parent, index.name).get("weight_map")
    if not isinstance(parts, dict):
        raise ConversionError(
            f"{index.name} does not say where the weights are. Choose another revision.",
            f"{index.name} 没有指明权重文件。请换一个版本。",
        )
    return sorted(set(parts.values()))


def _license(folder: Path) -> str:
    """Read the licence from the front matter of the checkpoint's README."""
    readme = folder / "README.md"
    text = readme.read_text("utf-8", errors="replace") if readme.is_file() else ""
    front_matter = text.split("\n---", 1)[0] if text.startswith("---") else ""
    match = re.search(r"^license:(?:[ \t]*|[ \t]*\n[ \t]*-[ \t]*)([\w.'\"-]+)", front_matter, re.M)
    return match[1].strip("'\"") if match else "unknown"


def first_line(error: Exception) -> str:
    """Return the first line of a library's message, or the error's type if it has none."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__
