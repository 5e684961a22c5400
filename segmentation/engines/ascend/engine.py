"""pyACL: the engine of a host with an Ascend card and a model converted for its chip.

How the engine is chosen: `find_chip()` names the chip that answers, is None where nothing of
Ascend is to be seen, and raises EngineUnavailable, with the reason, where something is but does
not work. `AscendEngine(card, precision)` then either works or raises. In automatic mode either
error is a notice beside onnxruntime; a forced engine lets it through.

All calls into pyACL for a device are made by one thread that the engine owns. Contexts are
per thread in pyACL, error messages too, and a model may not run twice at once, so a lock with
`set_context` before each call would serialise the work just as well; but a wait that never
returns would keep the lock, and everybody behind it, for good. Here only the owner hangs: whoever
waits sees that the call under way is overdue, and is told so. That helps with the waits for the
device, where nearly all of the time goes: they alone release the GIL (pyACL's wrapper, see the
sources in `ascend_device`). While any other call hangs, the whole process stands still.

No part of this has run on hardware; it is tested on a strict stand-in.
"""

import atexit
import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

from segmentation.arrays import SizeHW
from segmentation.engines.ascend.acl import NO_CANN, Acl, ask_chip, import_acl
from segmentation.engines.ascend.device import (
    Device,
    DeviceModel,
    UnsuitableInput,
    UnsuitableModel,
)
from segmentation.engines.ascend.errors import AclFailure
from segmentation.engines.ascend.thread import Closed, Forked, Overdue, Owner
from segmentation.engines.base import Engine, Logits
from segmentation.errors import EngineError, EngineUnavailable, InferenceFailed
from segmentation.model_card import Artifact, InputSpec, ModelCard, check_artifact

PROBE_S = 30.0
# How long one engine waits for others to give a lost device back.
LET_GO_S = 5.0

_log = logging.getLogger(__name__)
# pyACL counts who uses a device, in a whole process, and resets it when nobody does.
_ENGINES: WeakSet["AscendEngine"] = WeakSet()


def find_chip() -> str | None:
    """The chip of this host's first Ascend device, in the spelling of atc (`Ascend310P3`).

    Returns:
        None where neither pyACL nor a device node is to be seen.

    Raises:
        EngineUnavailable: pyACL or the device is there but does not work.
    """
    module = import_acl()
    if module is None:
        return None
    acl = Acl(module)
    owner = Owner(acl, PROBE_S)
    with _told_as(EngineUnavailable):
        try:
            return owner.do(lambda: ask_chip(acl))
        finally:
            owner.finish()


