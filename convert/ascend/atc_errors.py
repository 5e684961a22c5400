"""The error codes of atc, explained."""

import re

from segmentation.errors import ConversionError
from segmentation.i18n import Text

_PYTHON = Text(
    "the Python that atc starts lacks a package: install numpy<2, decorator, sympy, cffi, attrs, "
    "cython, pyyaml, pathlib2, scipy, requests, psutil, absl-py and protobuf 3.20 for the python3 "
    "on PATH",
    "atc 所用的 Python 缺少依赖：请为 PATH 中的 python3 安装 numpy<2、decorator、sympy、cffi、"
    "attrs、cython、pyyaml、pathlib2、scipy、requests、psutil、absl-py 和 protobuf 3.20",
)
_INNER = Text(
    "atc failed internally; the lines above it and $HOME/ascend/log name the cause. Try another "
    "--precision or --sampling, or a newer CANN",
    "atc 内部错误，原因见其上方的输出和 $HOME/ascend/log。可换一种 --precision 或 --sampling，"
    "或升级 CANN",
)
# Sources: docs/zh of github.com/hicann/ge (error_codes) and of github.com/hicann/runtime
# (error_code_ref), the parser of github.com/hicann/ge, and users' reports.
ERROR_CODES = {
    "E10001": Text(
        "an option has a value that atc does not accept, or a path has a character other than "
        "letters, digits and ./_-",
        "某个选项的取值不被 atc 接受，或路径含有字母、数字和 ./_- 以外的字符",
    ),
    "E10016": Text(
        "--input_shape names an input that the graph does not have; export the model again",
        "--input_shape 中的输入名在图中不存在，请重新导出模型",
    ),
    "E13000": Text(
        "a path does not exist or may not be read or written; check TMPDIR and its permissions",
        "路径不存在或没有读写权限，请检查 TMPDIR 及其权限",
    ),
    "E14001": Text(
        "an operator has an attribute or a shape that this chip or CANN does not accept; try "
        "--sampling gather, or a newer CANN",
        "某个算子的属性或形状不被该芯片或 CANN 支持，可尝试 --sampling gather 或升级 CANN",
    ),
    "E16002": Text(
        "this CANN has no parser for an operator: install the ops package of the chip, or update "
        "CANN",
        "当前 CANN 没有某个算子的解析插件：请安装该芯片的算子包（ops），或升级 CANN",
    ),
    "E16005": Text(
        "the graph imports more than one operator set; export it with --target ascend",
        "图引用了多个算子集（opset），请用 --target ascend 重新导出",
    ),
    "E19999": _INNER,
    "E40001": _PYTHON,
    "E40002": _PYTHON,
    "E40020": _PYTHON,
    "E40021": Text(
        "an operator could not be compiled; the lines above it name the operator. Try another "
        "--precision or --sampling",
        "某个算子编译失败，其上方的输出会给出算子名。可换一种 --precision 或 --sampling",
    ),
    "E40024": Text(
        "the operator compiler could not call a function of Python; check the python3 on PATH and "
        "its packages",
        "算子编译器调用 Python 函数失败，请检查 PATH 中的 python3 及其依赖",
    ),
    "EZ3003": Text(
        "there is no kernel for an operator: the ops package of this chip is not installed, the "
        "chip is another one, or the operator is not supported",
        "找不到算子的实现：未安装该芯片的算子包（ops），或芯片型号不对，或算子不受支持",
    ),
    "EZ9999": _INNER,
    "EE1010": Text(
        "an object does not belong to the current context; check for several CANN versions on this "
        "host",
        "对象不属于当前 context，请检查本机是否混装了多个 CANN 版本",
    ),
    "np.float_": Text(
        "atc runs on a Python with NumPy 2; give it one with NumPy 1.26 or older",
        "atc 所用的 Python 装有 NumPy 2，请换用 NumPy 1.26 或更早版本的 Python 环境",
    ),
}
_CODE = re.compile(r"\bE[A-Z0-9]\d{4}\b|np\.float_")


def atc_failure(output: str, exit_code: int) -> ConversionError:
    """Make the error for a failed run of atc from the codes in its output."""
    codes = dict.fromkeys(_CODE.findall(output))
    known = [(code, ERROR_CODES[code]) for code in codes if code in ERROR_CODES]
    if known:
        en = "; ".join(f"{code}: {cause.en}" for code, cause in known)
        zh = "；".join(f"{code}：{cause.zh}" for code, cause in known)
    else:
        en = ", ".join(codes) or "no code in its output"
        zh = "、".join(codes) or "输出中没有错误码"
    return ConversionError(
        f"atc failed (exit code {exit_code}). {en}. Details are above and in $HOME/ascend/log.",
        f"atc 转换失败（退出码 {exit_code}）。{zh}。详情见上方输出和 $HOME/ascend/log。",
    )
