"""How often the page draws while nothing happens."""

from playwright.sync_api import Browser

from segmentation.page.minify import read_code
from segmentation.page.theme import ASSETS

# The time of the frame is given to what runs in a frame, and not to what runs after a while.
REQUEST = """() => Promise.all([
    new Promise(done => requestAnimationFrame(time => done(typeof time))),
    new Promise(done => {
        const start = 0;
        const run = () => requestAnimationFrame(time=>{
            if((performance.now()-start)/1e3>0)done(typeof time)
        });
        run();
    }),
])"""


def test_the_clock_of_a_wait_does_not_ask_for_each_frame(browser: Browser) -> None:
    page = browser.new_page()
    assert page.evaluate(REQUEST) == ["number", "number"]
    page.evaluate(f"() => {{ {read_code(ASSETS / 'clock.js')} }}")
    assert page.evaluate(REQUEST) == ["number", "undefined"]
    page.close()
