"""A page under proxy variables of every form: it starts and works, since it needs no proxy."""

from pathlib import Path

import pytest

from segmentation.engines.proxy import PROXY_VARIABLES
from tests.paths import ROOT
from tests.started import started
from tests.visitor import Visitor

PHOTO = (ROOT / "examples" / "flower.jpg").read_bytes()
VARIABLES = tuple(name for low in (*PROXY_VARIABLES, "no_proxy") for name in (low, low.upper()))


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        # Nobody listens at these ports.
        (
            {
                "ALL_PROXY": "socks5://127.0.0.1:9",
                "http_proxy": "127.0.0.1:9",
                "no_proxy": "10.0.0.0/8,fe80::/10,[::1]",
            },
            None,
        ),
        ({"all_proxy": "socks4://127.0.0.1:9", "HTTPS_PROXY": "socks://127.0.0.1:9/"}, "all_proxy"),
    ],
    ids=["SOCKS, no scheme, networks", "SOCKS of other kinds"],
)
def test_a_page_works_under_proxies(
    tmp_path: Path, environment: dict[str, str], named: str | None
) -> None:
    environment = {**environment, "GRADIO_TEMP_DIR": str(tmp_path)}
    with started(environment=environment, without=VARIABLES) as page:
        assert named is None or any(named in line for line in page.output)
        with Visitor(page.address) as visitor:
            visitor.open("flower.jpg", PHOTO)
            assert visitor.values[visitor.component(elem_id="download")]
