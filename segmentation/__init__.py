"""Koutu: photo in, found objects, clean cut-out out."""

from segmentation.backgrounds import (
    Background,
    Blurred,
    Colour,
    Gradient,
    Picture,
    Scene,
    Transparent,
    parse_colour,
)
from segmentation.choose import choose
from segmentation.closer import CloserLook, alpha_of, look_closer
from segmentation.compose import compose, composed_mask
from segmentation.each import cut_out_each, write_zip
from segmentation.effects import Effect, Effects, Outline, Shadow
from segmentation.encode import Format, encode
from segmentation.errors import (
    ChoiceError,
    EngineError,
    EngineUnavailable,
    InferenceFailed,
    KoutuError,
    ModelDamaged,
    ModelError,
    ModelNotFound,
    PhotoError,
    PhotoTooLarge,
)
from segmentation.frame import Crop
from segmentation.instances import Instance, Segmentation, find_instances
from segmentation.matte import Edge, foreground, make_alpha
from segmentation.models import ModelCard, find_model
from segmentation.photo import Limits, Photo, read_photo
from segmentation.preprocess import Geometry, prepare
from segmentation.segmenter import Segmenter, Timings
from segmentation.text import Language, Text

__all__ = [
    "Background",
    "Blurred",
    "ChoiceError",
    "CloserLook",
    "Colour",
    "Crop",
    "Edge",
    "Effect",
    "Effects",
    "EngineError",
    "EngineUnavailable",
    "Format",
    "Geometry",
    "Gradient",
    "InferenceFailed",
    "Instance",
    "KoutuError",
    "Language",
    "Limits",
    "ModelCard",
    "ModelDamaged",
    "ModelError",
    "ModelNotFound",
    "Outline",
    "Photo",
    "PhotoError",
    "PhotoTooLarge",
    "Picture",
    "Scene",
    "Segmentation",
    "Segmenter",
    "Shadow",
    "Text",
    "Timings",
    "Transparent",
    "alpha_of",
    "choose",
    "compose",
    "composed_mask",
    "cut_out_each",
    "encode",
    "find_instances",
    "find_model",
    "foreground",
    "look_closer",
    "make_alpha",
    "parse_colour",
    "prepare",
    "read_photo",
    "write_zip",
]
