"""pyACL as a module: finding it, telling it from impostors, and checking every answer."""

import atexit
import importlib
import operator
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakSet

from segmentation.engines.ascend.errors import NO_DEVICE, REPEATED_INIT, AclFailure
from segmentation.errors import EngineUnavailable
from segmentation.i18n import Text

DEVICE_NODE = Path("/dev/davinci_manager")
SET_ENV = "source /usr/local/Ascend/ascend-toolkit/set_env.sh (CANN 8.5+: /usr/local/Ascend/cann/)"
NO_CANN = Text(
    f"CANN's pyACL is not there. Install CANN and run: {SET_ENV}",
    f"未找到 CANN 的 pyACL。请安装 CANN 并执行：{SET_ENV}",
)


class Acl:
    """pyACL with every answer checked, and a clock on the call that is under way.

    Args:
        module: pyACL, as imported.
    """

    _all: ClassVar[WeakSet["Acl"]] = WeakSet()

    def __init__(self, module: Any) -> None:
        self._module = module
        self._since: float | None = None
        self._all.add(self)

    def initialise(self) -> None:
        """Begin to use pyACL in this process; whoever began first also ends it, at exit."""
        code = self._ask("init", ())
        if code == 0:
            atexit.register(self._finalize)
        elif code != REPEATED_INIT:
            raise self._failure("init", code)

    def _finalize(self) -> None:
        # It would wait for a call that may never return.
        if not any(of.seconds_under_way() for of in self._all):
            self._module.finalize()

    def call(self, name: str, *args: int | str) -> Any:
        """Call a function that returns a code, alone or behind its values.

        Returns:
            None, the value, or a tuple of several values.

        Raises:
            AclFailure: the code is not 0.
        """
        answer = self._ask(name, args)
        *values, code = answer if isinstance(answer, tuple) else (answer,)
        if code != 0:
            raise self._failure(name, code)
        return values[0] if len(values) == 1 else tuple(values) or None

    def handle(self, name: str, *args: int) -> int:
        """Call a function that returns a handle without a code; 0 is a failure."""
        handle: int = self._ask(name, args)
        if handle == 0:
            raise self._failure(name, None)
        return handle

    def value(self, name: str, *args: int) -> Any:
        """Call a function that returns a plain value."""
        return self._ask(name, args)

    def has(self, name: str) -> bool:
        """Whether this version of pyACL has the function."""
        try:
            operator.attrgetter(name)(self._module)
        except AttributeError:
            return False
        return True

    def seconds_under_way(self) -> float:
        """How long the current call has been running; 0 when none is. For any thread."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def _ask(self, name: str, args: Sequence[int | str]) -> Any:
        self._since = time.monotonic()
        try:
            return operator.attrgetter(name)(self._module)(*args)
        finally:
            self._since = None

    def _failure(self, name: str, code: int | None) -> AclFailure:
        return AclFailure(name, code, self._module.get_recent_err_msg() or "")


def import_acl() -> Any:
    """pyACL, or None where nothing of Ascend is to be seen."""
    try:
        module = importlib.import_module("acl")
    except ModuleNotFoundError as error:
        if error.name != "acl":
            raise _cannot_import(error) from error
        if DEVICE_NODE.exists():
            raise EngineUnavailable(
                f"This host has an Ascend device, but pyACL is not on PYTHONPATH. Run: {SET_ENV}",
                f"本机有昇腾设备，但 PYTHONPATH 中没有 pyACL。请执行：{SET_ENV}",
            ) from error
        return None
    except ImportError as error:
        raise _cannot_import(error) from error
    if not (hasattr(module, "rt") and hasattr(module, "mdl")):
        # PyPI has an unrelated package of this name; `pyacl` is another one.
        raise EngineUnavailable(
            "The installed package `acl` is not CANN's pyACL. Run: pip uninstall acl pyacl; then: "
            + SET_ENV,
            "已安装的 acl 包不是 CANN 的 pyACL。请执行：pip uninstall acl pyacl，然后：" + SET_ENV,
        )
    return module


def _cannot_import(error: ImportError) -> EngineUnavailable:
    return EngineUnavailable(
        f"pyACL cannot be loaded ({error}). Run: {SET_ENV}",
        f"无法加载 pyACL（{error}）。请执行：{SET_ENV}",
    )


def ask_chip(acl: Acl) -> str:
    acl.initialise()
    soc = acl.value("get_soc_name") if acl.call("rt.get_device_count") else None
    if soc is None:
        raise EngineUnavailable(NO_DEVICE.en, NO_DEVICE.zh)
    return str(soc)
