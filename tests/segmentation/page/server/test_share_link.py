"""The public link: a page started with --share from a shell, and reasons for having no link."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from gradio import tunneling

from segmentation.page.gradio_internals.tunnel import ShareBinaryAltered, ShareCertificateNotWritten
from segmentation.page.server import share_link
from segmentation.page.server.share_link import explain_failure, open_share_link
from tests.segmentation.page.serving import blank_page, launch_unprotected, served
from tests.started import started

# Nobody listens there. As a proxy, it keeps the test off the network wherever it runs.
UNREACHABLE = "http://127.0.0.1:9"


@contextmanager
def shared(home: Path, *flags: str) -> Iterator[tuple[str, str, str]]:
    """A running page: its address, and its lines about the link in English and Chinese."""
    environment = {"HF_HOME": str(home), "HTTPS_PROXY": UNREACHABLE, "HTTP_PROXY": UNREACHABLE}
    with started("--share", *flags, environment=environment) as page:
        assert page.process.stdout
        yield page.address, page.process.stdout.readline(), page.process.stdout.readline()
        page.process.send_signal(signal.SIGINT)
        page.process.communicate()
    assert page.process.returncode == 0


def test_a_page_without_a_link_runs_on_and_names_what_to_do(tmp_path: Path) -> None:
    with shared(tmp_path) as (address, english, chinese):
        assert english.startswith("No public link: api.gradio.app cannot be reached.")
        assert chinese.startswith("没有公网链接：无法访问 api.gradio.app。")
        frpc = tmp_path / "gradio" / "frpc" / tunneling.BINARY_FILENAME
        for line in (english, chinese):
            for remedy in ("HTTPS_PROXY", "--share-server-address", str(frpc)):
                assert remedy in line
        config = httpx.get(f"{address}config", trust_env=False).json()
        assert config["footer_links"] == ["api"]


def test_a_page_uses_its_own_share_server_and_an_frpc_that_is_there(tmp_path: Path) -> None:
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


@pytest.fixture
def frpc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path where Gradio looks for frpc; nothing is there."""
    path = tmp_path / "frpc"
    monkeypatch.setattr(tunneling, "BINARY_PATH", str(path))
    return path


@pytest.mark.parametrize(
    ("error", "there", "reason"),
    [
        (ShareBinaryAltered(), True, "the downloaded frpc has a wrong checksum"),
        (
            ShareCertificateNotWritten(),
            True,
            "the current folder cannot be written",
        ),
        (RuntimeError(), True, "api.gradio.app cannot be reached"),
        (PermissionError(), True, "{frpc} may not be run"),
        (PermissionError(), False, "frpc is missing and cannot be downloaded"),
        (OSError(), False, "frpc is missing and cannot be downloaded"),
        (ValueError(), True, "the share server did not accept the page"),
    ],
)
def test_each_failure_of_the_tunnel_has_a_reason(
    frpc: Path, error: Exception, there: bool, reason: str
) -> None:
    if there:
        frpc.touch()
    text = explain_failure(error)
    assert text.en == reason.format(frpc=frpc)
    assert text.zh != text.en


def test_an_altered_frpc_is_deleted(
    frpc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gradio leaves it there and would run it the next time."""

    def alter(*_: object) -> str:
        frpc.touch()
        raise ShareBinaryAltered

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(share_link, "open_tunnel", alter)
    with served(blank_page, launch_unprotected) as ui:
        text = open_share_link(ui, None)
    assert text.en.startswith("No public link: the downloaded frpc has a wrong checksum.")
    assert not frpc.exists()
