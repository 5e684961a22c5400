"""The border where a file becomes a photo; `encode` is the one where an image becomes a file."""

import io
import re
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageCms

from segmentation.arrays import UInt8
from segmentation.errors import PhotoError, PhotoTooLarge
from segmentation.i18n import Text
from segmentation.image.blend import Layer, over

# Decoders that take a stranger's bytes: photo formats only, nothing that runs another program.
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")
HEIF = "HEIF"
# Pillow's modes by the colour spaces of ICC profiles.
MODES = {"RGB": "RGB", "CMYK": "CMYK", "GRAY": "L"}
# What brings a photo upright, by its EXIF orientation (EXIF 2.32, tag 0x0112); 1 is upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
OUT_OF_MEMORY = Text(
    "This host has too little memory left for a photo this large. Save it smaller, or retry later.",
    "本机剩余内存不足以处理这么大的照片。请缩小照片，或稍后再试。",
)
# Scanners end at 9600; JPEG has 16 bits for it.
MOST_DPI = 65_535
FORMATS_FOR_PEOPLE = ("JPEG", "PNG", "WebP", "AVIF", "GIF", "BMP", "TIFF")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a photo may cost, checked on its header before any pixel is decoded.

    Attributes:
        megabytes: of the file.
        megapixels: width times height.
        longest_side: in pixels; OpenCV's geometric functions end at 32767.
        shortest_side: in pixels; below it there is nothing to cut out.
        frames: of an animation or a multi-page file.
        batch_photos: how many photos may come at once.
        batch_megabytes: of all their files together, and of the ZIP made of them.
    """

    megabytes: float = 50
    megapixels: float = 50
    longest_side: int = 30_000
    shortest_side: int = 16
    frames: int = 2_000
    batch_photos: int = 50
    batch_megabytes: float = 500


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A decoded photo.

    Attributes:
        rgb: uint8 (H, W, 3), upright, sRGB, not multiplied with alpha; white where that is 0.
        alpha: uint8 (H, W), the file's own transparency, or None if it has none.
        stem: a name for what is made of it, safe as part of a file name.
        notices: what a person should know about how the file was read.
        dpi_xy: dots per inch as the file has them, across and down the upright photo, if it does.
    """

    rgb: UInt8
    alpha: UInt8 | None
    stem: str
    notices: tuple[Text, ...]
    dpi_xy: tuple[float, float] | None = None

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.rgb.shape[:2]
        return height, width

    @property
    def on_white(self) -> UInt8:
        """uint8 (H, W, 3): how it looks where nothing else is behind it."""
        if self.alpha is None:
            return self.rgb
        return over(Layer(self.rgb, self.alpha), np.full_like(self.rgb, 255))


def read_photo(path: Path, limits: Limits | None = None) -> Photo:
    """Read a photo of any common format and mode as a camera's owner sees it.

    Args:
        path: the file; its name gives the photo's stem.
        limits: defaults to `Limits()`.

    Raises:
        PhotoError: it is missing, not a photo, damaged, or too small.
        PhotoTooLarge: it is beyond the limits; no pixel was decoded.
    """
    data = _read_bytes(path, limits := limits or Limits())
    with (
        _without_pillows_warnings(),
        _open(data) as image,
        translate_memory_errors(),
        _damage_explained(),
    ):
        _check(image, limits)
        frame_notices = _frame_notices(image)
        pillow_turns = _is_lying_tiff(image)
        upright, turn_notices = _upright(image)
        if upright.mode.startswith("I"):
            upright = _eight_bits(upright)
        dpi_xy = _dpi(image, turned=pillow_turns or upright.size != image.size)
        opaque, alpha = _split_alpha(upright)
        converted, colour_notices = _srgb(opaque)
        rgb = np.array(converted)
    if alpha is not None:
        rgb[alpha == 0] = 255
    notices = frame_notices + turn_notices + colour_notices
    return Photo(rgb, alpha, safe_stem(path.name), notices, dpi_xy)


def safe_stem(name: str) -> str:
    """The part of a file name before its ending, as letters, digits, - and _ of any script."""
    # Many scripts write vowels as marks (M), which Python's `re` takes for no letters; elsewhere
    # a mark belongs to a sign that is none, such as a heart.
    letters = unicodedata.normalize("NFC", Path(name).stem)
    kept = ""
    for letter in letters:
        belongs = unicodedata.category(letter)[0] == "M" and kept[-1:] not in ("", " ")
        kept += letter if belongs or re.match(r"[\w-]", letter) else " "
    stem = re.sub(" +", "_", kept)
    # File systems end names at 255 bytes, not letters, and some take é apart into two.
    return stem.strip("_").encode()[:200].decode(errors="ignore") or "photo"


