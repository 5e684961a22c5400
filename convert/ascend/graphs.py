"""The graphs that atc gets: those of a model folder, rewritten where atc would refuse them."""

import onnx

from convert.ascend.command_line import DEFAULT_SAMPLING, Conversion
from convert.graph.half_weights import load_graph
from convert.graph.operator_rules.check import check
from convert.graph.retarget.batch import batch
from convert.graph.retarget.point_sampling import POINT_SAMPLERS
from convert.graph.retarget.retarget import retarget
from segmentation.errors import ConversionError
from segmentation.model_card import ModelCard, check_artifact

MAX_SHOWN_VIOLATIONS = 8


def graph_for_atc(card: ModelCard, conversion: Conversion) -> tuple[onnx.ModelProto, bool]:
    """Load the graph of a conversion, rewritten for atc, another sampling or several photos.

    Returns:
        The graph, and whether it is another one than the file in the folder.

    Raises:
        ConversionError: atc would refuse the graph, however it is written.
        ModelDamaged: the graph is missing or was changed.
    """
    model = load_graph(check_artifact(card, conversion.graph))
    # A graph for several sizes has open sides, and atc is told each size.
    has_open_sides = len(conversion.graph.sizes_hw) > 1
    violations = check(model, open_sides=has_open_sides, soc=conversion.soc)
    is_batched = conversion.graph.batch > 1
    is_rewritten = not (conversion.has_gears or is_batched) and bool(
        violations or conversion.tuning.sampling or conversion.batch > 1
    )
    if is_rewritten:
        (size_hw,) = conversion.sizes_hw
        if conversion.batch == 1:
            model = retarget(model, size_hw, conversion.sampling)
        else:
            one_photo = retarget(model, size_hw, DEFAULT_SAMPLING)
            model = batch(one_photo, conversion.batch, POINT_SAMPLERS[conversion.sampling])
        violations = check(model, soc=conversion.soc)
    if violations:
        shown = "\n".join(f"  {violation}" for violation in violations[:MAX_SHOWN_VIOLATIONS])
        raise ConversionError(
            f"atc would refuse {conversion.graph.file}: it breaks {len(violations)} rules. "
            f"Export it with --target ascend. The first:\n{shown}",
            f"{conversion.graph.file} 不适合 atc，有 {len(violations)} 处问题。"
            f"请用 --target ascend 重新导出。前几处：\n{shown}",
        )
    return model, is_rewritten
