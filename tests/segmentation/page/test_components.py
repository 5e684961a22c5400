"""Options that all events of the page share."""

import app
from tests.segmentation.page.serving import in_event_loop, page_context


def test_a_quiet_event_gives_no_component_a_loading_status() -> None:
    """Else the browser updates each output of each event at every message of the server."""
    config = in_event_loop(lambda: app.build_ui(page_context()).get_config_file())
    quiet = [event for event in config["dependencies"] if event["show_progress"] == "hidden"]
    assert len(quiet) > 20
    assert {
        event["api_name"]
        for event in quiet
        if event["show_progress_on"] != [] and event["api_visibility"] == "private"
    } == set()
