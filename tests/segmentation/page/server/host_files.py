"""Files of the host that no visitor may read, and paths that lead to them."""

from pathlib import Path

from tests.paths import EXAMPLES, ROOT

MARK = b"nobody-may-read-this"


def hostile_paths(secret: Path, folder: Path) -> list[str]:
    """Paths to files of the host.

    Args:
        secret: a file that contains `MARK`.
        folder: the folder for uploads.
    """
    card = ROOT / "segmentation/models/compact/card.json"
    up = "../" * 12
    return [
        "/etc/passwd",
        str(secret),
        str(card),
        f"{folder}/{up}{str(secret)[1:]}",
        f"{EXAMPLES}/../app.py",
        f"{EXAMPLES}/{up}etc/passwd",
        f"{folder}",
        f"file://{secret}",
        f"{secret}\0.png",
        "\\\\127.0.0.1\\share\\x.png",
    ]


def leaks(data: bytes) -> bool:
    """Whether an answer contains a piece of one of those files."""
    return any(piece in data for piece in (MARK, b"root:", b'"schema": 1', b"argparse"))
