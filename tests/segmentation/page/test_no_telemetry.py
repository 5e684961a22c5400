"""A real session reaches no other host, and leaves nothing outside the page's own folders."""

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from segmentation.engines import telemetry
from segmentation.engines.telemetry import SWITCHES, disable_telemetry, import_onnxruntime
from tests.paths import ROOT
from tests.segmentation.page.browsing import open_example
from tests.started import started
from tests.visitor import Visitor

PHOTO = (ROOT / "examples" / "flower.jpg").read_bytes()
# onnxruntime sends nothing where one of these is set, which would hide what it does elsewhere.
CI_VARIABLES = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "JENKINS_URL", "GITLAB_CI", "TRAVIS")
# Python's sockets and look-ups of names, one a line, in the order of `sys.audit`.
AUDIT = """
import os, sys
def write(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        address = arguments[0]
    else:
        return
    with open(os.environ["AUDIT_FILE"], "a") as file:
        print(repr(address), file=file)
sys.addaudithook(write)
"""
LOOPBACK_NAMES = ("localhost", "0.0.0.0", "", None)


def strace(file: Path) -> list[str]:
    """A command that writes a program's connections in native code too; empty if it cannot run."""
    command = ["strace", "-D", "-f", "-qq", "-e", "signal=none", "-e", "trace=connect,sendto"]
    if not shutil.which("strace"):
        return []
    tried = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False)
    return [*command, "-o", str(file)] if tried.returncode == 0 else []


def is_loopback(host: str) -> bool:
    return host in LOOPBACK_NAMES or ip_address(host).is_loopback


def hosts_of_audit(lines: str) -> set[str]:
    """The hosts of the addresses that the audit hook wrote; paths of local sockets are none."""
    addresses = [ast.literal_eval(line) for line in lines.splitlines()]
    hosts = [address[0] if isinstance(address, tuple) else address for address in addresses]
    return {host for host in hosts if host and not str(host).startswith("/")}


def hosts_of_strace(lines: str) -> set[str]:
    found = re.findall(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"', lines)
    return {ipv4 or ipv6 for ipv4, ipv6 in found}


def session_environment(folder: Path, **more: str) -> dict[str, str]:
    """Variables of a session whose home and temporary files are below a folder."""
    (folder / "home").mkdir()
    (folder / "tmp").mkdir()
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(AUDIT)
    return {
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "PYTHONPATH": str(folder / "site"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AUDIT_FILE": str(folder / "audit"),
        **more,
    }


# What another place may have switched off must not hide what the page does by itself.
WITHOUT = (*CI_VARIABLES, *SWITCHES, "XDG_CACHE_HOME", "GRADIO_TEMP_DIR", "HF_HOME")


def test_a_session_reaches_no_other_host_and_leaves_no_file(tmp_path: Path) -> None:
    environment = session_environment(tmp_path)
    tracer = strace(tmp_path / "strace")
    before = set(ROOT.iterdir())
    with started(environment=environment, without=WITHOUT, tracer=tracer) as page:
        with Visitor(page.address) as visitor:
            visitor.open("flower.jpg", PHOTO)
            file = visitor.values[visitor.component(elem_id="download")]
            assert visitor.fetch(file).startswith(b"\x89PNG")
        page.process.send_signal(signal.SIGTERM)
        page.process.communicate()
    assert page.process.returncode == 0
    audited = hosts_of_audit((tmp_path / "audit").read_text())
    assert audited  # Gradio asks its own page when it starts
    assert {host for host in audited if not is_loopback(host)} == set()
    if tracer:
        traced = hosts_of_strace((tmp_path / "strace").read_text())
        assert "127.0.0.1" in traced
        assert {host for host in traced if not is_loopback(host)} == set()
    # onnxruntime's device id and database appear here when its first session is opened.
    assert list((tmp_path / "home").iterdir()) == []
    assert list((tmp_path / "tmp").iterdir()) == []
    assert set(ROOT.iterdir()) == before


@pytest.mark.parametrize(
    "code",
    [
        "from segmentation import Segmenter, find_model; Segmenter(find_model('compact')).open()",
        "from segmentation.__main__ import main; main(['examples/flower.jpg', '--list'])",
        "import convert; from segmentation.engines.onnx import OnnxEngine; "
        "from segmentation import find_model; OnnxEngine(find_model('compact'))",
        "from segmentation.cluster.deployment import Replica; "
        "Replica('compact', 'onnx', None, 1, 1)",
    ],
    ids=["library", "command line", "convert", "replica"],
)
def test_every_way_to_a_model_leaves_the_home_folder_empty(tmp_path: Path, code: str) -> None:
    environment = session_environment(tmp_path, PYTHONPATH=f"{tmp_path / 'site'}:{ROOT}")
    inherited = {name: value for name, value in os.environ.items() if name not in WITHOUT}
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**inherited, **environment},
        check=True,
        capture_output=True,
    )
    assert list((tmp_path / "home").iterdir()) == []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_browser_asks_the_page_alone(browser: Browser, address: str) -> None:
    context = browser.new_context(locale="zh-CN")
    addresses: list[str] = []
    context.on("request", lambda request: addresses.append(request.url))
    page = context.new_page()
    page.goto(address)
    page.locator("#examples img").first.wait_for()
    open_example(page, 0)
    # What the browser would fetch or connect to before it is asked for it.
    links = page.locator("link[href], script[src]").evaluate_all(
        "elements => elements.map(element => element.href || element.src)"
    )
    context.close()
    assert len(addresses) > 10
    own = (address, "data:", f"blob:{address}")
    assert [url for url in (*addresses, *links) if not url.startswith(own)] == []


def test_the_switches_replace_what_the_host_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    disable_telemetry()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    assert import_onnxruntime() is sys.modules["onnxruntime"]
    with pytest.raises(ImportError):
        __import__(telemetry.BLOCKED_MODULE)


def test_huggingface_hub_and_gradio_read_the_switches() -> None:
    code = (
        "import segmentation.page; from huggingface_hub import constants; "
        "from gradio.analytics import analytics_enabled; "
        "print(constants.HF_HUB_DISABLE_TELEMETRY, analytics_enabled())"
    )
    inherited = {name: value for name, value in os.environ.items() if name not in WITHOUT}
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=inherited,
        check=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout.split() == ["True", "False"]


def test_the_container_and_the_cluster_set_the_switches() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    for name in SWITCHES.keys() - {"RAY_USAGE_STATS_ENABLED"}:
        assert f"{name}={SWITCHES[name]}" in dockerfile
    assert "export RAY_USAGE_STATS_ENABLED := 0" in (ROOT / "Makefile").read_text("utf-8")
    for half in (ROOT / "segmentation" / "cluster" / "README.md").read_text("utf-8").split("\n# "):
        assert "export RAY_USAGE_STATS_ENABLED=0" in half
