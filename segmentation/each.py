"""Every chosen object as a file of its own, and all of them in one ZIP."""

import zipfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from segmentation.compositing.crop import Crop
from segmentation.compositing.effects import Effects
from segmentation.compositing.matting import Edge
from segmentation.cutout import compute_alpha
from segmentation.image.photo import Photo, safe_stem
from segmentation.inference.postprocess import Instance, Segmentation
from segmentation.inference.refine import Refinement
from segmentation.recipe import Recipe, make_file


def object_name(stem: str, instance: Instance, ending: str = ".png") -> str:
    """The file name of one object: <stem>_<id>_<label>.png, the label in English."""
    return f"{stem}_{instance.id}_{safe_stem(instance.label.en)}{ending}"


def cut_out_each(
    photo: Photo,
    segmentation: Segmentation,
    ids: Collection[int],
    look: Refinement | None = None,
    edge: Edge | None = None,
    effects: Effects = (),
    crop: Crop | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Name and PNG of each chosen object alone on a transparent background, one at a time.

    Args:
        photo: where they are.
        segmentation: what was found in it.
        ids: of the objects.
        look: a closer look, which counts for an object it was at alone.
        edge: how edges are wanted, see `compute_alpha`.
        effects: see `compose`.
        crop: see `compose`; without it all files have the photo's size and lie on each other.
    """
    recipe = Recipe(edge or Edge(), effects=effects, crop=crop)
    for instance in segmentation.instances:
        if instance.id in ids:
            alpha = compute_alpha(photo, segmentation, [instance.id], look, recipe.edge)
            yield object_name(photo.stem, instance), make_file(photo, alpha, recipe)


def write_zip(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Add files, such as those of `cut_out_each`, to a ZIP, which is made if there is none.

    Only one is held at a time. They are stored as they are, since PNG is compressed; without dates,
    so that the same cut-outs give the same bytes.
    """
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name), data)
