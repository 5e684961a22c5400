"""Events with values that no page would send."""

import json
from collections.abc import Iterator
from typing import Any

from tests.visitor import Failed, Refused, Visitor

Event = dict[str, Any]


def inputs_of(visitor: Visitor) -> Iterator[tuple[Event, int]]:
    """For each component that is an input: an event that reads it, and its position there."""
    types = {component["id"]: component["type"] for component in visitor.config["components"]}
    seen: set[int] = set()
    for event in visitor.config["dependencies"]:
        for position, id_ in enumerate(event["inputs"]):
            if types[id_] != "state" and id_ not in seen:
                seen.add(id_)
                yield event, position


def handlers_of(visitor: Visitor) -> list[Event]:
    """One event for each handler."""
    return list({event["api_name"]: event for event in visitor.config["dependencies"]}.values())


def values_with(visitor: Visitor, event: Event, position: int, value: Any) -> list[Any]:
    """The inputs of an event as the page has them, with another value at one position."""
    values = [visitor.values.get(id_) for id_ in event["inputs"]]
    return [*values[:position], value, *values[position + 1 :]]


def outcome(visitor: Visitor, event: Event, values: list[Any], click: Any = None) -> str:
    """What an event ends with: an answer, an error or a refusal, as text."""
    try:
        return json.dumps(visitor.ask(event, values, click))
    except (Failed, Refused) as error:
        return str(error)
