"""The engine of the chip that atc chose for each operator of an OM.

`atc --mode=1` writes an OM as JSON: --mode.md of the manual and omg.cc of github.com/hicann/ge,
v8.5.0. An attribute of each operator names its kernel library (op_desc.cc, ge_types.h).
"""

import json
import shutil
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convert.ascend.conversion import work_folder
from convert.ascend.toolkit import Toolkit, run_atc
from segmentation.errors import ConversionError

_LIBRARY = "_ge_attr_op_kernel_lib_name"
# Engines in the words of msprof, by a part of the library's name. Other libraries compute nothing
# on the chip, such as DNN_VM_GE_LOCAL_OP_STORE for the input.
_ENGINES = {"aicore": "AI_CORE", "aicpu": "AI_CPU", "vector": "AI_VECTOR_CORE"}


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator of an OM.

    Attributes:
        name: name in the OM.
        type: type of CANN, such as Conv2D.
        engine: AI_CORE, AI_CPU or AI_VECTOR_CORE.
    """

    name: str
    type: str
    engine: str


def operators_of(om: Path, toolkit: Toolkit) -> tuple[Operator, ...]:
    """List the operators of an OM that the chip computes.

    Args:
        om: path of the file.
        toolkit: CANN's toolkit.

    Returns:
        The operators; none if this version of atc does not tell them.
    """
    try:
        # stdout is for the report.
        with work_folder() as folder, redirect_stdout(sys.stderr):
            shutil.copyfile(om, folder / "model.om")
            run_atc(toolkit, ["--mode=1", "--om=model.om", "--json=model.json"], folder)
            fields = json.loads((folder / "model.json").read_text("utf-8", "replace"))
            entries = [entry for graph in fields["graph"] for entry in graph["op"]]
            return tuple(filter(None, map(_operator, entries)))
    except (ConversionError, OSError, ValueError, LookupError, TypeError, AttributeError):
        return ()


def _operator(entry: dict[str, Any]) -> Operator | None:
    """An operator of the JSON; None if the chip does not compute it."""
    attributes = {attribute["key"]: attribute["value"] for attribute in entry.get("attr", ())}
    library = attributes.get(_LIBRARY, {}).get("s", "").lower()
    engines = [engine for part, engine in _ENGINES.items() if part in library]
    return Operator(entry["name"], entry["type"], engines[0]) if engines else None
