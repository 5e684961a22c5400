"""The forms of multi-scale deformable attention (Zhu et al. 2021).

Every token samples, in every head, a few points of every level, and mixes the samples. All forms
compute the same numbers: bilinear sampling with zeros outside the maps. Run-times differ in the
operators that they have or compute fast.
"""

from collections.abc import Mapping

from convert.graph.sampling.base import Sampler
from convert.graph.sampling.deform_conv import sample_by_deform_conv
from convert.graph.sampling.gather import sample_by_gather
from convert.graph.sampling.grid_sample import sample_by_grid_sample

SAMPLERS: Mapping[str, Sampler] = {
    "deform-conv": sample_by_deform_conv,
    "grid-sample": sample_by_grid_sample,
    "gather": sample_by_gather,
}
