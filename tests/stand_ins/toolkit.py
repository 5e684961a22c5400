"""Import of the stand-in of CANN in `cann/`."""

import atexit
import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOOLKIT = Path(__file__).parent / "cann"
SITE_PACKAGES = TOOLKIT / "python" / "site-packages"


def fresh_acl(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import the stand-in in its initial state; `import acl` finds it until the test ends."""
    hide_acl(monkeypatch)
    monkeypatch.syspath_prepend(SITE_PACKAGES)
    import acl

    # Leaks of a test that leaks on purpose are not reported when pytest ends.
    atexit.unregister(acl.stand_in.chip.at_exit)
    return acl


def hide_acl(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget any imported `acl`, now and again at the end of the test."""
    submodules = [f"acl.{path.stem}" for path in (SITE_PACKAGES / "acl").glob("*.py")]
    for name in ("acl", *submodules):
        # Set first, so that monkeypatch also removes what the test itself imports.
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
        monkeypatch.delitem(sys.modules, name)


def import_stand_in_om() -> ModuleType:
    """Import the stand-in of the OM format, also in a test without a toolkit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SITE_PACKAGES)
        return importlib.import_module("stand_in_om")
