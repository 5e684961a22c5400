"""Models from the Hugging Face Hub: a repository with `card.json` and artifacts beside it.

All through huggingface_hub and its cache: what is there is not fetched again, `HF_ENDPOINT` names a
mirror, `HF_HUB_OFFLINE=1` stays with what the cache holds, `HF_HOME` says where that is, and
`HF_TOKEN` opens gated repositories.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from segmentation.engines.ascend.acl import NO_CANN
from segmentation.engines.registry import EngineChoice, available_chip, detect_chip, is_remote
from segmentation.errors import EngineUnavailable, EntryMissing, FetchFailed, ModelDamaged
from segmentation.i18n import Text
from segmentation.model_card import Artifact, ModelCard, check_artifact, find_model, load_card

PREFIX = "hf:"


def get_model(name: str, engine: EngineChoice = "auto", precision: str | None = None) -> ModelCard:
    """The card of a bundled model, of a folder, or of a repository on the Hub.

    Of a repository the card comes first, and then only the artifacts this host can use; the card
    returned names no others. It is pinned to the commit that the revision stands for now, which its
    title shows.

    Args:
        name: see `find_model`; or hf:OWNER/NAME, or hf:OWNER/NAME@REVISION (branch, tag, commit).
        engine: the one that will run the model.
        precision: the one that will be asked for; None takes the card's first choice.

    Raises:
        ModelNotFound: no such bundled model or folder.
        FetchFailed: the Hub does not have it, does not give it, or cannot be reached; the disk is
            full.
        ModelDamaged: the card or an artifact is not what it should be.
        EngineUnavailable: the repository has nothing this host can use.
    """
    if not name.startswith(PREFIX):
        return find_model(name)
    repo, _, revision = name.removeprefix(PREFIX).partition("@")
    folder = download(repo, "card.json", revision or None).parent
    commit = folder.name
    card = load_card(folder)
    title = Text(f"{card.title.en} @{commit[:7]}", f"{card.title.zh} @{commit[:7]}")
    if is_remote(engine):
        return replace(card, title=title)
    artifacts = _usable(card, engine, precision)
    for artifact in artifacts:
        download(repo, artifact.file, commit)
        try:
            check_artifact(card, artifact)
        except ModelDamaged as error:
            raise FetchFailed(
                f"{artifact.file} of {repo} is not the file its card.json describes. "
                f"Delete {folder.parent.parent} and start again; "
                "if it stays so, tell the repository's owner.",
                f"{repo} 的 {artifact.file} 与其 card.json 的记录不符。"
                f"请删除 {folder.parent.parent} 后重试；若仍如此，请告知仓库所有者。",
            ) from error
    return replace(card, title=title, artifacts=artifacts)


def download(repo: str, file: str, revision: str | None) -> Path:
    """One file of a repository, in the cache's folder of the commit (40 hex).

    Raises:
        EntryMissing: the repository has no such file, or, without a network, the cache has not.
        FetchFailed: it may not be read, or did not come through.
    """
    # Half a second to import, for those who stay with the bundled model.
    from huggingface_hub import hf_hub_download

    with _explained(repo, file, revision):
        return Path(hf_hub_download(repo, file, revision=revision))


def _usable(card: ModelCard, engine: EngineChoice, precision: str | None) -> tuple[Artifact, ...]:
    """The artifacts that a host will open, of the precision asked for or of the first choice.

    A chip is served by its own OMs, and by the ONNX for the day it cannot start.

    Raises:
        EngineUnavailable: there are none, or the card that is insisted on does not work.
    """
    chip = {"ascend": detect_chip, "auto": available_chip}.get(engine, lambda: None)()
    if engine == "ascend" and chip is None:
        raise EngineUnavailable(NO_CANN.en, NO_CANN.zh)
    here = [
        artifact
        for artifact in card.artifacts
        if (engine != "ascend" if artifact.format == "onnx" else artifact.soc == chip)
    ]
    wanted: dict[str, str] = {}
    for artifact in here:
        wanted.setdefault(artifact.format, precision or artifact.precision)
    chosen = tuple(a for a in here if a.precision == wanted[a.format])
    if not chosen:
        asked = f" in {precision}" if precision else ""
        raise EngineUnavailable(
            f"Model {card.name} has no file{asked} for this host. Choose another one, or make it "
            "with `python -m convert`.",
            f"模型 {card.name} 没有适合本机的文件{f'（{precision}）' if precision else ''}。"
            "请换一个模型，或用 `python -m convert` 生成。",
        )
    return chosen


@contextmanager
def _explained(repo: str, file: str, revision: str | None) -> Iterator[None]:
    """Turn what huggingface_hub and the disk may raise into one line with the way out."""
    from huggingface_hub import constants, errors

    # The one it was built on, whatever its name is.
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    endpoint = constants.ENDPOINT
    try:
        yield
    except errors.HFValidationError as error:
        raise FetchFailed(
            f"{repo} is neither a folder here nor a Hub id such as owner/name.",
            f"{repo} 既不是本地文件夹，也不是 owner/name 形式的 Hub 模型名。",
        ) from error
    except errors.GatedRepoError as error:
        raise FetchFailed(
            f"{repo} is gated: accept its terms on {endpoint}/{repo}, then log in with "
            "`hf auth login` or set HF_TOKEN.",
            f"{repo} 需要授权：请先在 {endpoint}/{repo} 同意条款，"
            "再运行 `hf auth login` 登录，或设置 HF_TOKEN。",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise FetchFailed(
            f"There is no model {repo} on {endpoint} (or it is private: set HF_TOKEN), and no "
            "folder of that name here. Check the spelling.",
            f"{endpoint} 上没有模型 {repo}（若为私有模型，请设置 HF_TOKEN），"
            "本地也没有同名文件夹。请检查拼写。",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise FetchFailed(
            f"{repo} has no revision {revision}. Give a branch, a tag or a commit.",
            f"{repo} 没有版本 {revision}。请给出分支、标签或提交号。",
        ) from error
    except errors.RemoteEntryNotFoundError as error:
        raise EntryMissing(
            f"{repo} has no {file}. Choose another repository or revision.",
            f"{repo} 中没有 {file}。请换一个仓库或版本。",
        ) from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        # The client says only that it has nothing; what the server answered is behind it.
        why = _reason(error.__cause__ or error)
        raise EntryMissing(
            f"{endpoint} did not give {file} of {repo}, and it is not in the cache: {why}. Check "
            "the network, set HF_ENDPOINT to a mirror, or give a folder.",
            f"无法从 {endpoint} 取得 {repo} 的 {file}，缓存中也没有：{why}。"
            "请检查网络，用 HF_ENDPOINT 指定镜像，或给出本地文件夹。",
        ) from error
    except RuntimeError as error:
        # What hf_xet, which fetches large files, raises for whatever befalls it.
        raise FetchFailed(
            f"{file} of {repo} could not be fetched from the Hub's Xet storage: {_reason(error)}. "
            "Run the command again; behind a mirror or a firewall set HF_HUB_DISABLE_XET=1.",
            f"从 Hub 的 Xet 存储下载 {repo} 的 {file} 失败：{_reason(error)}。"
            "请重新运行命令；使用镜像或有防火墙时请设置 HF_HUB_DISABLE_XET=1。",
        ) from error
    except (OSError, httpx.HTTPError) as error:
        # huggingface_hub resumes a cut download within one run, not in the next one.
        raise FetchFailed(
            f"{file} of {repo} could not be fetched: {_reason(error)}. Run the command again; "
            "files that are complete stay.",
            f"下载 {repo} 的 {file} 失败：{_reason(error)}。请重新运行命令；已下完的文件会保留。",
        ) from error


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "the disk is full (HF_HOME moves the cache elsewhere)"
    return str(error).splitlines()[0].rstrip(". ") if str(error) else type(error).__name__
