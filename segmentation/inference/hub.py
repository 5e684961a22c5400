"""Models from the Hugging Face Hub: a repository with `card.json` and the artifacts beside it.

Downloads go through huggingface_hub and its cache: files in the cache are not fetched again,
`HF_ENDPOINT` names a mirror, `HF_HUB_OFFLINE=1` uses the cache only, `HF_HOME` moves it, and
`HF_TOKEN` opens gated repositories.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from segmentation.engines.ascend.acl import NO_CANN
from segmentation.engines.proxy import ignored_proxies, repair_proxies
from segmentation.engines.registry import (
    EngineChoice,
    available_chip,
    detect_chip,
    is_ascend,
    is_remote,
)
from segmentation.engines.telemetry import disable_telemetry
from segmentation.errors import EngineUnavailable, EntryMissing, FetchFailed, ModelDamaged
from segmentation.i18n import Text, join_sentences
from segmentation.model_card import Artifact, ModelCard, check_artifact, find_model, load_card

HUB_PREFIX = "hf:"


def get_model(name: str, engine: EngineChoice = "auto", precision: str | None = None) -> ModelCard:
    """Find a bundled model or a model folder, or download a model from the Hub.

    From a repository, the card is fetched first, and then only the artifacts that this host can
    use. The card is pinned to the commit that the revision stands for now.

    Args:
        name: see `find_model`; or hf:OWNER/NAME, or hf:OWNER/NAME@REVISION (branch, tag, commit).
        engine: the engine that will run the model.
        precision: of the artifacts; None takes the card's first choice.

    Returns:
        The card. From the Hub, its title shows the commit and it lists only the files fetched.

    Raises:
        ModelNotFound: there is no such bundled model or folder.
        FetchFailed: the Hub does not have the files, denies access or cannot be reached, or the
            disk is full.
        ModelDamaged: the card or an artifact is damaged.
        EngineUnavailable: the repository has no artifact that this host can use.
    """
    if not name.startswith(HUB_PREFIX):
        return find_model(name)
    repo, _, revision = name.removeprefix(HUB_PREFIX).partition("@")
    folder = download(repo, "card.json", revision or None).parent
    commit = folder.name
    card = load_card(folder)
    title = Text(f"{card.title.en} @{commit[:7]}", f"{card.title.zh} @{commit[:7]}")
    if is_remote(engine):
        return replace(card, title=title)
    artifacts = _usable_artifacts(card, engine, precision)
    for artifact in artifacts:
        download(repo, artifact.file, commit)
    for artifact in artifacts:
        try:
            check_artifact(card, artifact)
        except ModelDamaged as error:
            raise FetchFailed(
                f"{artifact.file} of {repo} is not the file its card.json describes. "
                f"Delete {folder.parent.parent} and start again; "
                "if this happens again, inform the repository's owner.",
                f"{repo} 的 {artifact.file} 与其 card.json 的记录不符。"
                f"请删除 {folder.parent.parent} 后重试；若仍如此，请告知仓库所有者。",
            ) from error
    return replace(card, title=title, artifacts=artifacts)


def download(repo: str, file: str, revision: str | None) -> Path:
    """Download one file of a repository, unless it is in the cache.

    Args:
        repo: OWNER/NAME.
        file: path within the repository.
        revision: branch, tag or commit; None takes the default branch.

    Returns:
        The file in the cache, in a folder named after the commit (40 hex digits).

    Raises:
        EntryMissing: the repository does not have the file, or the Hub cannot be reached and the
            cache does not have it.
        FetchFailed: access is denied, or the download failed.
    """
    disable_telemetry()
    repair_proxies()
    # Takes half a second to import, which a bundled model does not need.
    from huggingface_hub import hf_hub_download

    with _translate_errors(repo, file, revision):
        return Path(hf_hub_download(repo, file, revision=revision))


def _usable_artifacts(
    card: ModelCard, engine: EngineChoice, precision: str | None
) -> tuple[Artifact, ...]:
    """The artifacts that this host can open, in the given or each format's first precision.

    A host with a chip gets the OMs for it, and the ONNX in case the chip cannot start. A graph
    comes with the one that holds its weights.

    Raises:
        EngineUnavailable: there are none, or the forced Ascend device does not work.
    """
    is_forced = is_ascend(engine)
    chip = detect_chip() if is_forced else available_chip() if engine == "auto" else None
    if is_forced and chip is None:
        raise EngineUnavailable(NO_CANN.en, NO_CANN.zh)
    oms = (om for om in card.artifacts if om.format == "om" and om.soc == chip)
    candidates = (*(() if is_forced else card.graphs), *oms)
    precisions: dict[str, str] = {}
    for artifact in candidates:
        precisions.setdefault(artifact.format, precision or artifact.precision)
    usable = tuple(
        artifact for artifact in candidates if artifact.precision == precisions[artifact.format]
    )
    if not usable:
        in_precision = f" in {precision}" if precision else ""
        raise EngineUnavailable(
            f"Model {card.name} has no file{in_precision} for this host. Choose another model, or "
            "make the file with `python -m convert`.",
            f"模型 {card.name} 没有适合本机的文件{f'（{precision}）' if precision else ''}。"
            "请换一个模型，或用 `python -m convert` 生成。",
        )
    weights = {artifact.weights_file for artifact in usable}
    return tuple(item for item in candidates if item in usable or item.file in weights)


@contextmanager
def _translate_errors(repo: str, file: str, revision: str | None) -> Iterator[None]:
    """Turn the errors of huggingface_hub and the disk into one line each, with a way out.

    Raises:
        EntryMissing, FetchFailed: see `download`.
    """
    from huggingface_hub import errors

    # The HTTP client that huggingface_hub uses, whatever its name.
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    try:
        yield
    except (errors.HFValidationError, RuntimeError, OSError, httpx.HTTPError) as error:
        refusal = _refusal(error, repo, file, revision)
        raise refusal or _explained(_transfer_failure(error, repo, file)) from error


def _explained(failure: FetchFailed) -> FetchFailed:
    """The error with a sentence for each proxy that had to be ignored."""
    sentences = (failure.text, *ignored_proxies())
    return type(failure)(join_sentences(sentences, "en"), join_sentences(sentences, "zh"))


def _refusal(error: Exception, repo: str, file: str, revision: str | None) -> FetchFailed | None:
    """The error for a request that the Hub refuses, or None for other errors."""
    from huggingface_hub import constants, errors

    endpoint = constants.ENDPOINT
    match error:
        case errors.HFValidationError():
            return FetchFailed(
                f"{repo} is neither a folder here nor a Hub id. Write a Hub id like owner/name.",
                f"{repo} 既不是本地文件夹，也不是 Hub 模型名。Hub 模型名请写成 owner/name 的形式。",
            )
        case errors.GatedRepoError():
            return FetchFailed(
                f"{repo} is gated: accept its terms on {endpoint}/{repo}, then log in with "
                "`hf auth login` or set HF_TOKEN.",
                f"{repo} 需要授权：请先在 {endpoint}/{repo} 同意条款，"
                "再运行 `hf auth login` 登录，或设置 HF_TOKEN。",
            )
        case errors.RepositoryNotFoundError():
            return FetchFailed(
                f"There is no model {repo} on {endpoint} (or it is private: set HF_TOKEN), and no "
                "folder of that name here. Check the spelling.",
                f"{endpoint} 上没有模型 {repo}（若为私有模型，请设置 HF_TOKEN），"
                "本地也没有同名文件夹。请检查拼写。",
            )
        case errors.RevisionNotFoundError():
            return FetchFailed(
                f"{repo} has no revision {revision}. Give a branch, a tag or a commit.",
                f"{repo} 没有版本 {revision}。请给出分支、标签或提交号。",
            )
        case errors.RemoteEntryNotFoundError():
            return EntryMissing(
                f"{repo} has no {file}. Choose another repository or revision.",
                f"{repo} 中没有 {file}。请换一个仓库或版本。",
            )
    return None


def _transfer_failure(error: Exception, repo: str, file: str) -> FetchFailed:
    """The error for a transfer that failed."""
    from huggingface_hub import constants, errors

    endpoint = constants.ENDPOINT
    match error:
        case errors.LocalEntryNotFoundError() | errors.OfflineModeIsEnabled():
            # huggingface_hub says only that the cache is empty; the cause has the server's answer.
            reason = _reason(error.__cause__ or error)
            return EntryMissing(
                f"{endpoint} did not provide {file} of {repo}, and it is not in the cache: "
                f"{reason}. Check the network, set HF_ENDPOINT to a mirror, or give a folder.",
                f"无法从 {endpoint} 取得 {repo} 的 {file}，缓存中也没有：{reason}。"
                "请检查网络，用 HF_ENDPOINT 指定镜像，或给出本地文件夹。",
            )
        case RuntimeError():
            # All errors of hf_xet, which fetches large files.
            return FetchFailed(
                f"{file} of {repo} could not be fetched from the Hub's Xet storage: "
                f"{_reason(error)}. Run the command again; behind a mirror or a firewall, set "
                "HF_HUB_DISABLE_XET=1.",
                f"从 Hub 的 Xet 存储下载 {repo} 的 {file} 失败：{_reason(error)}。"
                "请重新运行命令；使用镜像或有防火墙时请设置 HF_HUB_DISABLE_XET=1。",
            )
    # huggingface_hub resumes an interrupted download only within one run.
    return FetchFailed(
        f"{file} of {repo} could not be fetched: {_reason(error)}. Run the command again; "
        "files that are complete stay.",
        f"下载 {repo} 的 {file} 失败：{_reason(error)}。请重新运行命令；已下完的文件会保留。",
    )


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "the disk is full (HF_HOME moves the cache elsewhere)"
    return str(error).splitlines()[0].rstrip(". ") if str(error) else type(error).__name__
