"""Which components Gradio's page updates when an event ends."""

import pytest
from playwright.sync_api import Page

# Ends an event that has the output 1 and the input 2; says whether the output alone is updated.
IS_OUTPUT_ALONE = """async () => {
    const loaded = performance.getEntriesByType("resource").map(({name}) => name);
    const script = loaded.find((name) => name.includes("/statustracker-"));
    const {LoadingStatus} = Object.values(await import(script)).find((item) => item?.LoadingStatus);
    const statuses = new LoadingStatus();
    statuses.register(0, [1], [2], "hidden");
    statuses.update({fn_index: 0, status: "complete", stream_state: "closed"});
    return Object.keys(statuses.current).join() === "1";
}"""


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_the_end_of_an_event_updates_its_outputs_alone(page: Page) -> None:
    assert page.evaluate(IS_OUTPUT_ALONE)
