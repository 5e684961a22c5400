"""The Ascend engine: pyACL, for a host with an Ascend card and a model converted for its chip.

One thread, owned by the engine, makes all calls into pyACL for a device. Contexts and error
messages are per thread in pyACL, and a model must not run twice at once, so a lock with
`set_context` before each call would serialise the work just as well. But a wait that never returns
would then hold the lock, and every caller behind it, forever. Here only the device thread hangs:
callers see that the current call is overdue and get an error. This covers the waits for the device,
which take nearly all of the time and alone release the GIL (pyACL's wrapper, see `device`). While
any other call hangs, the whole process stands still.

Nothing here has run on hardware; it is tested on a strict stand-in.
"""

import atexit
import logging
from collections.abc import Iterable
from concurrent.futures import wait
from dataclasses import replace
from typing import Any
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

from segmentation.arrays import SizeHW
from segmentation.engines.ascend.acl import NO_CANN, Acl, import_acl
from segmentation.engines.ascend.chip import query_chip
from segmentation.engines.ascend.device import Device
from segmentation.engines.ascend.errors import (
    AclFailure,
    CallOverdue,
    InputMismatch,
    ModelMismatch,
    translate_errors,
)
from segmentation.engines.ascend.model import DeviceModel
from segmentation.engines.ascend.thread import DeviceThread
from segmentation.engines.base import Engine, Logits
from segmentation.errors import EngineUnavailable, InferenceFailed
from segmentation.model_card import Artifact, InputSpec, ModelCard, check_artifact

# How long an engine waits for the others of the process to release a lost device.
RELEASE_TIMEOUT_S = 5.0

_log = logging.getLogger(__name__)
# pyACL counts the users of a device in a process, and resets the device when none is left.
_engines: WeakSet["AscendEngine"] = WeakSet()


class AscendEngine(Engine):
    """The OMs of one precision for this host's chip, all loaded at once.

    After a failed inference the device is reopened once and the photo is tried again.

    Args:
        card: the model.
        precision: precision of the OMs; None takes the card's first choice.
        timeout_s: seconds that one inference may take; any other call may take twice as long.

    Raises:
        EngineUnavailable: there is no device, no permission, no OM for the chip or not enough
            memory, or the device refuses the OM. The message says what to do.
        ModelDamaged: an OM is missing or altered.
    """

    def __init__(
        self, card: ModelCard, precision: str | None = None, timeout_s: float = 60.0
    ) -> None:
        module = import_acl()
        if module is None:
            raise EngineUnavailable(NO_CANN.en, NO_CANN.zh)
        self._acl = Acl(module)
        self._card = card
        self._timeout_s = timeout_s
        self._device: Device | None = None
        self._models: dict[SizeHW, DeviceModel] = {}
        self._thread = DeviceThread(self._acl, 2 * timeout_s)
        _engines.add(self)
        try:
            with translate_errors(EngineUnavailable):
                self._chip = self._thread.run(lambda: query_chip(self._acl))
                oms = _choose_oms(card, self._chip, precision)
                self._oms = [(check_artifact(card, om), om.sizes_hw) for om in oms]
                self._thread.run(self._open_device)
        except BaseException:
            self.close()
            raise
        # Registered after pyACL's own finalisation (in query_chip), so that it runs before it.
        atexit.register(self.close)

    @property
    def input(self) -> InputSpec:
        """The input of the OMs: with AIPP the photo itself, whatever the graph takes."""
        return self._input

    @property
    def sizes_hw(self) -> tuple[SizeHW, ...]:
        """Input sizes (height, width) of all OMs and their gears."""
        return tuple(dict.fromkeys(size_hw for _, sizes_hw in self._oms for size_hw in sizes_hw))

    @property
    def device(self) -> str:
        """The chip, such as `Ascend310P3`."""
        return self._chip

    def run(self, pixel_values: npt.NDArray[Any]) -> Logits:
        """Run the model on one photo; callers wait in a queue.

        Args:
            pixel_values: uint8 or float32 (1, H, W, 3) or (1, 3, H, W), as `input` says.

        Returns:
            float32 logits (Q, C+1) and (Q, h, w).

        Raises:
            InferenceFailed: the device failed twice or hangs, or the input does not fit.
        """
        with translate_errors(InferenceFailed):
            return self._thread.run(lambda: self._infer(pixel_values))

    def close(self) -> None:
        """Release the device and end the thread. A call that hangs is left to the driver."""
        atexit.unregister(self.close)
        try:
            self._thread.close(self._close_device)
        except CallOverdue as overdue:
            _log.warning("%s The device is not released.", overdue.explain().en)

    # The methods below run in the device thread.

    def _open_device(self) -> Device:
        self._device = device = Device(self._acl, self._timeout_s)
        try:
            for path, sizes_hw in self._oms:
                model = device.load(path, sizes_hw)
                self._models = dict.fromkeys(sizes_hw, model) | self._models
            inputs = {_input_of(model, self._card.input) for model in self._models.values()}
            if len(inputs) != 1:
                raise ModelMismatch("the OMs of one precision take different inputs")
        except BaseException:
            self._close_device()
            raise
        self._input = inputs.pop()
        return device

    def _infer(self, pixel_values: npt.NDArray[Any]) -> Logits:
        try:
            return self._infer_once(pixel_values)
        except AclFailure as failure:
            _log.warning("The device is reopened: %s", failure.explain().en)
            self._close_device()
            if failure.is_device_lost:
                _release_lost_device(engine for engine in _engines if engine is not self)
        try:
            return self._infer_once(pixel_values)
        except AclFailure:
            self._close_device()
            raise

    def _infer_once(self, pixel_values: npt.NDArray[Any]) -> Logits:
        device = self._device or self._open_device()
        shape = pixel_values.shape
        model = self._models.get(shape[1:3] if self._input.layout == "NHWC" else shape[2:4])
        if model is None or pixel_values.dtype != self._input.dtype:
            raise InputMismatch(f"{pixel_values.dtype} {shape}")
        model.copy_input(pixel_values.astype(model.dtype, copy=False))
        device.execute(model)
        class_queries_logits, masks_queries_logits = model.copy_outputs()
        return Logits(class_queries_logits[0], masks_queries_logits[0])

    def _close_device(self) -> None:
        self._models.clear()
        device, self._device = self._device, None
        if device is not None:
            try:
                device.close()
            except AclFailure as failure:
                _log.warning("Cleanup of the device failed: %s", failure.explain().en)


def _release_lost_device(engines: Iterable[AscendEngine]) -> None:
    """Make other engines of this process close a lost device, which resets it.

    They reopen it with their next photo. An engine that is doing the same now has closed it.
    """
    closing = [
        engine._thread.submit(engine._close_device)
        for engine in engines
        if engine._device is not None
    ]
    wait(closing, RELEASE_TIMEOUT_S)


def _choose_oms(card: ModelCard, chip: str, precision: str | None) -> list[Artifact]:
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
        covered_hw = {size_hw for earlier in chosen for size_hw in earlier.sizes_hw}
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


def _input_of(model: DeviceModel, graph: InputSpec) -> InputSpec:
    """The input of a loaded OM, given the input of the graph it was converted from."""
    takes_photo = model.dtype == np.uint8
    return replace(
        graph,
        layout=model.layout,
        dtype="uint8" if takes_photo else "float32",
        normalised_inside=takes_photo or graph.normalised_inside,
    )
