"""Reads and writes `card.json`, which holds all facts about the model in its folder."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from dataclasses import fields as dataclass_fields
from itertools import starmap
from pathlib import Path
from typing import Any, Literal

from segmentation.arrays import SizeHW
from segmentation.errors import ModelDamaged, ModelError, ModelNotFound
from segmentation.i18n import Text

SCHEMA = 1
CARD = "card.json"
BUNDLED = Path(__file__).parent / "models"

# Label of the mask of a subject query.
SUBJECT = Text("subject", "主体")

Layout = Literal["NHWC", "NCHW"]


@dataclass(frozen=True, slots=True)
class InputSpec:
    """The input of the graph.

    Attributes:
        name: the input's name in the graph.
        layout: axis order; the batch axis has the length of the artifact's `batch`.
        dtype: element type; uint8 stands for the photo's values, 0..255.
        normalised_inside: whether the graph applies `rescale_factor`, `mean` and `std` itself.
        mean: subtracted from the rescaled values, per RGB channel.
        std: divisor after that, per RGB channel.
        rescale_factor: factor from 0..255 to the range of `mean` and `std`.
    """

    name: str
    layout: Layout
    dtype: Literal["uint8", "float32"]
    normalised_inside: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]
    rescale_factor: float


@dataclass(frozen=True, slots=True)
class Artifact:
    """One compiled or exported form of the model.

    Attributes:
        file: file name inside the model folder.
        format: onnx or om.
        precision: fp32, fp16, int8, or mixed (an OM with both fp16 and fp32).
        sizes_hw: accepted input sizes (height, width) in pixels.
        bytes: file size.
        sha256: digest of the file in hexadecimal.
        soc: the chip that an OM is built for, as atc spells it; None for onnx.
        made_with: tool and version that wrote the file.
        sampling: form of deformable attention in a graph; deform-conv needs onnxruntime 1.25.
        weights_file: file of another artifact of the card that holds the graph's weights too; None
            for a graph that has its own.
        batch: number of photos that one run takes.
    """

    file: str
    format: Literal["onnx", "om"]
    precision: str
    sizes_hw: tuple[SizeHW, ...]
    bytes: int
    sha256: str
    soc: str | None = None
    made_with: str | None = None
    sampling: str | None = None
    weights_file: str | None = None
    batch: int = 1


@dataclass(frozen=True, slots=True)
class Source:
    """Origin of the weights.

    Attributes:
        checkpoint: id on the Hugging Face Hub, or folder name.
        revision: commit hash of 40 hexadecimal digits, or None.
        license: licence of the weights.
    """

    checkpoint: str
    revision: str | None
    license: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """All facts about a model that code needs; written by `convert`, read by the engines.

    Attributes:
        folder: folder of the card and its artifacts.
        name: short name, as used on the command line.
        title: name shown to people.
        task: task that the checkpoint was trained for.
        source: origin of the weights.
        labels: label texts in the order of the class logits, without the no-object class.
        score_threshold: minimum score (0..1) of an instance that is shown by default.
        input: input of the graph.
        outputs: names of class_queries_logits and masks_queries_logits in the graph.
        mask_stride: input pixels per mask cell along each axis.
        artifacts: forms of the model; within a format, the preferred one comes first.
        subject_query: whether masks_queries_logits has one more row, the last: the mask of the
            photo's whole subject.
    """

    folder: Path
    name: str
    title: Text
    task: Literal["instance", "panoptic", "semantic"]
    source: Source
    labels: tuple[Text, ...]
    score_threshold: float
    input: InputSpec
    outputs: tuple[str, str]
    mask_stride: int
    artifacts: tuple[Artifact, ...]
    subject_query: bool = False

    @property
    def object_labels(self) -> tuple[Text, ...]:
        """All labels that an object in a photo may have."""
        return (*self.labels, SUBJECT) if self.subject_query else self.labels

    @property
    def graphs(self) -> tuple[Artifact, ...]:
        """The ONNX graphs of one photo; those of several are for atc alone."""
        return tuple(item for item in self.artifacts if (item.format, item.batch) == ("onnx", 1))

    @property
    def source_graphs(self) -> tuple[Artifact, ...]:
        """The float graphs with weights of their own, from which other artifacts are made."""
        sources = (graph for graph in self.graphs if graph.weights_file is None)
        return tuple(graph for graph in sources if graph.precision == "fp32")

    def path(self, artifact: Artifact) -> Path:
        """Return the path of an artifact's file."""
        return self.folder / artifact.file


