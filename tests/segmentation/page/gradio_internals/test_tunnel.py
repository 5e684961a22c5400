"""Private names of Gradio's tunnel."""

import os
from pathlib import Path

import pytest
from gradio import tunneling

from segmentation.page.gradio_internals.tunnel import (
    ShareBinaryAltered,
    ShareCertificateNotWritten,
    default_share_server,
    open_tunnel,
    share_binary,
)
from tests.segmentation.page.serving import address_of, blank_page, launch_unprotected, served


def test_the_default_share_server_comes_from_the_environment() -> None:
    server = os.environ.get("GRADIO_SHARE_SERVER_ADDRESS")
    assert default_share_server() == server


def test_share_binary_is_where_gradio_looks_for_frpc() -> None:
    path, url = share_binary()
    assert path.name == tunneling.BINARY_FILENAME
    assert url.startswith("https://")


def test_open_tunnel_runs_frpc_for_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frpc = tmp_path / "frpc"
    frpc.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\n'
        'echo "start proxy success: http://koutu.share.example:8080"\nexec sleep 60\n'
    )
    frpc.chmod(0o755)
    monkeypatch.setattr(tunneling, "BINARY_PATH", str(frpc))
    with served(blank_page, launch_unprotected) as ui:
        link = open_tunnel(ui, "share.example:7000")
        port = address_of(ui).rpartition(":")[2]
    tunnel = tunneling.CURRENT_TUNNELS.pop()
    process, tunnel.proc = tunnel.proc, None
    assert process
    process.terminate()
    process.communicate()
    assert link == "http://koutu.share.example:8080"
    arguments = (tmp_path / "arguments").read_text("utf-8").split()
    assert arguments[arguments.index("--server_addr") + 1] == "share.example:7000"
    assert arguments[arguments.index("-l") + 1] == port


@pytest.mark.parametrize(
    "error",
    [ShareBinaryAltered, ShareCertificateNotWritten],
)
def test_errors_of_the_tunnel_have_classes_of_their_own(error: type[Exception]) -> None:
    assert issubclass(error, Exception)
    assert error is not Exception
