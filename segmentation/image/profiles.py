"""Makes ICC profiles of colour spaces that a file names by numbers instead of a profile."""

import struct
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
# The chromaticities of red, green, blue and white, each x and y.
Primaries = tuple[float, ...]

D50 = np.array((0.9642, 1.0, 0.8249))
D65 = (0.3127, 0.3290)
# Bradford's cone responses (ICC.1:2022, annex E).
BRADFORD = np.array(
    ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
)
SRGB_PRIMARIES: Primaries = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *D65)
# ColourPrimaries of ITU-T H.273, table 2.
PRIMARIES: Mapping[int, Primaries] = {
    1: SRGB_PRIMARIES,
    4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, 0.310, 0.316),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *D65),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *D65),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *D65),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *D65),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *D65),
    22: (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *D65),
}
PQ, HLG = 16, 18
VIDEO = (1, 6, 14, 15)
SRGB_TRANSFER = 13
# In cd/m2: the peak of HDR that is kept, and what becomes white, as measured in Chromium.
HDR_PEAK, HDR_WHITE = 1000, 412
# From this share of white on, brighter values are compressed.
KNEE = 0.5


def gamma_curve(exponent: float) -> Callable[[Values], Values]:
    """Return the function from stored to linear values, 0..1, of a power."""
    return lambda values: values**exponent


def _srgb(values: Values) -> Values:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _pq(values: Values) -> Values:
    # ITU-R BT.2100, table 4.
    root = values ** (1 / 78.84375)
    light = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
    return _compress(10_000 * light ** (1 / 0.1593017578125))


def _hlg(values: Values) -> Values:
    # ITU-R BT.2100, table 5, with the system's gamma of 1.2 at its nominal peak.
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)
    return _compress(HDR_PEAK * scene**1.2)


def _compress(luminance: Values) -> Values:
    """Bring cd/m2 into 0..1: in proportion up to the knee, then with a slope that falls to 0."""
    white, peak = luminance / HDR_WHITE, HDR_PEAK / HDR_WHITE
    above = np.clip((white - KNEE) / (peak - KNEE), 0, 1)
    exponent = (peak - KNEE) / (1 - KNEE)
    return np.where(white <= KNEE, white, KNEE + (1 - KNEE) * (1 - (1 - above) ** exponent))


# TransferCharacteristics of ITU-T H.273, table 3; those of video stand for its reference display.
CURVES: Mapping[int, Callable[[Values], Values]] = {
    **dict.fromkeys(VIDEO, gamma_curve(2.4)),
    4: gamma_curve(2.2),
    5: gamma_curve(2.8),
    8: gamma_curve(1.0),
    SRGB_TRANSFER: _srgb,
    PQ: _pq,
    HLG: _hlg,
}


def cicp_profile(primaries: int, transfer: int) -> bytes | None:
    """Make the ICC profile of two CICP numbers; None if one of them is unknown."""
    if primaries not in PRIMARIES or transfer not in CURVES:
        return None
    return rgb_profile(PRIMARIES[primaries], CURVES[transfer])


def rgb_profile(primaries: Primaries, curve: Callable[[Values], Values]) -> bytes | None:
    """Make the ICC profile of an RGB colour space.

    Args:
        primaries: of red, green, blue and white.
        curve: from stored to linear values; these are clipped at 1.

    Returns:
        A version 2 display profile, or None if the primaries span no colours.
    """
    x, y = np.array(primaries, np.float64).reshape(4, 2).T
    if (y <= 0).any() or (x < 0).any() or (x + y > 1.5).any():
        return None
    xyz = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    colorants, white = xyz[:, :3], xyz[:, 3]
    if abs(np.linalg.det(colorants)) < 1e-3:
        return None
    colorants = colorants * np.linalg.solve(colorants, white)
    scale = (BRADFORD @ D50) / (BRADFORD @ white)
    red, green, blue = (np.linalg.solve(BRADFORD, scale[:, None] * (BRADFORD @ colorants))).T
    samples = np.clip(curve(np.linspace(0, 1, 4096)), 0, 1)
    trc = b"curv\0\0\0\0" + struct.pack(">I", len(samples))
    trc += np.rint(samples * 65535).astype(">u2").tobytes()
    if max(np.abs(colorant).max() for colorant in (red, green, blue)) > 100:
        return None
    tags = {b"rXYZ": _xyz(red), b"gXYZ": _xyz(green), b"bXYZ": _xyz(blue), b"wtpt": _xyz(D50)}
    return _assemble(tags, trc)


def _xyz(values: Values) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *np.rint(values * 65536).astype(int).tolist())


def _assemble(tags: dict[bytes, bytes], trc: bytes) -> bytes:
    """Put tags and one curve for all channels into a profile (ICC.1:2001-04)."""
    name = b"desc\0\0\0\0" + struct.pack(">I", 2) + b"x\0" + bytes(80)
    tags = {b"desc": name, b"cprt": b"text\0\0\0\0none\0\0\0\0", **tags}
    shared = (b"rTRC", b"gTRC", b"bTRC")
    offset = 132 + 12 * (len(tags) + len(shared))
    table, body = struct.pack(">I", len(tags) + len(shared)), b""
    for tag, contents in tags.items():
        table += struct.pack(">4sII", tag, offset + len(body), len(contents))
        body += contents + bytes(-len(contents) % 4)
    for tag in shared:
        table += struct.pack(">4sII", tag, offset + len(body), len(trc))
    body += trc
    head = b"lcms" + struct.pack(">I", 0x02400000) + b"mntrRGB XYZ " + bytes(12) + b"acsp"
    head += bytes(28) + struct.pack(">3i", *np.rint(D50 * 65536).astype(int).tolist()) + bytes(48)
    return struct.pack(">I", 4 + len(head) + len(table) + len(body)) + head + table + body
