"""--share: the page as started from a shell, and the line that tells of its public link."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from gradio import tunneling

from tests.started import started

# Nobody listens there: as a proxy, it keeps the test off the net wherever it runs.
NOWHERE = "http://127.0.0.1:9"


@contextmanager
def shared(home: Path, *flags: str) -> Iterator[tuple[str, str, str]]:
    """A running page: its address, and what it says of the link in English and Chinese."""
    environment = {"HF_HOME": str(home), "HTTPS_PROXY": NOWHERE, "HTTP_PROXY": NOWHERE}
    with started("--share", *flags, environment=environment) as page:
        assert page.process.stdout
        yield page.address, page.process.stdout.readline(), page.process.stdout.readline()
        page.process.send_signal(signal.SIGINT)
        page.process.communicate()
    assert page.process.returncode == 0


def test_without_a_link_the_page_goes_on_and_names_the_ways_out(tmp_path: Path) -> None:
    with shared(tmp_path) as (address, english, chinese):
        assert english.startswith("No public link: api.gradio.app cannot be reached.")
        assert chinese.startswith("没有公网链接：无法访问 api.gradio.app。")
        by_hand = tmp_path / "gradio" / "frpc" / tunneling.BINARY_FILENAME
        for line in (english, chinese):
            for way_out in ("HTTPS_PROXY", "--share-server-address", str(by_hand)):
                assert way_out in line
        config = httpx.get(f"{address}config", trust_env=False).json()
        assert config["footer_links"] == ["api", "gradio"]


def test_a_share_server_of_ones_own_and_frpc_put_by_hand(tmp_path: Path) -> None:
    frpc = tmp_path / "gradio" / "frpc" / tunneling.BINARY_FILENAME
    frpc.parent.mkdir(parents=True)
    frpc.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\n'
        'echo "start proxy success: http://koutu.share.example:8080"\nexec sleep 60\n'
    )
    frpc.chmod(0o755)
    with shared(tmp_path, "--share-server-address", "share.example:7000") as (address, *lines):
        assert lines == [
            "Public link, for up to a week: http://koutu.share.example:8080\n",
            "公网链接（最长一周有效）：http://koutu.share.example:8080\n",
        ]
        arguments = (tmp_path / "arguments").read_text("utf-8").split()
        assert arguments[arguments.index("--server_addr") + 1] == "share.example:7000"
        assert arguments[arguments.index("-l") + 1] == address.strip("/").rpartition(":")[2]
