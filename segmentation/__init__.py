"""Koutu: find the objects in a photo and cut them out."""

from segmentation.compositing.backgrounds import (
    Background,
    Blurred,
    Colour,
    Gradient,
    Picture,
    Scene,
    Transparent,
    parse_colour,
)
from segmentation.compositing.compose import compose, composed_mask
from segmentation.compositing.crop import Crop
from segmentation.compositing.effects import Effect, Effects, Outline, Shadow
from segmentation.compositing.matting.alpha import Edge, make_alpha
from segmentation.compositing.matting.foreground import foreground
from segmentation.compositing.matting.stroke_masks import StrokeMask
from segmentation.compositing.sizing.size import ExactSize, LongestSide
from segmentation.compositing.strokes import Stroke
from segmentation.cutout import (
    Cutout,
    CutoutOptions,
    PhotoCutout,
    compute_alpha,
    cut_out,
    cut_out_each,
    cut_out_photo,
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
from segmentation.i18n import Language, Text
from segmentation.image.formats import Format
from segmentation.image.photo import Limits, Photo
from segmentation.image.read import read_photo
from segmentation.image.write import encode, write_zip
from segmentation.inference.postprocess import Instance, Segmentation, find_instances
from segmentation.inference.preprocess import Geometry, preprocess
from segmentation.inference.refine import Refinement, refine
from segmentation.inference.segment_box import segment_box
from segmentation.inference.segmenter import Segmenter, Timings
from segmentation.inference.select import select
from segmentation.model_card import ModelCard, find_model

__all__ = [
    "Background",
    "Blurred",
    "ChoiceError",
    "Colour",
    "Crop",
    "Cutout",
    "CutoutOptions",
    "Edge",
    "Effect",
    "Effects",
    "EngineError",
    "EngineUnavailable",
    "ExactSize",
    "Format",
    "Geometry",
    "Gradient",
    "InferenceFailed",
    "Instance",
    "KoutuError",
    "Language",
    "Limits",
    "LongestSide",
    "ModelCard",
    "ModelDamaged",
    "ModelError",
    "ModelNotFound",
    "Outline",
    "Photo",
    "PhotoCutout",
    "PhotoError",
    "PhotoTooLarge",
    "Picture",
    "Refinement",
    "Scene",
    "Segmentation",
    "Segmenter",
    "Shadow",
    "Stroke",
    "StrokeMask",
    "Text",
    "Timings",
    "Transparent",
    "compose",
    "composed_mask",
    "compute_alpha",
    "cut_out",
    "cut_out_each",
    "cut_out_photo",
    "encode",
    "find_instances",
    "find_model",
    "foreground",
    "make_alpha",
    "parse_colour",
    "preprocess",
    "read_photo",
    "refine",
    "segment_box",
    "select",
    "write_zip",
]