def load_card(folder: Path) -> ModelCard:
    """Read the card of a model folder.

    Raises:
        ModelNotFound: the folder has no card.json.
        ModelError: the card has another schema version.
        ModelDamaged: the card cannot be read as JSON, or lacks a field.
    """
    path = folder / CARD
    try:
        fields = json.loads(path.read_text("utf-8"))
        if fields["schema"] != SCHEMA:
            raise ModelError(
                f"{path.name} of {folder.name} has schema {fields['schema']}; this version reads "
                f"{SCHEMA}. Export the model again, or update Koutu.",
                f"{folder.name} 的 {path.name} 版本为 {fields['schema']}，本程序支持 {SCHEMA}。"
                "请重新导出模型，或升级 Koutu。",
            )
        return _from_fields(folder, fields)
    except FileNotFoundError as error:
        raise ModelNotFound(
            f"{folder} has no card.json. Make one with: python -m convert export CHECKPOINT -o DIR",
            f"{folder} 里没有 card.json。请先运行：python -m convert export CHECKPOINT -o DIR",
        ) from error
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ModelDamaged(
            f"{path} cannot be read ({type(error).__name__}). Export the model again.",
            f"无法读取 {path}（{type(error).__name__}）。请重新导出模型。",
        ) from error


def save_card(card: ModelCard) -> None:
    """Write `card.json` into the card's folder, replacing an old one atomically."""
    path = card.folder / CARD
    partial = path.with_name(f"{CARD}.partial")
    try:
        text = json.dumps(_to_fields(card), ensure_ascii=False, indent=1)
        partial.write_text(text + "\n", "utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def find_model(name: str) -> ModelCard:
    """Load the card of a bundled model or of a model folder.

    Args:
        name: name of a bundled model, or path of a model folder.

    Raises:
        ModelNotFound: neither exists, or the folder has no card.
        ModelError: the card has another schema version.
        ModelDamaged: the card cannot be read.
    """
    bundled = bundled_models()
    if name in bundled:
        return load_card(BUNDLED / name)
    folder = Path(name)
    if folder.is_dir():
        return load_card(folder)
    raise ModelNotFound(
        f"No model called {name}. Bundled: {', '.join(bundled)}; or give a model folder.",
        f"没有名为 {name} 的模型。内置模型：{'、'.join(bundled)}；也可以给出模型文件夹。",
    )


def bundled_models() -> tuple[str, ...]:
    """Return the names of the models that come with the code."""
    return tuple(sorted(path.parent.name for path in BUNDLED.glob(f"*/{CARD}")))


def check_artifact(card: ModelCard, artifact: Artifact) -> Path:
    """Check that an artifact's file, and that of its weights, are as the card describes them.

    Returns:
        The path of the file.

    Raises:
        ModelDamaged: the file is missing, cut short or altered.
    """
    for other in card.artifacts:
        if other.file == artifact.weights_file:
            check_artifact(card, replace(other, weights_file=None))
    path = card.path(artifact)
    if not path.is_file():
        raise ModelDamaged(
            f"{artifact.file} of model {card.name} is missing. Fetch or export the model again.",
            f"模型 {card.name} 缺少文件 {artifact.file}。请重新下载或导出模型。",
        )
    if path.stat().st_size == artifact.bytes and digest_of(path) == artifact.sha256:
        return path
    raise ModelDamaged(
        f"{artifact.file} of model {card.name} is not the file its card describes. "
        "Fetch or export the model again.",
        f"模型 {card.name} 的文件 {artifact.file} 与 card.json 的记录不符。请重新下载或导出模型。",
    )


def digest_of(path: Path) -> str:
    """Return the SHA-256 digest of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def input_spec(fields: dict[str, Any]) -> InputSpec:
    """Make an `InputSpec` of the fields that JSON has for it."""
    return InputSpec(**{**fields, "mean": tuple(fields["mean"]), "std": tuple(fields["std"])})


def _from_fields(folder: Path, fields: dict[str, Any]) -> ModelCard:
    if any(Path(artifact["file"]).name != artifact["file"] for artifact in fields["artifacts"]):
        raise ValueError("an artifact must lie beside its card")  # cards may be untrusted
    return ModelCard(
        folder=folder,
        name=fields["name"],
        title=Text(**fields["title"]),
        task=fields["task"],
        source=Source(**fields["source"]),
        labels=tuple(starmap(Text, zip(fields["labels"], fields["labels_zh"], strict=True))),
        score_threshold=fields["score_threshold"],
        input=input_spec(fields["input"]),
        outputs=(fields["outputs"][0], fields["outputs"][1]),
        mask_stride=fields["mask_stride"],
        artifacts=tuple(
            Artifact(**{**artifact, "sizes_hw": tuple((h, w) for h, w in artifact["sizes_hw"])})
            for artifact in fields["artifacts"]
        ),
        subject_query=fields.get("subject_query", False),
    )


def _to_fields(card: ModelCard) -> dict[str, Any]:
    defaults = {field.name: field.default for field in dataclass_fields(Artifact)}
    artifacts = [
        {key: value for key, value in asdict(artifact).items() if value != defaults[key]}
        for artifact in card.artifacts
    ]
    return {
        "schema": SCHEMA,
        "name": card.name,
        "title": asdict(card.title),
        "task": card.task,
        "source": asdict(card.source),
        "labels": [label.en for label in card.labels],
        "labels_zh": [label.zh for label in card.labels],
        "score_threshold": card.score_threshold,
        "input": asdict(card.input),
        "outputs": card.outputs,
        "mask_stride": card.mask_stride,
        **({"subject_query": True} if card.subject_query else {}),
        "artifacts": artifacts,
    }
