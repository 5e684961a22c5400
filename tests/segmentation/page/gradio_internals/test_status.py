"""Which components Gradio's page updates when an event ends."""

import pytest
from playwright.sync_api import Page

# Ends an event with the outputs 1 and 2, of which 2 is an input as well, and the input 3.
UPDATED = """async () => {
    const loaded = performance.getEntriesByType("resource").map(({name}) => name);
    const script = loaded.find((name) => name.includes("/statustracker-"));
    const {LoadingStatus} = Object.values(await import(script)).find((item) => item?.LoadingStatus);
    const statuses = new LoadingStatus();
    statuses.register(0, [1, 2], [2, 3], "full");
    statuses.update({fn_index: 0, status: "complete", stream_state: "closed"});
    return Object.entries(statuses.current).map(([id, {status}]) => `${id} ${status}`);
}"""


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_the_end_of_an_event_updates_its_outputs_alone(page: Page) -> None:
    assert page.evaluate(UPDATED) == ["1 complete", "2 complete"]
