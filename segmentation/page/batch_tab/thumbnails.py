"""Small pictures of cut-outs."""

from segmentation.arrays import UInt8
from segmentation.page.preview import on_checkerboard, reduce_image
from segmentation.page.server.files.downloads import store_image

# Longest side of a picture: about twice its side on the page, for dense screens.
THUMBNAIL_SIDE = 320


def store_thumbnail(image: UInt8) -> str:
    """Store a small picture of a cut-out.

    Args:
        image: uint8 (H, W, 4) with straight alpha, shown on a checkerboard, or (H, W, 3).

    Returns:
        Its path.

    Raises:
        StorageFull: there is no space for it.
    """
    return store_image("thumbnail", on_checkerboard(reduce_image(image, THUMBNAIL_SIDE)))
