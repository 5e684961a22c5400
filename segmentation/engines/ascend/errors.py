"""What pyACL's error codes mean for the owner of a card.

Codes and meanings: `acl_base_rt.h`, `rt_error_codes.h` and `ge_error_codes.h` of
github.com/hicann/runtime. The likely causes are our reading of them; none was seen on hardware.
"""

from segmentation.i18n import Text

REPEATED_INIT = 100002
DEVICE_LOST = (507033, 507901)

_OUT_OF_MEMORY = Text(
    "The memory of the Ascend card is full. Close other programs that use it (npu-smi info shows "
    "them), or convert the model for a smaller size.",
    "昇腾卡的显存不足。请关闭其他占用它的程序（可用 npu-smi info 查看），"
    "或换更小的尺寸重新转换模型。",
)
_HOST_MEMORY = Text(
    "The memory of this host is full. Close other programs, or convert the model for a smaller "
    "size.",
    "本机内存不足。请关闭其他程序，或换更小的尺寸重新转换模型。",
)
_OTHER_CHIP = Text(
    "The OM was built for another chip. Convert it for this one: "
    "python -m convert atc DIR --soc-version auto",
    "该 OM 是为其他芯片编译的。请为本机芯片重新转换：python -m convert atc DIR --soc-version auto",
)
_NEWER_OM = Text(
    "The OM does not suit this host's CANN; most likely a newer CANN made it. Update CANN here, "
    "or convert the model again with this version.",
    "该 OM 与本机 CANN 不匹配，多半是用更新版本的 CANN 转换的。"
    "请升级本机 CANN，或用本机版本重新转换。",
)
_DAMAGED_OM = Text(
    "The OM cannot be read; it is cut short or not an OM. Convert the model again.",
    "无法读取该 OM：文件不完整，或并非 OM 文件。请重新转换模型。",
)
NO_DEVICE = Text(
    "No Ascend device answers. Check npu-smi info; in a container, pass /dev/davinci0, "
    "/dev/davinci_manager, /dev/devmm_svm and /dev/hisi_hdc.",
    "没有可用的昇腾设备。请检查 npu-smi info；在容器中需映射 /dev/davinci0、"
    "/dev/davinci_manager、/dev/devmm_svm 和 /dev/hisi_hdc。",
)
_NO_PERMISSION = Text(
    "This user may not use the Ascend driver. Add it to the group HwHiAiUser "
    "(usermod -aG HwHiAiUser USER) and log in again.",
    "当前用户无权使用昇腾驱动。"
    "请把用户加入 HwHiAiUser 组（usermod -aG HwHiAiUser 用户名）后重新登录。",
)
_DEVICE_LOST = Text(
    "The Ascend device was lost or is not ready. Check npu-smi info and the driver's log, and "
    "reset the card if need be.",
    "昇腾设备已断开或尚未就绪。请检查 npu-smi info 和驱动日志，必要时复位该卡。",
)
_TIMEOUT = Text(
    "The Ascend device did not finish in time. It may be overloaded or hung; check npu-smi info.",
    "昇腾设备未在限定时间内完成计算，可能过载或卡死。请检查 npu-smi info。",
)
_EXECUTION = Text(
    "The Ascend device failed while computing. The reason is in $HOME/ascend/log.",
    "昇腾设备计算失败，原因见 $HOME/ascend/log。",
)
_MISMATCH = Text(
    "CANN or its driver failed inside. Most often their versions do not fit each other; the "
    "reason is in $HOME/ascend/log.",
    "CANN 或驱动内部出错，多半是两者版本不配套。详情见 $HOME/ascend/log。",
)
_ENVIRONMENT = Text(
    "CANN is not set up in this process. Source its set_env.sh before the start, and keep devlib "
    "out of LD_LIBRARY_PATH on a host with a card.",
    "本进程的 CANN 环境不完整。请在启动前执行 source set_env.sh；"
    "在有卡的主机上，LD_LIBRARY_PATH 不能包含 devlib。",
)
_SHAPES = Text(
    "The OM takes other inputs or outputs than it says. Convert the model again.",
    "该 OM 的输入输出与其描述不符。请重新转换模型。",
)
_UNKNOWN = Text(
    "A call to the Ascend device failed. The reason is in $HOME/ascend/log.",
    "调用昇腾设备失败，原因见 $HOME/ascend/log。",
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
    **dict.fromkeys((507011, 507015, 507018, 507035, 507036), _EXECUTION),
    **dict.fromkeys((500000, 500002, 500003, 500004, 507899), _MISMATCH),
    **dict.fromkeys((100001, 100003, 100039, 145001, 145019), _ENVIRONMENT),
    **dict.fromkeys(
        (100017, 100018, 100019, 145011, 145012, 145013, 145020, 145021, 145022), _SHAPES
    ),
}


class AclFailure(Exception):
    """Raised inside the Ascend engine when a call fails; translated before it leaves.

    Args:
        call: the function, such as `mdl.load_from_file`.
        code: what it returned; None for a call that returns a handle and gave none.
        detail: pyACL's own message, possibly empty.
    """

    def __init__(self, call: str, code: int | None, detail: str) -> None:
        super().__init__(f"acl.{call}: {code}")
        self.call = call
        self.code = code
        self.detail = detail

    @property
    def is_device_lost(self) -> bool:
        """Whether the device answers nothing until it is reset."""
        return self.code in DEVICE_LOST

    def explain(self) -> Text:
        """One line on what happened, what to do, and what pyACL says of it."""
        cause = _CAUSES.get(self.code, _UNKNOWN) if self.code else _HOST_MEMORY
        newest = self.detail.strip().split("\n")[0]
        told = f"[acl.{self.call} {self.code or 'NULL'}{': ' if newest else ''}{newest}]"
        return Text(f"{cause.en} {told}", f"{cause.zh}{told}")
