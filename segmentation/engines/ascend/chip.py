"""Detection of the Ascend chip of this host."""

from segmentation.engines.ascend.acl import Acl, import_acl
from segmentation.engines.ascend.errors import NO_DEVICE, translate_errors
from segmentation.engines.ascend.thread import DeviceThread
from segmentation.errors import EngineUnavailable

DETECTION_LIMIT_S = 30.0


def detect_chip() -> str | None:
    """Detect the chip of this host's first Ascend device.

    Returns:
        The chip in the spelling of atc, such as `Ascend310P3`; None if this host has neither pyACL
        nor a device node.

    Raises:
        EngineUnavailable: pyACL or the device is there but does not work.
    """
    module = import_acl()
    if module is None:
        return None
    acl = Acl(module)
    thread = DeviceThread(acl, DETECTION_LIMIT_S)
    with translate_errors(EngineUnavailable):
        try:
            return thread.run(lambda: query_chip(acl))
        finally:
            thread.close()


def query_chip(acl: Acl) -> str:
    """Initialise pyACL and ask it for the chip; for the device thread.

    Raises:
        AclFailure: pyACL cannot start, or the driver refuses this user.
        EngineUnavailable: no device responds.
    """
    acl.initialise()
    soc_name = acl.value("get_soc_name") if acl.call("rt.get_device_count") else None
    if soc_name is None:
        raise EngineUnavailable(NO_DEVICE.en, NO_DEVICE.zh)
    return str(soc_name)