def _read_bytes(path: Path, limits: Limits) -> bytes:
    most = int(limits.megabytes * 1e6)
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)  # a pipe has no size to ask for
    except FileNotFoundError as error:
        raise PhotoError(
            f"There is no file {path.name}. Check the path.",
            f"找不到文件 {path.name}，请检查路径。",
        ) from error
    except IsADirectoryError as error:
        raise PhotoError(
            f"{path.name} is a folder. Give the photos in it instead.",
            f"{path.name} 是文件夹。请给出其中的照片。",
        ) from error
    except (OSError, ValueError) as error:
        raise PhotoError(
            f"{path.name} cannot be read. Check its permissions.",
            f"无法读取 {path.name}，请检查文件权限。",
        ) from error
    if len(data) > most:
        raise PhotoTooLarge(
            f"The file has more than {limits.megabytes:g} MB. Save the photo smaller.",
            f"文件超过 {limits.megabytes:g} MB。请压缩后再试。",
        )
    if not data:
        raise PhotoError(
            "The file is empty. Choose the photo again.", "文件是空的，请重新选择照片。"
        )
    return data


@contextmanager
def translate_memory_errors() -> Iterator[None]:
    """Tell in a sentence that a photo is too large for what memory is left.

    Raises:
        PhotoTooLarge: for a `MemoryError`, and for OpenCV's form of it.
    """
    try:
        yield
    except MemoryError as error:
        raise PhotoTooLarge(OUT_OF_MEMORY.en, OUT_OF_MEMORY.zh) from error
    except cv2.error as error:
        if error.code != cv2.Error.StsNoMem:
            raise
        raise PhotoTooLarge(OUT_OF_MEMORY.en, OUT_OF_MEMORY.zh) from error


@contextmanager
def _without_pillows_warnings() -> Iterator[None]:
    """Keep remarks on odd metadata, meant for programmers, off a person's terminal."""
    with warnings.catch_warnings():
        # By module, since threads share the filters: one that outlives its photo does no harm.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


@contextmanager
def _damage_explained() -> Iterator[None]:
    try:
        yield
    except PhotoError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # what Pillow raises for damaged files shares no base class
        raise PhotoError(
            "The photo is damaged or was cut short. Copy or save it again, then retry.",
            "照片已损坏或不完整。请重新复制或另存后再试。",
        ) from error


def _open(data: bytes) -> Image.Image:
    reads_heif = _register_heif()
    try:
        formats = (*FORMATS, HEIF) if reads_heif else FORMATS
        return Image.open(io.BytesIO(data), formats=formats)
    except Image.DecompressionBombError as error:
        raise PhotoTooLarge(
            "The photo has far too many pixels. Save it smaller, then retry.",
            "照片像素过多。请缩小后再试。",
        ) from error
    except Exception as error:  # what Pillow raises for damaged files shares no base class
        raise _not_a_photo(data, reads_heif) from error


def _register_heif() -> bool:
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def _not_a_photo(data: bytes, reads_heif: bool) -> PhotoError:
    head = data[:1024].lstrip().lower()
    if (
        not reads_heif
        and data[4:8] == b"ftyp"
        and data[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"hevc")
    ):
        return PhotoError(
            "This host cannot read HEIC. Save the photo as JPEG, or run: pip install pillow-heif",
            "此服务器无法读取 HEIC。请把照片另存为 JPEG，或安装：pip install pillow-heif",
        )
    if b"<svg" in head:
        return PhotoError(
            "SVG is a drawing, not a photo. Export it as PNG, then retry.",
            "SVG 是矢量图，不是照片。请导出为 PNG 后再试。",
        )
    return PhotoError(
        f"This file is not a photo that can be read. Use {', '.join(FORMATS_FOR_PEOPLE)}.",
        f"无法识别为照片。请使用 {'、'.join(FORMATS_FOR_PEOPLE)}。",
    )


