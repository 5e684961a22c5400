"""Import of pyACL, CANN's Python module `acl`, and calls to it with every answer checked."""

import atexit
import operator
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakSet

from segmentation.engines.ascend.errors import REPEATED_INIT, AclFailure
from segmentation.errors import EngineUnavailable
from segmentation.i18n import Text

DEVICE_NODE = Path("/dev/davinci_manager")
SET_ENV = "source /usr/local/Ascend/ascend-toolkit/set_env.sh (CANN 8.5+: /usr/local/Ascend/cann/)"
NO_CANN = Text(
    f"CANN's pyACL is not installed. Install CANN and run: {SET_ENV}",
    f"未找到 CANN 的 pyACL。请安装 CANN 并执行：{SET_ENV}",
)


class Acl:
    """pyACL with every answer checked, and a clock on the current call.

    Args:
        module: pyACL, as imported.
    """

    _instances: ClassVar[WeakSet["Acl"]] = WeakSet()

    def __init__(self, module: Any) -> None:
        self._module = module
        self._call_started_at: float | None = None
        self._instances.add(self)

    def initialise(self) -> None:
        """Initialise pyACL in this process. The first instance to do so also finalises it at exit.

        Raises:
            AclFailure: pyACL cannot start.
        """
        code = self._invoke("init", ())
        if code == 0:
            atexit.register(self._finalise)
        elif code != REPEATED_INIT:
            raise self._failure("init", code)

    def _finalise(self) -> None:
        # finalize would wait for a call that may never return.
        if not any(instance.current_call_seconds() for instance in self._instances):
            self._module.finalize()

    def call(self, name: str, *args: int | str) -> Any:
        """Call a function that returns a code, alone or after its values.

        Returns:
            None, the value, or a tuple of several values.

        Raises:
            AclFailure: the code is not 0.
        """
        answer = self._invoke(name, args)
        *values, code = answer if isinstance(answer, tuple) else (answer,)
        if code != 0:
            raise self._failure(name, code)
        return values[0] if len(values) == 1 else tuple(values) or None

    def handle(self, name: str, *args: int) -> int:
        """Call a function that returns a handle without a code.

        Raises:
            AclFailure: the handle is 0.
        """
        handle: int = self._invoke(name, args)
        if handle == 0:
            raise self._failure(name, None)
        return handle

    def value(self, name: str, *args: int) -> Any:
        """Call a function that returns a value without a code."""
        return self._invoke(name, args)

    def has(self, name: str) -> bool:
        """Whether this version of pyACL has the function."""
        try:
            operator.attrgetter(name)(self._module)
        except AttributeError:
            return False
        return True

    def current_call_seconds(self) -> float:
        """Seconds since the current call started; 0 if none is running. Safe in any thread."""
        started_at = self._call_started_at
        return 0.0 if started_at is None else time.monotonic() - started_at

    def _invoke(self, name: str, args: Sequence[int | str]) -> Any:
        self._call_started_at = time.monotonic()
        try:
            return operator.attrgetter(name)(self._module)(*args)
        finally:
            self._call_started_at = None

    def _failure(self, name: str, code: int | None) -> AclFailure:
        return AclFailure(name, code, self._module.get_recent_err_msg() or "")


def import_acl() -> Any:
    """Import pyACL.

    Returns:
        The module; None if this host has neither pyACL nor an Ascend device node.

    Raises:
        EngineUnavailable: pyACL is missing beside a device, cannot be loaded, or is another
            package of the same name.
    """
    try:
        import acl  # CANN's module: imports are absolute, so not the module this line stands in
    except ModuleNotFoundError as error:
        if error.name != "acl":
            raise _cannot_load(error) from error
        if DEVICE_NODE.exists():
            raise EngineUnavailable(
                f"This host has an Ascend device, but pyACL is not on PYTHONPATH. Run: {SET_ENV}",
                f"本机有昇腾设备，但 PYTHONPATH 中没有 pyACL。请执行：{SET_ENV}",
            ) from error
        return None
    except ImportError as error:
        raise _cannot_load(error) from error
    if not (hasattr(acl, "rt") and hasattr(acl, "mdl")):
        # PyPI has unrelated packages called `acl` and `pyacl`.
        raise EngineUnavailable(
            "The installed package `acl` is not CANN's pyACL. Run: pip uninstall acl pyacl; then: "
            + SET_ENV,
            "已安装的 acl 包不是 CANN 的 pyACL。请执行：pip uninstall acl pyacl，然后：" + SET_ENV,
        )
    return acl


def _cannot_load(error: ImportError) -> EngineUnavailable:
    return EngineUnavailable(
        f"pyACL cannot be loaded ({error}). Run: {SET_ENV}",
        f"无法加载 pyACL（{error}）。请执行：{SET_ENV}",
    )
