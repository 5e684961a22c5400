"""Which of the found objects are meant."""

from collections.abc import Sequence

from segmentation.errors import ChoiceError
from segmentation.instances import Instance, Segmentation
from segmentation.text import Text

# What `choose` takes besides labels and ids.
RULES = ("auto", "largest", "all", "none")


def choose(segmentation: Segmentation, objects: str) -> tuple[int, ...]:
    """The ids of the instances that a wish names.

    Args:
        segmentation: what was found.
        objects: one of RULES; or labels (in English or Chinese) or ids, separated by commas.

    Returns:
        Ids in rising order; empty when no instance has the label.

    Raises:
        ChoiceError: an id that was not found.
    """
    instances = segmentation.instances
    match objects:
        case "none":
            return ()
        case "all":
            return tuple(instance.id for instance in instances)
        case "largest":
            return _ids(sorted(instances, key=lambda instance: -instance.area)[:1])
        case "auto":
            return subject(segmentation)
    wishes = [wish.strip() for wish in objects.split(",")]
    if missing := [w for w in wishes if w.isdigit() and not 1 <= int(w) <= len(instances)]:
        raise ChoiceError(
            f"There is no object {missing[0]}; {len(instances)} were found. See --list.",
            f"没有编号为 {missing[0]} 的物体；共找到 {len(instances)} 个。可用 --list 查看。",
        )
    return _ids([i for i in instances if {str(i.id), i.label.en, i.label.zh} & set(wishes)])


def check_wish(objects: str, labels: Sequence[Text]) -> None:
    """Refuse a wish that no photo could fulfil, before any photo is read.

    Raises:
        ChoiceError: it names a label the model does not know.
    """
    known = {name for label in labels for name in (label.en, label.zh)}
    for wish in (wish.strip() for wish in objects.split(",")):
        if objects not in RULES and not wish.isdigit() and wish not in known:
            raise ChoiceError(
                f"The model knows no {wish!r}. Choose from {', '.join(RULES)}, object numbers, "
                f"or labels: {', '.join(label.en for label in labels)}.",
                f"模型不认识“{wish}”。可选 {'、'.join(RULES)}、物体编号，"
                f"或标签：{'、'.join(label.zh for label in labels)}。",
            )


def subject(segmentation: Segmentation) -> tuple[int, ...]:
    """The instances a person would call the subject of the photo."""
    return _ids(segmentation.instances[:1])


def _ids(instances: Sequence[Instance]) -> tuple[int, ...]:
    return tuple(sorted(instance.id for instance in instances))
