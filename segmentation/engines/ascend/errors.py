"""Internal errors of the Ascend engine, and their translation into sentences for people.

Codes and meanings: `acl_base_rt.h`, `rt_error_codes.h` and `ge_error_codes.h` of
github.com/hicann/runtime. The likely causes are our reading of them; none was seen on hardware.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

from segmentation.errors import EngineError
from segmentation.i18n import Text

REPEATED_INIT = 100002
DEVICE_LOST = (507010, 507033, 507901)

_OUT_OF_MEMORY = Text(
    "The Ascend card is out of memory. Close other programs that use it (npu-smi info lists "
    "them), or convert the model for a smaller input size.",
    "昇腾卡显存不足。请关闭占用该卡的其他程序（可用 npu-smi info 查看），"
    "或以更小的输入尺寸重新转换模型。",
)
_HOST_MEMORY = Text(
    "This host is out of memory. Close other programs, or convert the model for a smaller input "
    "size.",
    "本机内存不足。请关闭其他程序，或以更小的输入尺寸重新转换模型。",
)
_OTHER_CHIP = Text(
    "The OM was built for another chip. Convert the model for this chip: "
    "python -m convert atc DIR --soc-version auto",
    "该 OM 是为其他芯片编译的。请为本机芯片重新转换：python -m convert atc DIR --soc-version auto",
)
_NEWER_OM = Text(
    "The OM does not work with this host's CANN, most likely because a newer CANN built it, or one "
    "that is more than four releases older. Convert the model again with this host's version.",
    "该 OM 与本机 CANN 不兼容，很可能由更高版本、或早四个版本以上的 CANN 转换而来。"
    "请用本机版本重新转换模型。",
)
_DAMAGED_OM = Text(
    "The OM cannot be read: the file is incomplete or not an OM. Convert the model again.",
    "无法读取该 OM：文件不完整，或不是 OM 文件。请重新转换模型。",
)
NO_DEVICE = Text(
    "No Ascend device responds. Check npu-smi info and ASCEND_RT_VISIBLE_DEVICES, of which CANN "
    "ignores wrong numbers without a word. In a container, pass through /dev/davinci0, "
    "/dev/davinci_manager, /dev/devmm_svm and /dev/hisi_hdc.",
    "没有可用的昇腾设备。请检查 npu-smi info 和 ASCEND_RT_VISIBLE_DEVICES（其中的错误编号会被 CANN "
    "直接忽略）；在容器中需映射 /dev/davinci0、/dev/davinci_manager、/dev/devmm_svm 和 "
    "/dev/hisi_hdc。",
)
_NO_PERMISSION = Text(
    "The current user may not use the Ascend driver. Add the user to the group HwHiAiUser "
    "(usermod -aG HwHiAiUser USER) and log in again.",
    "当前用户无权使用昇腾驱动。"
    "请将该用户加入 HwHiAiUser 组（usermod -aG HwHiAiUser 用户名），然后重新登录。",
)
_DEVICE_LOST = Text(
    "The Ascend device was lost or is not ready. Check npu-smi info and the driver log, and "
    "reset the card if necessary.",
    "昇腾设备已断开或尚未就绪。请检查 npu-smi info 和驱动日志，必要时复位该卡。",
)
_TIMEOUT = Text(
    "The Ascend device did not finish in time. It may be overloaded or hung. Check npu-smi info.",
    "昇腾设备未在限定时间内完成计算，可能过载或卡死。请检查 npu-smi info。",
)
_EXECUTION = Text(
    "The Ascend device failed while computing. See $HOME/ascend/log for the cause.",
    "昇腾设备计算失败，原因请查看 $HOME/ascend/log。",
)
_TRAP = Text(
    "A program on the Ascend device was stopped by a hardware trap, mostly because of a bad "
    "address or shape. Convert the model with another --precision or --sampling; see "
    "$HOME/ascend/log for the operator.",
    "昇腾设备上的程序触发硬件陷阱而中止，多因地址或形状错误。请换一种 --precision 或 --sampling "
    "重新转换；出错的算子见 $HOME/ascend/log。",
)
_SCHEDULED_TASK = Text(
    "A task of the Ascend device's scheduler (FFTS+) failed or took too long. See "
    "$HOME/ascend/log for the operator, and convert the model with another --precision or "
    "--sampling.",
    "昇腾设备调度器（FFTS+）的任务失败或超时。出错的算子见 $HOME/ascend/log，"
    "请换一种 --precision 或 --sampling 重新转换模型。",
)
_DEVICE_MEMORY = Text(
    "The Ascend card reports an error of its memory. Check it with npu-smi info -t ecc, reset the "
    "card, and have it repaired if that happens again.",
    "昇腾卡报告显存错误。请用 npu-smi info -t ecc 检查并复位该卡；若再次出现，请送修。",
)
_VERSION_MISMATCH = Text(
    "CANN or its driver failed internally, most often because their versions do not match. See "
    "$HOME/ascend/log for the cause.",
    "CANN 或驱动发生内部错误，通常是两者版本不配套。原因请查看 $HOME/ascend/log。",
)
_ENVIRONMENT = Text(
    "CANN is not set up in this process. Source its set_env.sh before you start the program, and "
    "keep devlib out of LD_LIBRARY_PATH on a host with a card.",
    "本进程未正确配置 CANN 环境。请在启动程序前执行 source set_env.sh；"
    "在有卡的主机上，LD_LIBRARY_PATH 中不要包含 devlib。",
)
_INTERFACE_MISMATCH = Text(
    "The inputs or outputs of the OM differ from its description. Convert the model again.",
    "该 OM 的输入输出与其描述不符。请重新转换模型。",
)
_UNKNOWN = Text(
    "A call to the Ascend device failed. See $HOME/ascend/log for the cause.",
    "调用昇腾设备失败，原因请查看 $HOME/ascend/log。",
)

_CAUSES = {
    **dict.fromkeys((200000,), _HOST_MEMORY),
    **dict.fromkeys((207001, 207018, 245000, 245002), _OUT_OF_MEMORY),
    **dict.fromkeys((507008,), _OTHER_CHIP),
    **dict.fromkeys((100016, 545001, 545005, 200001, 200006, 207000), _NEWER_OM),
    **dict.fromkeys((100014, 100015, 145002, 145006), _DAMAGED_OM),
    **dict.fromkeys((107001, 207004), NO_DEVICE),
    **dict.fromkeys((207006,), _NO_PERMISSION),
    **dict.fromkeys(DEVICE_LOST, _DEVICE_LOST),
    **dict.fromkeys((107019, 107020, 507014, 507017, 507034, 507046, 545601), _TIMEOUT),
    **dict.fromkeys((507011, 507015, 507018, 507035), _EXECUTION),
    **dict.fromkeys((507016, 507036, 507042, 507043, 507044, 507045), _TRAP),
    **dict.fromkeys((507048, 507049, 507050), _SCHEDULED_TASK),
    **dict.fromkeys((507051, 507052, 507053, 507054), _DEVICE_MEMORY),
    **dict.fromkeys((500000, 500002, 500003, 500004, 507899), _VERSION_MISMATCH),
    **dict.fromkeys((100001, 100003, 100039, 145001, 145019), _ENVIRONMENT),
    **dict.fromkeys(
        (100017, 100018, 100019, 145011, 145012, 145013, 145020, 145021, 145022),
        _INTERFACE_MISMATCH,
    ),
}


class InternalError(Exception, ABC):
    """Base of the errors inside the Ascend engine; `translate_errors` translates them."""

    @abstractmethod
    def explain(self) -> Text:
        """Explain what happened and what to do, on one line."""


class AclFailure(InternalError):
    """Raised when a call to pyACL fails.

    Args:
        call: the function, such as `mdl.load_from_file`.
        code: the returned code; None if a call that returns a handle returned NULL.
        detail: pyACL's own message; may be empty.
    """

    def __init__(self, call: str, code: int | None, detail: str) -> None:
        super().__init__(f"acl.{call}: {code}")
        self.call = call
        self.code = code
        self.detail = detail

    @property
    def is_device_lost(self) -> bool:
        """Whether the device refuses every call until it is reset."""
        return self.code in DEVICE_LOST

    def explain(self) -> Text:
        """Explain the code, and quote the call and pyACL's newest message."""
        cause = _CAUSES.get(self.code, _UNKNOWN) if self.code else _HOST_MEMORY
        newest = self.detail.strip().split("\n")[0]
        origin = f"[acl.{self.call} {self.code or 'NULL'}{': ' if newest else ''}{newest}]"
        return Text(f"{cause.en} {origin}", f"{cause.zh}{origin}")