class AscendEngine(Engine):
    """The OMs of one precision for the chip of this host, loaded side by side.

    A failed inference costs the device one clean reload and the photo one more attempt.

    Args:
        card: the model.
        precision: of the OMs to use; None takes the card's first choice.
        timeout_s: seconds one inference may take; twice as long for any other call.

    Raises:
        EngineUnavailable: no device, no permission, no OM for the chip, no room for it, or an OM
            it does not take; each says what to do.
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
        self._owner = Owner(self._acl, 2 * timeout_s)
        _ENGINES.add(self)
        try:
            with _told_as(EngineUnavailable):
                self._chip = self._owner.do(lambda: ask_chip(self._acl))
                chosen = _choose(card, self._chip, precision)
                self._oms = [(check_artifact(card, om), om.sizes_hw) for om in chosen]
                self._owner.do(self._open)
        except BaseException:
            self.close()
            raise
        # Registered after pyACL's own end, which `ask_chip` did; the last one in runs first.
        atexit.register(self.close)

    @property
    def input(self) -> InputSpec:
        """What the OMs take; with AIPP that is the photo itself, whatever the graph takes."""
        return self._input

    @property
    def sizes_hw(self) -> tuple[SizeHW, ...]:
        """The input sizes of all OMs and their gears."""
        return tuple(dict.fromkeys(size_hw for _, sizes_hw in self._oms for size_hw in sizes_hw))

    @property
    def device(self) -> str:
        """The chip, such as `Ascend310P3`."""
        return self._chip

    def run(self, pixel_values: npt.NDArray[Any]) -> Logits:
        """Infer one photo; callers queue up behind each other."""
        with _told_as(InferenceFailed):
            return self._owner.do(lambda: self._infer(pixel_values))

    def close(self) -> None:
        """Free the device and end the owner; what hangs is left behind for the driver to free."""
        atexit.unregister(self.close)
        try:
            self._owner.finish(self._drop)
        except Overdue as overdue:
            _log.warning("%s It is left as it is.", overdue.text.en)

    # Below here: in the owner's thread alone.

    def _open(self) -> Device:
        self._device = device = Device(self._acl, self._timeout_s)
        try:
            for path, sizes_hw in self._oms:
                model = device.load(path, sizes_hw)
                self._models = dict.fromkeys(sizes_hw, model) | self._models
            specs = {_input_of(model, self._card.input) for model in self._models.values()}
            if len(specs) != 1:
                raise UnsuitableModel("the OMs of one precision take different inputs")
        except BaseException:
            self._drop()
            raise
        self._input = specs.pop()
        return device

    def _infer(self, pixel_values: npt.NDArray[Any]) -> Logits:
        try:
            return self._infer_once(pixel_values)
        except AclFailure as failure:
            _log.warning("The device is opened anew: %s", failure.explain().en)
            self._drop()
            if failure.is_device_lost:
                _let_go(engine for engine in _ENGINES if engine is not self)
        try:
            return self._infer_once(pixel_values)
        except AclFailure:
            self._drop()
            raise

    def _infer_once(self, pixel_values: npt.NDArray[Any]) -> Logits:
        device = self._device or self._open()
        shape = pixel_values.shape
        model = self._models.get(shape[1:3] if self._input.layout == "NHWC" else shape[2:4])
        if model is None or pixel_values.dtype != self._input.dtype:
            raise UnsuitableInput(f"{pixel_values.dtype} {shape}")
        model.put(pixel_values.astype(model.dtype, copy=False))
        device.execute(model)
        class_queries_logits, masks_queries_logits = model.fetch()
        return Logits(class_queries_logits[0], masks_queries_logits[0])

    def _drop(self) -> None:
        self._models.clear()
        device, self._device = self._device, None
        if device is not None:
            try:
                device.close()
            except AclFailure as failure:
                _log.warning("Not all was given back: %s", failure.explain().en)


def _let_go(engines: Iterable[AscendEngine]) -> None:
    """Have other engines of this process give a lost device back; it is reset when all have.

    They open it anew with their next photo. Who just now does the same by himself has let go.
    """
    wait([of._owner.post(of._drop) for of in engines if of._device is not None], LET_GO_S)


@contextmanager
def _told_as(error: type[EngineError]) -> Iterator[None]:
    """Translate what goes wrong inside into a sentence for people."""
    try:
        yield
    except AclFailure as failure:
        told = failure.explain()
        raise error(told.en, told.zh) from failure
    except Overdue as overdue:
        raise error(overdue.text.en, overdue.text.zh) from overdue
    except Forked as forked:
        raise error(
            "The Ascend engine was started before this process was forked. Start it in each worker "
            "(gunicorn: without --preload).",
            "昇腾引擎是在 fork 之前启动的。请在各工作进程内启动（gunicorn 不要用 --preload）。",
        ) from forked
    except Closed as closed:
        raise error("The engine was closed.", "引擎已关闭。") from closed
    except UnsuitableModel as mismatch:
        raise error(
            f"The OM is not what its card says ({mismatch}). Convert the model again.",
            f"该 OM 与 card.json 的记录不符（{mismatch}）。请重新转换模型。",
        ) from mismatch
    except UnsuitableInput as mismatch:
        raise error(
            f"The photo was not prepared for this OM ({mismatch}).",
            f"照片数据与该 OM 的输入不符（{mismatch}）。",
        ) from mismatch


def _choose(card: ModelCard, chip: str, precision: str | None) -> list[Artifact]:
    """The OMs of one precision for the chip that are needed for its sizes, in the card's order."""
    oms = [artifact for artifact in card.artifacts if artifact.format == "om"]
    fitting = [om for om in oms if om.soc == chip]
    if not fitting:
        others = sorted({str(om.soc) for om in oms})
        has = f"; it has {', '.join(others)}" if others else ""
        zh_has = f"（现有：{'、'.join(others)}）" if others else ""
        # No path of the operator's: visitors may read this.
        command = f"python -m convert atc DIR --soc-version {chip}"
        raise EngineUnavailable(
            f"Model {card.name} has no OM for the chip {chip}{has}. Export it with "
            f"--target ascend, then: {command}",
            f"模型 {card.name} 没有适用于芯片 {chip} 的 OM{zh_has}。请用 --target ascend 导出，"
            f"再执行：{command}",
        )
    wanted = precision or fitting[0].precision
    chosen: list[Artifact] = []
    for om in fitting:
        served = {size_hw for other in chosen for size_hw in other.sizes_hw}
        # What others serve already would only take memory.
        if om.precision == wanted and not served.issuperset(om.sizes_hw):
            chosen.append(om)
    if not chosen:
        offered = ", ".join(sorted({om.precision for om in fitting}))
        raise EngineUnavailable(
            f"Model {card.name} has no {wanted} OM for {chip}; it has {offered}.",
            f"模型 {card.name} 没有 {chip} 的 {wanted} 精度 OM；现有：{offered}。",
        )
    return chosen


def _input_of(model: DeviceModel, graph: InputSpec) -> InputSpec:
    takes_photo = model.dtype == np.uint8
    return replace(
        graph,
        layout=model.layout,
        dtype="uint8" if takes_photo else "float32",
        normalised_inside=takes_photo or graph.normalised_inside,
    )