def _check(image: Image.Image, limits: Limits) -> None:
    width, height = image.size
    if max(width, height) > limits.longest_side:
        raise PhotoTooLarge(
            f"The photo has {width} x {height} pixels; the limit is {limits.longest_side} a side. "
            "Save it smaller, then retry.",
            f"照片为 {width} × {height} 像素，每边上限 {limits.longest_side} 像素。请缩小后再试。",
        )
    if width * height > limits.megapixels * 1e6:
        raise PhotoTooLarge(
            f"The photo has {width} x {height} pixels ({width * height / 1e6:.0f} MP); the limit "
            f"is {limits.megapixels:g} MP. Save it smaller, then retry.",
            f"照片为 {width} × {height} 像素（{width * height / 1e6:.0f} MP），"
            f"上限 {limits.megapixels:g} MP。请缩小后再试。",
        )
    if min(width, height) < limits.shortest_side:
        raise PhotoError(
            f"The photo has only {width} x {height} pixels. Use one of at least "
            f"{limits.shortest_side} pixels a side.",
            f"照片只有 {width} × {height} 像素。每边至少需要 {limits.shortest_side} 像素。",
        )
    if image.mode == "F":
        raise PhotoError(
            "The file holds floating-point values. Save it with 8 or 16 bits a channel.",
            "文件为浮点图像。请另存为每通道 8 位或 16 位。",
        )
    if _has_frame(image, limits.frames):
        raise PhotoTooLarge(
            f"The file has more than {limits.frames} frames. Save one of them as PNG.",
            f"文件超过 {limits.frames} 帧。请把其中一帧另存为 PNG。",
        )


def _has_frame(image: Image.Image, index: int) -> bool:
    """Whether a file has more than `index` frames, found without decoding one."""
    if image.format != "TIFF":
        return getattr(image, "n_frames", 1) > index
    # Pillow's time to count pages grows with their square; to seek one, with its index.
    try:
        image.seek(index)
    except EOFError:
        return False
    image.seek(0)
    return True


def _frame_notices(image: Image.Image) -> tuple[Text, ...]:
    # A phone's MPO holds a second view of the same photo, which nobody misses.
    if image.format != "MPO" and _has_frame(image, 1):
        return (
            Text(
                "The file has several frames; the first one is used.",
                "文件包含多帧，只使用第一帧。",
            ),
        )
    return ()


def _upright(image: Image.Image) -> tuple[Image.Image, tuple[Text, ...]]:
    """The image turned as its EXIF says; Pillow's own function rewrites the EXIF and can fail."""
    image.load()  # some formats have their EXIF behind the pixels
    try:
        turn = TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # as in _damage_explained, but the pixels are fine
        return image, (
            Text(
                "The photo's EXIF data is damaged; it may lie on its side.",
                "照片的 EXIF 信息已损坏，方向可能不对。",
            ),
        )
    return (image if turn is None else image.transpose(turn)), ()


def _is_lying_tiff(image: Image.Image) -> bool:
    """Whether Pillow will turn it by 90 degrees, and forget that it did, when it decodes it."""
    if image.format != "TIFF":
        return False
    try:
        return image.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
    except Exception:  # as in _upright, which says it
        return False


def _dpi(image: Image.Image, turned: bool) -> tuple[float, float] | None:
    """What the file says, where that can be true."""
    try:
        across, down = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    if not (1 <= across <= MOST_DPI and 1 <= down <= MOST_DPI):
        return None
    return (down, across) if turned else (across, down)


def _eight_bits(image: Image.Image) -> Image.Image:
    # Pillow would clip 16-bit grey at 255. "I" is its 32-bit form of the same files.
    values = np.clip(np.asarray(image, np.int32), 0, 65535)
    eight = Image.fromarray((values // 257).astype(np.uint8))
    eight.info = image.info  # its colour profile, among others
    return eight


def _split_alpha(image: Image.Image) -> tuple[Image.Image, UInt8 | None]:
    if not image.has_transparency_data:
        return image, None
    image = image.convert("RGBA")
    alpha = np.asarray(image.getchannel("A"))
    return image.convert("RGB"), alpha if alpha.min() < 255 else None


def _srgb(image: Image.Image) -> tuple[Image.Image, tuple[Text, ...]]:
    """The image in RGB, by its colour profile where that one is for its mode, with a notice."""
    profile_data = image.info.get("icc_profile")
    if image.mode not in ("CMYK", "L"):
        image = _rgb(image)
    if not profile_data:
        return _rgb(image), ()
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(profile_data))
        description = ImageCms.getProfileDescription(profile).lower()
        is_srgb = "srgb" in description and "linear" not in description
        # A profile of another colour space (a grey photo tagged RGB) does not apply to the values.
        if MODES.get(profile.profile.xcolor_space.strip()) == image.mode and not is_srgb:
            srgb = ImageCms.createProfile("sRGB")
            image = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB") or image
        return _rgb(image), ()
    except (ImageCms.PyCMSError, OSError, ValueError):
        return _rgb(image), (
            Text(
                "The photo's colour profile is damaged and was ignored.",
                "照片的颜色配置文件已损坏，已忽略。",
            ),
        )


def _rgb(image: Image.Image) -> Image.Image:
    # Pillow would copy even what is RGB already: 200 MB of a large photo.
    return image if image.mode == "RGB" else image.convert("RGB")
