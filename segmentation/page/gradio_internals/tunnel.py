"""The tunnel of a share link."""

from pathlib import Path

import gradio as gr
from gradio import networking, tunneling
from gradio.exceptions import ChecksumMismatchError, ShareCertificateWriteError

# Reasons why a tunnel cannot be opened, which Gradio does not export.
ShareBinaryAltered = ChecksumMismatchError
ShareCertificateNotWritten = ShareCertificateWriteError


def default_share_server() -> str | None:
    """HOST:PORT of GRADIO_SHARE_SERVER_ADDRESS, as it was when Gradio was imported."""
    return networking.GRADIO_SHARE_SERVER_ADDRESS


def open_tunnel(ui: gr.Blocks, server: str | None) -> str:
    """Open a tunnel to a share server for a page that is served already.

    `launch(share=True)` would keep the page itself waiting for the share server.

    Args:
        ui: the page.
        server: HOST:PORT of the share server; None for Gradio's.

    Returns:
        The public address.

    Raises:
        Exception: of any class; Gradio's tunnel has no base class for its errors.
    """
    host, port = str(ui.server_name), int(ui.server_port)
    return networking.setup_tunnel(host, port, ui.share_token, server, None)


def share_binary() -> tuple[Path, str]:
    """The path of frpc, the program that holds the tunnel, and the address to download it from."""
    return Path(tunneling.BINARY_PATH), tunneling.BINARY_URL
