"""Registry of output sizes that have a name: for shops and for ID photos.

To add a size, add a row to `SIZE_PRESETS` and to the table in the page's README.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from segmentation.compositing.sizing.size import (
    DEFAULT_DPI,
    MILLIMETRES_PER_INCH,
    ExactSize,
    HeadPlacement,
)
from segmentation.errors import ChoiceError
from segmentation.i18n import Text, join_choices


@dataclass(frozen=True, slots=True)
class SizePreset:
    """An output size with a name.

    Attributes:
        name: key in `SIZE_PRESETS`, as command line and API take it.
        title: name as people know it.
        kind: what it is for.
        size: width, height and frame.
        dpi: dots per inch of the file; None keeps the photo's.
    """

    name: str
    title: Text
    kind: Literal["shop", "id"]
    size: ExactSize
    dpi: float | None = None

    @property
    def size_wh_mm(self) -> tuple[int, int] | None:
        """Width and height on paper, in whole millimetres; None without a resolution."""
        if self.dpi is None:
            return None
        height, width = (
            round(MILLIMETRES_PER_INCH * side / self.dpi) for side in self.size.size_hw
        )
        return width, height


def _shop(side: int) -> SizePreset:
    # Amazon asks for a product that fills 85 % of the picture and for a longest side of 1600 px
    # (https://sellercentral.amazon.com/help/hub/reference/G1881); Taobao's zoom starts at 800 px,
    # Shopify recommends 2048 px.
    title = Text(f"Shop, {side} px square", f"电商主图 {side}×{side}")
    return SizePreset(f"shop-{side}", title, "shop", ExactSize((side, side), margin=0.075))


def _id(
    name: str, title: Text, width: int, height: int, head: float = 0.6, top_margin: float = 0.1
) -> SizePreset:
    # Where a format does not say: a head of 60 % and a tenth of the height above it, as photo
    # studios do (HivisionIDPhotos: 10 to 12 % above the head).
    size = ExactSize((height, width), head=HeadPlacement(head, top_margin))
    return SizePreset(name, title, "id", size, DEFAULT_DPI)


SIZE_PRESETS: Mapping[str, SizePreset] = {
    preset.name: preset
    for preset in (
        _shop(1000),
        _shop(1600),
        _shop(2000),
        # Pixels at 300 dpi as in HivisionIDPhotos, demo/assets/size_list_CN.csv.
        _id("cn-1inch", Text("1 inch", "一寸"), 295, 413),
        _id("cn-2inch", Text("2 inch", "二寸"), 413, 626),
        _id("cn-small-1inch", Text("Small 1 inch", "小一寸"), 260, 378),
        _id("cn-small-2inch", Text("Small 2 inch", "小二寸"), 413, 531),
        _id("cn-large-1inch", Text("Large 1 inch", "大一寸"), 390, 567),
        # Head 32 to 36 mm of 45 mm (ICAO Doc 9303-3, and 70 to 80 % for Schengen visas).
        _id("visa-35x45", Text("Visa", "签证"), 413, 531, 33 / 45, 4 / 45),
        # Head 28 to 33 mm, 3 to 5 mm above it (visa photos of the Chinese embassies; for 28 to
        # 33 mm also http://english.nanjing.gov.cn/crj/zpbz/).
        _id(
            "cn-passport",
            Text("Chinese passport and visa", "中国护照、签证"),
            390,
            567,
            30 / 48,
            4 / 48,
        ),
        # Head 25 to 35 mm of 51 mm
        # (https://travel.state.gov/content/travel/en/passports/how-apply/photos.html), which puts
        # the eyes 28 to 35 mm above the lower edge.
        _id("us-2x2in", Text("US, 2 × 2 in", "美国 2×2 英寸"), 600, 600, 30 / 51, 5 / 51),
    )
}
ID_SIZES = tuple(preset.name for preset in SIZE_PRESETS.values() if preset.kind == "id")
SHOP_SIZES = tuple(preset.name for preset in SIZE_PRESETS.values() if preset.kind == "shop")
# Background colours of ID photos, by the names that people know.
ID_COLOURS: Mapping[str, Text] = {
    "#FFFFFF": Text("White", "白底"),
    "#438EDB": Text("Blue", "蓝底"),
    "#D9001B": Text("Red", "红底"),
}


def find_id_size(name: str) -> SizePreset:
    """Look up a size of ID photos by its name.

    Raises:
        ChoiceError: there is no size of this name.
    """
    if name in ID_SIZES:
        return SIZE_PRESETS[name]
    choices = join_choices(ID_SIZES)
    raise ChoiceError(
        f"There is no ID photo {name[:20]!r}. Choose {choices.en}.",
        f"没有证件照规格 {name[:20]!r}。可选 {choices.zh}。",
    )
