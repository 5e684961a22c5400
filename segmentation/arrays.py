"""Type aliases for arrays, sizes and boxes; a name ends with the order of its numbers."""

import numpy as np
import numpy.typing as npt

UInt8 = npt.NDArray[np.uint8]
Float16 = npt.NDArray[np.float16]
Float32 = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]

# Height and width, in pixels or cells.
SizeHW = tuple[int, int]
# Left, top, right and bottom; right and bottom are exclusive.
BoxXYXY = tuple[int, int, int, int]
# A point or a box as shares of a picture's width and height. What reaches beyond the picture is
# outside of 0..1.
PointShare = tuple[float, float]
BoxShare = tuple[float, float, float, float]
