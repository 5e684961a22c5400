"""The OMs of a card that the engine loads."""

from segmentation.errors import EngineUnavailable
from segmentation.model_card import Artifact, ModelCard


def choose_oms(card: ModelCard, chip: str, precision: str | None) -> list[Artifact]:
    """The OMs of one precision for the chip, in the card's order.

    Raises:
        EngineUnavailable: the card has no OM for the chip or none of the precision.
    """
    oms = [artifact for artifact in card.artifacts if artifact.format == "om"]
    oms_for_chip = [om for om in oms if om.soc == chip]
    if not oms_for_chip:
        raise _no_om_for_chip(card, chip, sorted({str(om.soc) for om in oms}))
    precision = precision or oms_for_chip[0].precision
    chosen: list[Artifact] = []
    for om in oms_for_chip:
        covered_hw = {
            size_hw
            for earlier in chosen
            if earlier.batch == om.batch
            for size_hw in earlier.sizes_hw
        }
        # An OM whose sizes are all covered would only take memory.
        if om.precision == precision and not covered_hw.issuperset(om.sizes_hw):
            chosen.append(om)
    if not chosen:
        offered = ", ".join(sorted({om.precision for om in oms_for_chip}))
        raise EngineUnavailable(
            f"Model {card.name} has no {precision} OM for {chip}; it has {offered}. Choose one of "
            "those, or convert the model again.",
            f"模型 {card.name} 没有 {chip} 的 {precision} 精度 OM；现有：{offered}。"
            "请选择现有精度，或重新转换模型。",
        )
    return chosen


def _no_om_for_chip(card: ModelCard, chip: str, other_chips: list[str]) -> EngineUnavailable:
    has = f"; it has {', '.join(other_chips)}" if other_chips else ""
    has_zh = f"（现有：{'、'.join(other_chips)}）" if other_chips else ""
    # The folder's path is left out, because visitors may read this message.
    command = f"python -m convert atc DIR --soc-version {chip}"
    return EngineUnavailable(
        f"Model {card.name} has no OM for the chip {chip}{has}. Export it with "
        f"--target ascend, then run: {command}",
        f"模型 {card.name} 没有适用于芯片 {chip} 的 OM{has_zh}。请用 --target ascend 导出，"
        f"再执行：{command}",
    )
