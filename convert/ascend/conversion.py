"""Run one conversion: from a graph to an OM in the model folder."""

import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from convert.ascend.command_line import Conversion, atc_arguments, configuration_files
from convert.ascend.toolkit import Toolkit, run_atc
from convert.model_folder import move_files, scratch_folder
from segmentation.errors import ConversionError
from segmentation.model_card import Artifact, ModelCard, digest_of

GRAPH_FILE = "model.onnx"
_FUSION_REPORT = "fusion_result.json"
# What atc accepts in a path: ge v8.5.0, base/common/util.cc.
_PLAIN_PATH = re.compile(r"[\u4e00-\u9fa5A-Za-z0-9./_-]+")


def make_om(card: ModelCard, conversion: Conversion, toolkit: Toolkit) -> Artifact:
    """Make one OM and move it into the model folder, with its AIPP configuration and fusion report.

    Returns:
        The card's entry for the OM.

    Raises:
        ConversionError: atc failed, or did not make the expected file.
        ModelDamaged: the graph is missing or was changed.
        OSError: the disk is full, or the folder cannot be written.
    """
    import onnx

    from convert.ascend.graphs import graph_for_atc

    graph, _ = graph_for_atc(card, conversion)
    with work_folder() as folder:
        onnx.save(graph, folder / GRAPH_FILE)
        for file, text in configuration_files(card, conversion).items():
            (folder / file).write_text(text, "utf-8")
        arguments = atc_arguments(card, conversion, GRAPH_FILE)
        print(shlex.join([str(toolkit.atc), *arguments]), file=sys.stderr, flush=True)
        version = run_atc(toolkit, arguments, folder)
        om = folder / f"{conversion.name}.om"
        if not om.is_file():
            raise _no_om(om, folder)
        report = folder / _FUSION_REPORT
        kept = {om: om.name, report: f"{conversion.name}.fusion.json"}
        aipp = folder / f"{conversion.name}.aipp.cfg"
        kept[aipp] = aipp.name
        with scratch_folder(card.folder) as partial:
            for path, name in kept.items():
                if path.is_file():
                    shutil.copyfile(path, partial / name)
            move_files(partial, card.folder)
    return _describe_om(card.folder / om.name, conversion, version)


def add_artifact(card: ModelCard, artifact: Artifact) -> ModelCard:
    """Replace the artifact of the same file where it stands, or insert a new one.

    The order of artifacts is the order of preference, and the engine skips an OM whose sizes are
    covered. So a new OM is inserted before the first one that competes with it.
    """
    listed = card.artifacts
    files = [other.file for other in listed]
    if artifact.file in files:
        place = files.index(artifact.file)
        return replace(card, artifacts=(*listed[:place], artifact, *listed[place + 1 :]))
    place = next((i for i, other in enumerate(listed) if _competes(other, artifact)), len(listed))
    return replace(card, artifacts=(*listed[:place], artifact, *listed[place:]))


def _competes(other: Artifact, om: Artifact) -> bool:
    """Whether an artifact is an OM of the same kind that shares an input size."""
    kind, kind_of_om = (
        (artifact.format, artifact.soc, artifact.precision, artifact.batch)
        for artifact in (other, om)
    )
    return kind == kind_of_om and not set(other.sizes_hw).isdisjoint(om.sizes_hw)


@contextmanager
def work_folder() -> Iterator[Path]:
    """Create a temporary folder where atc runs and leaves kernels and caches.

    Raises:
        ConversionError: atc would refuse its path.
    """
    with tempfile.TemporaryDirectory(prefix="koutu-atc-") as name:
        if _PLAIN_PATH.fullmatch(name) is None:
            raise ConversionError(
                f"atc does not accept the temporary folder {name}. Set TMPDIR to a folder whose "
                "path has only letters, digits and ./_-",
                f"atc 不接受临时文件夹 {name}。请把 TMPDIR 设为路径只含字母、数字和 ./_- 的"
                "文件夹。",
            )
        yield Path(name)


def _no_om(om: Path, folder: Path) -> ConversionError:
    made = ", ".join(path.name for path in folder.glob("*.om")) or "nothing"
    return ConversionError(
        f"atc made {made}, not {om.name}. An OM with the host's name in its file name has "
        "open shapes; give the graph fixed sizes.",
        f"atc 生成的是 {made}，而不是 {om.name}。文件名中带有主机架构，说明图中有动态形状，"
        "请导出固定尺寸的图。",
    )


def _describe_om(om: Path, conversion: Conversion, version: str | None) -> Artifact:
    return Artifact(
        file=om.name,
        format="om",
        precision=conversion.tuning.precision,
        sizes_hw=conversion.sizes_hw,
        bytes=om.stat().st_size,
        sha256=digest_of(om),
        soc=conversion.soc,
        made_with=f"atc {version}" if version else "atc",
        sampling=conversion.sampling,
        batch=conversion.batch,
    )
