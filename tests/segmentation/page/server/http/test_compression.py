"""Size of the page itself."""

from tests.segmentation.page.server.connections import send_raw


def test_the_page_is_compressed_for_browsers_that_take_it(address: str) -> None:
    plain = send_raw(address, "GET", "/", accept_encoding="identity")[1]
    compressed = send_raw(address, "GET", "/", accept_encoding="gzip, deflate, br")[1]
    assert b"window.gradio_config" in plain
    assert len(compressed) < len(plain) / 4


def test_the_configuration_is_short(address: str) -> None:
    """Every page holds it, and every client of the API loads it."""
    assert len(send_raw(address, "GET", "/config", accept_encoding="identity")[1]) <= 280_000
