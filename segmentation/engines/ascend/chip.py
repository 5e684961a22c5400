"""Detection of the Ascend devices of this host."""

import os
from dataclasses import dataclass

from segmentation.engines.ascend.acl import NO_CANN, Acl, import_acl
from segmentation.engines.ascend.errors import NO_DEVICE, translate_errors
from segmentation.engines.ascend.thread import DeviceThread
from segmentation.errors import EngineUnavailable

DETECTION_LIMIT_S = 30.0
VISIBLE_DEVICES = "ASCEND_RT_VISIBLE_DEVICES"


@dataclass(frozen=True, slots=True)
class AscendHost:
    """The Ascend devices that this process sees.

    Attributes:
        chip: in the spelling of atc, such as `Ascend310P3`; CANN has one kind on a host.
        device_count: number of devices, numbered from 0.
    """

    chip: str
    device_count: int

    @property
    def hidden_devices(self) -> int:
        """Number of ids in ASCEND_RT_VISIBLE_DEVICES that CANN ignored without a word."""
        ids = os.environ.get(VISIBLE_DEVICES)
        return 0 if ids is None else len(ids.split(",")) - self.device_count


def detect_chip() -> str | None:
    """Detect the chip of this host's Ascend devices.

    Returns:
        The chip in the spelling of atc, such as `Ascend310P3`; None if this host has neither pyACL
        nor a device node.

    Raises:
        EngineUnavailable: pyACL or the device is there but does not work.
    """
    return None if import_acl() is None else detect_host().chip


def detect_host() -> AscendHost:
    """Initialise pyACL in this process and ask it for the devices.

    Raises:
        EngineUnavailable: pyACL is missing or cannot start, the driver refuses this user, or no
            device responds.
    """
    module = import_acl()
    if module is None:
        raise EngineUnavailable(NO_CANN.en, NO_CANN.zh)
    acl = Acl(module)
    thread = DeviceThread(acl, DETECTION_LIMIT_S)
    with translate_errors(EngineUnavailable):
        try:
            return thread.run(lambda: _query_host(acl))
        finally:
            thread.close()


def _query_host(acl: Acl) -> AscendHost:
    """Ask for the devices; for a device thread.

    Raises:
        AclFailure: pyACL cannot start, or the driver refuses this user.
        EngineUnavailable: no device responds.
    """
    acl.initialise()
    device_count = acl.call("rt.get_device_count")
    soc_name = acl.value("get_soc_name") if device_count else None
    if soc_name is None:
        raise EngineUnavailable(NO_DEVICE.en, NO_DEVICE.zh)
    return AscendHost(str(soc_name), int(device_count))
