"""What can be tuned in a conversion: the precision, and any other option of atc.

Options and values: docs/zh/user_guides/atc_tools/CLI_options of github.com/hicann/ge.
"""

import argparse
import re
from collections.abc import Mapping

from segmentation.i18n import Text

PRECISIONS: Mapping[str, tuple[str, str]] = {
    "mixed": ("precision_mode", "allow_fp32_to_fp16"),
    "cube": ("precision_mode_v2", "cube_fp16in_fp32out"),
    "fp16": ("precision_mode_v2", "fp16"),
    "fp32": ("precision_mode_v2", "origin"),
}
"""The option of atc and its value, by the name of the precision.

mixed_float16 is not among them: operators on neither of its lists follow the one before them, so
that nearly all of our graphs would become float16.
"""
PRECISION_HELP = (
    "mixed (default): an operator computes in float32 where the chip can, else in float16; cube: "
    "matrix products take float16 and return float32, all else is float32: the accurate choice on "
    "a 310P, whose matrix unit has no float32; fp16: everything in float16; fp32: as in the graph, "
    "for the 910B"
)
FP32_ON_310P = Text(
    "The matrix unit of a 310P has no float32. With fp32, atc moves matrix products to the AI CPU, "
    "which is very slow, or fails. Use --precision cube.",
    "310P 的矩阵单元没有 float32。使用 fp32 时，atc 会把矩阵乘放到很慢的 AI CPU 上，或者失败。"
    "请改用 --precision cube。",
)

# Set by the conversion itself.
OWN_OPTIONS = frozenset(
    """
    display_model_info dynamic_batch_size dynamic_dims dynamic_image_size framework
    fusion_switch_file input_format input_shape input_shape_range insert_op_conf keep_dtype mode
    model output precision_mode precision_mode_v2 soc_version
    """.split()  # noqa: SIM905
)
TUNING_OPTIONS = frozenset(
    """
    ac_parallel_enable aicore_num allow_hf32 atomic_clean_policy buffer_optimize check_report
    cluster_config compression_optimize_conf core_type customize_dtypes debug_dir deterministic
    deterministic_level disable_reuse_memory dump_mode enable_attr_compression
    enable_scope_fusion_passes enable_single_stream enable_small_channel export_compile_stat
    external_weight h2d_overlapped_with_compute host_env_cpu host_env_os input_fp16_nodes
    is_input_adjust_hw_layout is_output_adjust_hw_layout is_weight_clip jit_compile log
    mdl_bank_path modify_mixlist multi_stream_parallel_mode oo_constant_folding
    oo_dead_code_elimination oo_level op_bank_path op_compiler_cache_dir op_compiler_cache_mode
    op_debug_config op_debug_level op_name_map op_precision_mode op_select_implmode
    optimization_switch optypelist_for_implmode out_nodes output_type quant_dumpable
    raw_ge_options raw_ge_options_ignore_unsupported shape_generalized_build_mode sparsity
    static_model_ops_lower_limit status_check tiling_schedule_optimize topo_sorting_mode
    virtual_type
    """.split()  # noqa: SIM905
)


def atc_option(text: str) -> tuple[str, str]:
    """Parse KEY=VALUE of an option of atc.

    Raises:
        argparse.ArgumentTypeError: the manual has no such option, or Koutu sets it itself.
    """
    match = re.fullmatch(r"(?:--)?(\w+)=(.+)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text} is not KEY=VALUE")
    key, value = match[1], match[2]
    if key in OWN_OPTIONS:
        raise argparse.ArgumentTypeError(
            f"--{key} is set by this command; see --help for the argument that changes it"
        )
    if key not in TUNING_OPTIONS:
        raise argparse.ArgumentTypeError(f"the manual of atc has no option --{key}")
    return key, value


def kept_operator(text: str) -> str:
    """Parse the name of a node, or OpType:: and a type of CANN.

    Raises:
        argparse.ArgumentTypeError: the text is neither.
    """
    if re.fullmatch(r"(OpType::\w+)|[\w./-]+", text) is None:
        raise argparse.ArgumentTypeError(f"{text} is neither a node nor OpType::TYPE")
    return text


def precision_option(precision: str) -> dict[str, str]:
    """Return the one of atc's two options for a precision; atc refuses both together."""
    key, value = PRECISIONS[precision]
    return {key: value}
