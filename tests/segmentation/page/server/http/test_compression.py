"""Size of the page itself."""

import re

from tests.segmentation.page.server.connections import send_raw


def test_the_page_is_compressed_for_browsers_that_take_it(address: str) -> None:
    plain = send_raw(address, "GET", "/", accept_encoding="identity")[1]
    compressed = send_raw(address, "GET", "/", accept_encoding="gzip, deflate, br")[1]
    assert b"window.gradio_config" in plain
    assert len(compressed) < len(plain) / 4


def test_the_configuration_is_short(address: str) -> None:
    """Every page holds it, and every client of the API loads it."""
    config = send_raw(address, "GET", "/config", accept_encoding="identity")[1]
    # The ids of components have three digits, and more after many pages in one process.
    assert len(re.sub(rb"\b\d{4,5}\b", b"999", config)) <= 280_000
