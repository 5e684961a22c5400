"""The web page: its command line, its layout, and its start."""

import argparse
import io
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from tempfile import gettempdir

# First: it prepares the environment, which gradio reads when it is imported.
import segmentation.page  # noqa: F401

# isort: split
import gradio as gr

from segmentation import KoutuError, Text
from segmentation.cli.argument_types import count
from segmentation.cli.engine_flags import add_engine_flags, choose_engine
from segmentation.cli.options import limit_threads
from segmentation.engines.proxy import ignored_proxies
from segmentation.inference.registry import ModelRegistry, available_models
from segmentation.page.api import publish_api
from segmentation.page.batch_tab.events import BATCH_TAB, CUTOUT_TAB
from segmentation.page.batch_tab.store import BatchMemory
from segmentation.page.batch_tab.tab import batch_tab
from segmentation.page.compare_tab.columns import LETTERS
from segmentation.page.compare_tab.memory import compare_memory
from segmentation.page.compare_tab.tab import compare_tab
from segmentation.page.components import EXAMPLES, QUIET, PageContext, string
from segmentation.page.cutout_tab.memory import say_what_is_lost
from segmentation.page.cutout_tab.tab import cutout_tab
from segmentation.page.gradio_internals.files import keep_folders_below
from segmentation.page.gradio_internals.page_html import drop_repeated_schemas
from segmentation.page.gradio_internals.server import is_space
from segmentation.page.gradio_internals.startup import no_web_applications
from segmentation.page.header import footer, header
from segmentation.page.server.files.uploads import temporary_uploads_folder
from segmentation.page.server.http.login import credentials
from segmentation.page.server.launch import bypass_proxy_for_localhost, serve
from segmentation.page.server.limits.policy import PRIVATE_PAGE, PUBLIC_PAGE, PagePolicy
from segmentation.page.server.limits.queue_limits import enforce_policy
from segmentation.page.server.share_link import open_share_link
from segmentation.page.server.stop import stop_at_signals
from segmentation.page.strings import STRINGS
from segmentation.page.theme import appearance, restart_check

# Model folders that the operator put here are on the menu.
MODELS = Path(__file__).parent / "models"


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    parser = argparse.ArgumentParser(description="Koutu: cut objects out of photos, in the browser")
    add = parser.add_argument
    add(
        "--model",
        action="append",
        metavar="NAME",
        help="bundled name, model folder, or hf:OWNER/NAME[@REVISION]; may be given again, for the "
        "menu (default: those that KOUTU_MODELS names, else compact)",
    )
    add_engine_flags(add)
    add("--precision", help="of the artifact: fp32, int8, ... (default: the fastest for this CPU)")
    add("--threads", type=count, default=0, help="for onnxruntime and OpenCV (default: all)")
    # No defaults below: without a flag, Gradio's environment variables apply.
    add("--share", action="store_true", help="a public link for a week; implies --public")
    add("--share-server-address", metavar="HOST:PORT", help="a share server of your own")
    add("--public", action="store_true", help="tighter limits, for a page that anybody can open")
    add("--host", help="address to listen on (default: 127.0.0.1; 0.0.0.0 for the whole network)")
    add(
        "--port",
        type=int,
        help="port to listen on; 0 takes any free one (default: the first free one from 7860)",
    )
    add(
        "--auth",
        type=credentials,
        default=os.environ.get("KOUTU_AUTH"),
        metavar="USER:PASSWORD",
        help="ask visitors for this; @FILE reads it from a file, and KOUTU_AUTH names either",
    )
    return parser


