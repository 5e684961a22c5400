"""The texts of the page."""

from segmentation.image.formats import OUTPUT_FORMATS

from segmentation.compositing.backgrounds import BACKGROUNDS
from segmentation.page.batch_tab.batch import BATCH_RULES
from segmentation.page.components import I18N
from segmentation.page.options import FITS, FRAMES


def test_no_value_is_taken_for_a_mark() -> None:
    """Gradio's page translates every string that is a key, what a control stands at as well."""
    values = {*BACKGROUNDS, *FITS, *FRAMES, *BATCH_RULES, *OUTPUT_FORMATS}
    assert not values & I18N.translations["en"].keys()
