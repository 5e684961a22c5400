"""What a visitor waits for, measured without a server."""

from convert.measure.speed.page_waits import open_page
from segmentation import find_model, read_photo
from segmentation.compositing.strokes import Stroke
from tests.paths import EXAMPLES
from tests.segmentation.page.serving import in_event_loop


def test_each_action_shows_another_result() -> None:
    photo = read_photo(EXAMPLES / "flower.jpg")

    def results() -> list[dict[str, object]]:
        with open_page(find_model("compact"), photo, Stroke("keep", 0.02, ((0.5, 0.5),))) as page:
            return [action() for action in page.values()]  # type: ignore[misc]

    for updates in in_event_loop(results):
        assert any("_preview" in str(value) for value in updates.values())
