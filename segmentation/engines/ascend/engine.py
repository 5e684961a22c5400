"""The Ascend engine: pyACL, for a host with Ascend cards and a model converted for their chip.

Nothing here has run on hardware; it is tested on a strict stand-in.
"""

import atexit
from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from segmentation.arrays import SizeHW
from segmentation.engines.ascend.acl import import_acl
from segmentation.engines.ascend.chip import VISIBLE_DEVICES, AscendHost, detect_host
from segmentation.engines.ascend.errors import translate_errors
from segmentation.engines.ascend.oms import choose_oms
from segmentation.engines.ascend.pool import DevicePool
from segmentation.engines.ascend.worker import DeviceWorker
from segmentation.engines.base import Engine, Logits
from segmentation.errors import EngineUnavailable, InferenceFailed
from segmentation.i18n import Text
from segmentation.model_card import Artifact, InputSpec, ModelCard, check_artifact


class AscendEngine(Engine):
    """The OMs of one precision for this host's chip, all loaded at once on each device.

    Args:
        card: the model.
        precision: precision of the OMs; None takes the card's first choice.
        timeout_s: seconds that one inference may take; any other call may take twice as long.
        device_ids: the devices to use; None takes all that this process sees.

    Raises:
        EngineUnavailable: there is no device, no permission, no OM for the chip or not enough
            memory, or the device refuses the OM. The message says what to do.
        ModelDamaged: an OM is missing or altered.
    """

    def __init__(
        self,
        card: ModelCard,
        precision: str | None = None,
        timeout_s: float = 60.0,
        device_ids: Sequence[int] | None = None,
    ) -> None:
        self._host = detect_host()
        chosen = _check_devices(device_ids, self._host)
        self._oms = choose_oms(card, self._host.chip, precision)
        files = [(check_artifact(card, om), om) for om in self._oms]
        module = import_acl()
        self._pool = DevicePool(
            [DeviceWorker(module, device, files, card.input, timeout_s) for device in chosen]
        )
        try:
            with translate_errors(EngineUnavailable):
                self._pool.open()
        except BaseException:
            self.close()
            raise
        # Registered after pyACL's own finalisation (in detect_host), so that it runs before it.
        atexit.register(self.close)

    @property
    def input(self) -> InputSpec:
        """The input of the OMs: with AIPP the photo itself, whatever the graph takes."""
        # Only a device that has started knows it; at least one has.
        return next(worker.input for worker in self._pool.workers if worker.input is not None)

    @property
    def sizes_hw(self) -> tuple[SizeHW, ...]:
        """Input sizes (height, width) of all OMs and their gears."""
        return tuple(dict.fromkeys(size_hw for om in self._oms for size_hw in om.sizes_hw))

    @property
    def device(self) -> str:
        """The chip and the number of devices, such as `Ascend310P3` or `8 × Ascend310P3`.

        If devices are lost: `7/8 × Ascend310P3`.
        """
        count, lost = len(self._pool.workers), len(self._pool.lost)
        if count == 1:
            return self._host.chip
        working = f"{count - lost}/{count}" if lost else str(count)
        return f"{working} × {self._host.chip}"

    @property
    def max_concurrency(self) -> int:
        """One photo per device, or as many as it takes at once and as many that wait for it."""
        batch = max(om.batch for om in self._oms)
        return len(self._pool.workers) * (1 if batch == 1 else 2 * batch)

    @property
    def computes_on_host(self) -> bool:
        """The host is free while a device computes."""
        return False

    @property
    def compiled_artifacts(self) -> tuple[Artifact, ...]:
        """The OMs, whose numbers depend on atc and the chip."""
        return tuple(self._oms)

    @property
    def notices(self) -> tuple[Text, ...]:
        """Devices that CANN hid or that are lost, while others work."""
        notices = [
            Text(f"Ascend device {device}: {reason.en}", f"昇腾设备 {device}：{reason.zh}")
            for device, reason in self._pool.lost.items()
        ]
        if (hidden := self._host.hidden_devices) > 0:
            notices.append(
                Text(
                    f"CANN ignored {hidden} of the numbers in {VISIBLE_DEVICES}. Check with "
                    "npu-smi info which exist.",
                    f"CANN 忽略了 {VISIBLE_DEVICES} 中的 {hidden} 个编号，"
                    "请用 npu-smi info 核对实际编号。",
                )
            )
        return tuple(notices)

    @property
    def memory_bytes(self) -> dict[int, tuple[int, int]]:
        """Free and total bytes of the memory of each device that says so.

        Raises:
            InferenceFailed: a device does not start or hangs.
        """
        with translate_errors(InferenceFailed):
            memory = {worker.device_id: worker.memory_bytes() for worker in self._pool.workers}
        return {device: sizes for device, sizes in memory.items() if sizes is not None}

    def run(self, pixel_values: npt.NDArray[Any]) -> Logits:
        """Run the model on one photo, on the device that has the least to do.

        Args:
            pixel_values: uint8 or float32 (1, H, W, 3) or (1, 3, H, W), as `input` says.

        Returns:
            float32 logits (Q, C+1) and (Q, h, w).

        Raises:
            InferenceFailed: the devices failed or hang, or the input does not fit.
        """
        with translate_errors(InferenceFailed):
            return self._pool.run(pixel_values)

    def close(self) -> None:
        """Release the devices and end their threads. A call that hangs is left to the driver."""
        atexit.unregister(self.close)
        self._pool.close()


def _check_devices(device_ids: Sequence[int] | None, host: AscendHost) -> tuple[int, ...]:
    """The devices to use.

    Raises:
        EngineUnavailable: one of them does not exist.
    """
    if device_ids is None:
        return tuple(range(host.device_count))
    if missing := [device for device in device_ids if device >= host.device_count]:
        raise EngineUnavailable(
            f"There is no Ascend device {missing[0]}: this process sees {host.device_count}, "
            f"numbered from 0. Check npu-smi info and {VISIBLE_DEVICES}.",
            f"没有编号为 {missing[0]} 的昇腾设备：本进程可见 {host.device_count} 个，从 0 起编号。"
            f"请检查 npu-smi info 和 {VISIBLE_DEVICES}。",
        )
    return tuple(dict.fromkeys(device_ids))