class NotEnoughMemory(InternalError):
    """Raised before an OM is loaded if the device has less memory free than it needs.

    Args:
        needed_bytes: what the OM's weights and work space take.
        free_bytes: what the device has left.
    """

    def __init__(self, needed_bytes: int, free_bytes: int) -> None:
        super().__init__(f"{needed_bytes / 1e6:.0f} MB needed, {free_bytes / 1e6:.0f} MB free")

    def explain(self) -> Text:
        """Explain how much is missing, and how to get it."""
        return Text(f"{_OUT_OF_MEMORY.en} [{self}]", f"{_OUT_OF_MEMORY.zh}[{self}]")


class CallOverdue(InternalError):
    """Raised in a waiting thread when the device thread's call into pyACL does not return."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer for {seconds} s")
        self.seconds = seconds

    def explain(self) -> Text:
        """Explain that the device hangs."""
        return Text(
            f"The Ascend device has not responded for {self.seconds:.0f} s. Check npu-smi info, "
            "restart the program, and reset the card if necessary.",
            f"昇腾设备已 {self.seconds:.0f} 秒没有响应。"
            "请检查 npu-smi info，重启程序，必要时复位该卡。",
        )


class ThreadClosed(InternalError):
    """Raised when a job is submitted to a device thread that has ended."""

    def explain(self) -> Text:
        """Explain that the engine was closed."""
        return Text("The engine was closed.", "引擎已关闭。")


class ProcessForked(InternalError):
    """Raised in a forked process, which does not inherit the device thread."""

    def explain(self) -> Text:
        """Explain where to start the engine instead."""
        return Text(
            "The Ascend engine was started before this process was forked. Start it in each worker "
            "(gunicorn: without --preload).",
            "昇腾引擎在 fork 之前就已启动。请在各工作进程内启动（gunicorn 不要使用 --preload）。",
        )


class ModelMismatch(InternalError):
    """Raised when a loaded OM differs from the description in its model card."""

    def explain(self) -> Text:
        """Explain the difference."""
        return Text(
            f"The OM does not match its card ({self}). Convert the model again.",
            f"该 OM 与 card.json 的记录不符（{self}）。请重新转换模型。",
        )


class InputMismatch(InternalError):
    """Raised when an image has another dtype, layout or size than the OM takes."""

    def explain(self) -> Text:
        """Explain the difference."""
        return Text(
            f"The photo was not prepared for this OM ({self}).",
            f"照片数据与该 OM 的输入不符（{self}）。",
        )


@contextmanager
def translate_errors(target: type[EngineError]) -> Iterator[None]:
    """Raise internal errors of the block as `target`, with a sentence in both languages.

    Raises:
        EngineError: of type `target`.
    """
    try:
        yield
    except InternalError as error:
        text = error.explain()
        raise target(text.en, text.zh) from error
