"""Koutu: photo in, found objects, clean cut-out out."""

from segmentation.choose import choose
from segmentation.closer import CloserLook, alpha_of, look_closer
from segmentation.compose import (
    Background,
    Blurred,
    Colour,
    Picture,
    Transparent,
    compose,
    crop_to_subject,
    parse_colour,
)
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
from segmentation.instances import Instance, Segmentation, find_instances
from segmentation.matte import Edge, foreground, make_alpha
from segmentation.models import ModelCard, find_model
from segmentation.photo import Limits, Photo, encode, read_photo
from segmentation.preprocess import Geometry, prepare
from segmentation.segmenter import Segmenter, Timings
from segmentation.text import Language, Text

__all__ = [
    "Background",
    "Blurred",
    "ChoiceError",
    "CloserLook",
    "Colour",
    "Edge",
    "EngineError",
    "EngineUnavailable",
    "Geometry",
    "InferenceFailed",
    "Instance",
    "KoutuError",
    "Language",
    "Limits",
    "ModelCard",
    "ModelDamaged",
    "ModelError",
    "ModelNotFound",
    "Photo",
    "PhotoError",
    "PhotoTooLarge",
    "Picture",
    "Segmentation",
    "Segmenter",
    "Text",
    "Timings",
    "Transparent",
    "alpha_of",
    "choose",
    "compose",
    "crop_to_subject",
    "encode",
    "find_instances",
    "find_model",
    "foreground",
    "look_closer",
    "make_alpha",
    "parse_colour",
    "prepare",
    "read_photo",
]
