"""What tests need to work with the stand-in of CANN in `cann/`."""

import atexit
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOOLKIT = Path(__file__).parent / "cann"
SITE_PACKAGES = TOOLKIT / "python" / "site-packages"


def fresh_acl(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`import acl` finds the stand-in from here to the end of the test, with nothing in it yet."""
    hide_acl(monkeypatch)
    monkeypatch.syspath_prepend(SITE_PACKAGES)
    import acl

    # A test that leaks on purpose is nothing to report when pytest ends.
    atexit.unregister(acl.stand_in.chip.at_exit)
    return acl


def hide_acl(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget any `acl` that was imported before, and again at the end of the test."""
    parts = [f"acl.{path.stem}" for path in (SITE_PACKAGES / "acl").glob("*.py")]
    for name in ("acl", *parts):
        # Setting it first makes monkeypatch take it away again, whatever the test imports.
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
        monkeypatch.delitem(sys.modules, name)
