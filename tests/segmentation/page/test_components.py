"""The events and the configuration that the page sends to each browser."""

import json
from typing import Any

import pytest

import app
from tests.segmentation.page.serving import in_event_loop, page_context


@pytest.fixture(scope="module")
def config() -> Any:
    return in_event_loop(lambda: app.build_ui(page_context()).config)


def test_a_quiet_event_gives_no_component_a_loading_status(config: Any) -> None:
    """Else the browser updates each output of each event at every message of the server."""
    quiet = [event for event in config["dependencies"] if event["show_progress"] == "hidden"]
    assert len(quiet) > 20
    assert {
        event["api_name"]
        for event in quiet
        if event["show_progress_on"] != [] and event["api_visibility"] == "private"
    } == set()


def test_the_configuration_is_small(config: Any) -> None:
    """Each visit loads it; an event for each control would make it several times as large."""
    assert len(config["dependencies"]) <= 130
    assert len(json.dumps(config, default=str)) <= 280_000