@no_web_applications()
def build_ui(context: PageContext, policy: PagePolicy = PRIVATE_PAGE) -> gr.Blocks:
    """Build the page: header, tabs, footer, API, and the limits on visitors."""
    # Served as they are: copies in the cache would be deleted while the page is open.
    gr.set_static_paths([EXAMPLES])
    ui = gr.Blocks(title="Koutu 抠图", analytics_enabled=False, fill_width=True)
    drop_repeated_schemas(ui)
    with ui:
        top = header(context)
        batch_memory, compare_settings = BatchMemory(), compare_memory()
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap") as tabs:
            with gr.Tab(string("cut_out"), id=CUTOUT_TAB):
                cutout = cutout_tab(ui, context, top)
            with gr.Tab(string("compare")):
                compare_tab(ui, context, cutout, compare_settings)
            with gr.Tab(string("batch"), id=BATCH_TAB):
                batch_tab(ui, context, top, batch_memory, cutout, tabs)
        footer(context, top)
        restarted = gr.Checkbox(visible=False)
        ui.load(say_what_is_lost, [restarted, cutout.memory], None, js=restart_check(), **QUIET)
        publish_api(context)
    # A comparison does the work of as many calls as it may have settings.
    weights = dict.fromkeys(("compare_example", "compare_mine"), len(LETTERS))
    enforce_policy(ui, policy, weights)
    return ui


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the page until it is stopped. Returns 0 then, or 1 if it cannot start."""
    page_parser = parser()
    args = page_parser.parse_args(argv)
    args.engine = choose_engine(args, page_parser)
    limit_threads(args.threads)
    try:
        # A Space has no command line.
        names = args.model or os.environ.get("KOUTU_MODELS", "").split() or ["compact"]
        cards, missing = available_models(names, MODELS, args.engine, args.precision)
        for text in (*ignored_proxies(), *(error.text for error in missing)):
            _print(text)
        registry = ModelRegistry(cards, args.engine, args.precision, args.threads)
        if not missing:  # else another model takes the place, in a precision of its own
            registry.segmenter(precision=args.precision)
        # A chip takes seconds to start, and says how many photos fit on it at a time.
        if args.engine != "auto" or registry.has_chip():
            registry.segmenter().open()
        # Visitors read no path or repository of the operator's.
        notices = (STRINGS["model_missing"],) if missing else ()
        folder = Path(os.environ.get("GRADIO_TEMP_DIR") or gettempdir())
        with temporary_uploads_folder(folder) as uploads:
            os.environ["GRADIO_TEMP_DIR"] = str(uploads)
            keep_folders_below(uploads)
            try:
                return _serve_until_stopped(args, registry, notices, uploads)
            finally:
                registry.close()
    except KoutuError as error:
        print(f"{error.text.en}\n{error.text.zh}", file=sys.stderr)
        return 1


def policy_for(args: argparse.Namespace) -> PagePolicy:
    """Return the limits on visitors: the tighter ones wherever the page is public."""
    return PUBLIC_PAGE if args.public or wants_link(args) or is_space() else PRIVATE_PAGE


def wants_link(args: argparse.Namespace) -> bool:
    """Return whether a share server is asked for a link."""
    wanted = args.share or os.getenv("GRADIO_SHARE", "").lower() == "true"
    return wanted and not is_space()  # a Space is public without a link


def _serve_until_stopped(
    args: argparse.Namespace,
    registry: ModelRegistry,
    notices: tuple[Text, ...],
    uploads: Path,
) -> int:
    policy = policy_for(args)
    context = PageContext(registry, policy.limits, notices)
    ui = build_ui(context, policy)
    stop_at_signals(uploads)
    bypass_proxy_for_localhost(args.host or os.environ.get("GRADIO_SERVER_NAME"))
    address = serve(
        ui,
        policy,
        after_sweep=context.photos.drop_deleted,
        **appearance(),
        server_name=args.host,
        server_port=args.port,
        auth=args.auth,
    )
    try:
        print(f"Koutu 抠图: {address}", flush=True)
        if wants_link(args):
            # In a thread: the page works while the share server is slow.
            threading.Thread(
                target=lambda: _print(open_share_link(ui, args.share_server_address)), daemon=True
            ).start()
        ui.block_thread()
    except KeyboardInterrupt:  # it came before Gradio waited for it
        ui.close()
    return 0


def _print(text: Text) -> None:
    print(f"{text.en}\n{text.zh}", flush=True)


if __name__ == "__main__":
    # A terminal that cannot encode Chinese must not stop the page.
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main())
