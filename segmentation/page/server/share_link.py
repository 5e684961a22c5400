"""The public link of a page that runs on a private host."""

import gradio as gr

from segmentation.i18n import Text
from segmentation.page.gradio_internals.tunnel import (
    ShareBinaryAltered,
    ShareCertificateNotWritten,
    default_share_server,
    open_tunnel,
    share_binary,
)
from segmentation.page.server.terminal_texts import NOT_SHARED, SHARED


def open_share_link(ui: gr.Blocks, server: str | None) -> Text:
    """Ask a share server for a public link.

    Args:
        ui: the page, which is served already.
        server: HOST:PORT of the operator's own share server; None for Gradio's.

    Returns:
        The link, or why there is none and what to do, for the terminal.
    """
    own_server = server or default_share_server()
    try:
        link = open_tunnel(ui, own_server)
    except Exception as error:  # the errors of Gradio's tunnel have no base class
        path, url = share_binary()
        if isinstance(error, ShareBinaryAltered):
            path.unlink(missing_ok=True)  # Gradio would run it the next time
        reason = explain_failure(error)
        return Text(
            NOT_SHARED.en.format(reason=reason.en, url=url, path=path),
            NOT_SHARED.zh.format(reason=reason.zh, url=url, path=path),
        )
    if not own_server:
        link = link.replace("http://", "https://")
    return Text(SHARED.en.format(link=link), SHARED.zh.format(link=link))


def explain_failure(error: Exception) -> Text:
    """The reason why Gradio's tunnel could not be opened.

    Args:
        error: what Gradio raised.
    """
    frpc, _ = share_binary()
    match error:
        case ShareBinaryAltered():
            return Text("the downloaded frpc has a wrong checksum", "下载的 frpc 校验不符")
        case ShareCertificateNotWritten():
            return Text("the current folder cannot be written", "当前文件夹不可写")
        case RuntimeError():
            return Text("api.gradio.app cannot be reached", "无法访问 api.gradio.app")
        case PermissionError() if frpc.exists():
            return Text(f"{frpc} may not be run", f"{frpc} 没有执行权限")
        case _ if not frpc.exists():
            return Text("frpc is missing and cannot be downloaded", "缺少 frpc，且无法下载")
        case _:
            return Text("the share server did not accept the page", "分享服务器未接受连接")
