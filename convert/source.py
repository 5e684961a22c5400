"""Where a checkpoint's files come from: a folder, or the Hugging Face Hub.

From the Hub only what the export needs is fetched, through huggingface_hub and its cache: downloads
resume, `HF_ENDPOINT` names a mirror, `HF_HUB_OFFLINE=1` stays with what the cache holds, and
`HF_TOKEN` opens gated repositories.
"""

import errno
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmentation.errors import ConversionError

# In order of preference; an index names the parts the weights were cut into.
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
        folder: with config.json, preprocessor_config.json and the weights.
        name: Hub id or folder name.
        revision: the commit (40 hex) on the Hub; None for a folder.
        license: as its README states it, else "unknown".
    """

    folder: Path
    name: str
    revision: str | None
    license: str


def find_checkpoint(name: str, revision: str | None = None) -> CheckpointFiles:
    """The files of a folder, or of a Hub id, pinned to the commit the revision stands for now.

    Args:
        name: a folder, or a Hub id such as facebook/mask2former-swin-small-coco-instance.
        revision: branch, tag or commit on the Hub; None takes the main branch.

    Raises:
        ConversionError: there is no such checkpoint, it may not be read, it is not a Mask2Former,
            the Hub cannot be reached, or the disk is full.
    """
    folder = Path(name)
    if folder.is_dir():
        check_architecture(folder)
        return CheckpointFiles(folder, folder.resolve().name, None, _license(folder))
    return _from_hub(name, revision)


def read_json(folder: Path, name: str) -> dict[str, Any]:
    """The fields of a JSON file of a checkpoint.

    Raises:
        ConversionError: it is missing or not JSON.
    """
    try:
        fields: dict[str, Any] = json.loads((folder / name).read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConversionError(
            f"{folder} has no {name}. Give a Hub id or a folder that save_pretrained made.",
            f"{folder} 里没有 {name}。请给出 Hub 模型名，或 save_pretrained 保存的文件夹。",
        ) from error
    except ValueError as error:
        raise ConversionError(
            f"{folder / name} is not valid JSON. Download it again.",
            f"{folder / name} 不是有效的 JSON。请重新下载。",
        ) from error
    return fields


def check_architecture(folder: Path) -> None:
    """See to it that config.json is a Mask2Former's.

    Raises:
        ConversionError: it is missing or another architecture's.
    """
    model_type = read_json(folder, "config.json").get("model_type")
    if model_type != "mask2former":
        raise ConversionError(
            f"This is a {model_type} checkpoint; only mask2former can be exported. "
            "Try facebook/mask2former-swin-small-coco-instance.",
            f"该检查点的架构是 {model_type}，这里只能导出 mask2former。"
            "可以试试 facebook/mask2former-swin-small-coco-instance。",
        )


def _from_hub(repo: str, revision: str | None) -> CheckpointFiles:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    with _explained(repo, revision):
        folder = Path(hf_hub_download(repo, "config.json", revision=revision)).parent
        # Before the weights, which are a hundred times as long to wait for.
        check_architecture(folder)
        commit = folder.name
        hf_hub_download(repo, "preprocessor_config.json", revision=commit)
        _fetch_weights(repo, commit)
        # Only the licence comes from it; without it the card says that it is unknown.
        with suppress(EntryNotFoundError):
            hf_hub_download(repo, "README.md", revision=commit)
    return CheckpointFiles(folder, repo, commit, _license(folder))


def _fetch_weights(repo: str, commit: str) -> None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    for name in WEIGHTS:
        try:
            path = Path(hf_hub_download(repo, name, revision=commit))
        except EntryNotFoundError as error:
            missing = error
            continue
        if path.suffix == ".json":
            parts = set(read_json(path.parent, path.name)["weight_map"].values())
            for part in sorted(parts):
                hf_hub_download(repo, part, revision=commit)
        return
    raise missing


@contextmanager
def _explained(repo: str, revision: str | None) -> Iterator[None]:
    """Turn what huggingface_hub and the disk may raise into one line with the way out."""
    from huggingface_hub import constants, errors
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    try:
        yield
    except errors.HFValidationError as error:
        raise ConversionError(
            f"{repo} is neither a folder here nor a Hub id such as owner/name.",
            f"{repo} 既不是本地文件夹，也不是 owner/name 形式的 Hub 模型名。",
        ) from error
    except errors.GatedRepoError as error:
        raise ConversionError(
            f"{repo} is gated: accept its terms on {constants.ENDPOINT}/{repo}, then log in with "
            "`hf auth login` or set HF_TOKEN.",
            f"{repo} 需要授权：请先在 {constants.ENDPOINT}/{repo} 同意条款，"
            "再运行 `hf auth login` 登录，或设置 HF_TOKEN。",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ConversionError(
            f"There is no folder {repo} here and no model {repo} on {constants.ENDPOINT} "
            "(or it is private: set HF_TOKEN). Check the spelling.",
            f"本地没有文件夹 {repo}，{constants.ENDPOINT} 上也没有模型 {repo}"
            "（若为私有模型，请设置 HF_TOKEN）。请检查拼写。",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ConversionError(
            f"{repo} has no revision {revision}. Give a branch, a tag or a commit.",
            f"{repo} 没有版本 {revision}。请给出分支、标签或提交号。",
        ) from error
    except errors.RemoteEntryNotFoundError as error:
        raise ConversionError(
            f"{repo} lacks a file of a transformers checkpoint (config.json, "
            "preprocessor_config.json, model.safetensors).",
            f"{repo} 缺少 transformers 检查点所需的文件"
            "（config.json、preprocessor_config.json、model.safetensors）。",
        ) from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        raise ConversionError(
            f"{constants.ENDPOINT} cannot be reached and {repo} is not in the cache. Check the "
            "network, set HF_ENDPOINT to a mirror, or give a folder.",
            f"无法连接 {constants.ENDPOINT}，缓存中也没有 {repo}。"
            "请检查网络，用 HF_ENDPOINT 指定镜像，或给出本地文件夹。",
        ) from error
    except (OSError, httpx.HTTPError) as error:
        raise ConversionError(
            f"{repo} could not be fetched: {_reason(error)}. Run the command again to resume.",
            f"下载 {repo} 失败：{_reason(error)}。重新运行命令即可续传。",
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "the disk is full (HF_HOME moves the cache elsewhere)"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _license(folder: Path) -> str:
    readme = folder / "README.md"
    text = readme.read_text("utf-8") if readme.is_file() else ""
    front_matter = text.split("\n---", 1)[0] if text.startswith("---") else ""
    match = re.search(r"^license:\s*(\S+)", front_matter, re.MULTILINE)
    return match[1] if match else "unknown"
