"""How a page starts at unusual addresses, and how it stops."""

import signal
import socket
import time
from pathlib import Path

import httpx
import pytest

from tests.started import started

FILES = 20_001
# Containers are killed 10 seconds after they were asked to stop.
SECONDS = 8


def is_ipv6_here() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as server:
            server.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not is_ipv6_here(), reason="this host has no IPv6")
@pytest.mark.parametrize("host", ["::", "::1"])
def test_a_page_serves_ipv6(tmp_path: Path, host: str) -> None:
    environment = {"GRADIO_TEMP_DIR": str(tmp_path)}
    with started("--host", host, "--port", "0", environment=environment) as page:
        assert page.address.startswith("http://[::1]:")
        assert "gradio-app" in httpx.get(page.address, trust_env=False).text


def test_a_full_page_stops_in_time_and_leaves_nothing(tmp_path: Path) -> None:
    with started("--port", "0", environment={"GRADIO_TEMP_DIR": str(tmp_path)}) as page:
        (uploads,) = (path for path in tmp_path.iterdir() if path.is_dir())
        for number in range(FILES):
            folder = uploads / f"{number:064x}"
            folder.mkdir()
            (folder / "photo.png").touch()
        began = time.monotonic()
        # Some programs send the signal twice.
        page.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        page.process.send_signal(signal.SIGTERM)
        output, _ = page.process.communicate()
        seconds = time.monotonic() - began
    assert "Traceback" not in output
    assert page.process.returncode == 0
    assert list(tmp_path.iterdir()) == []
    assert seconds < SECONDS
