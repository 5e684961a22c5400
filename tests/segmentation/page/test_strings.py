"""The texts of the page."""

import base64
import re
import shutil
import threading
import zipfile
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pytest
from gradio.utils import get_upload_folder
from playwright.sync_api import Browser, Page, expect

from segmentation import Limits, Photo, Segmenter, find_model
from segmentation.compositing.backgrounds import BACKGROUNDS
from segmentation.cutout import Cutout
from segmentation.errors import StorageFull
from segmentation.image.formats import OUTPUT_FORMATS
from segmentation.page.batch_tab import tab
from segmentation.page.batch_tab.batch import BATCH_RULES
from segmentation.page.components import I18N, gallery
from segmentation.page.cutout_tab import photo_events, result_events
from segmentation.page.options import FITS, FRAMES
from segmentation.page.session import MIN_OFFERED_SCORE
from tests.paths import EXAMPLES, SCREENSHOTS
from tests.segmentation.page.browsing import (
    click_photo,
    decode,
    download,
    open_example,
    problems,
    redrawn,
    saved,
    text,
    upload_image,
)
from tests.segmentation.page.conftest import HeldInference
from tests.segmentation.page.serving import free_port, page_context, served_page
from tests.started import started
from tests.visitor import Visitor


def test_no_value_is_taken_for_a_mark() -> None:
    """Gradio's page translates every string that is a key, what a control stands at as well."""
    values = {*BACKGROUNDS, *FITS, *FRAMES, *BATCH_RULES, *OUTPUT_FORMATS}
    assert not values & I18N.translations["en"].keys()
