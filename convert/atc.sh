#!/usr/bin/env bash
# Make one OM on a host without Python packages. It runs the same atc command as
#   python -m convert atc DIR --soc-version CHIP --size HxW --precision PRECISION
#
# Usage: atc.sh DIR CHIP HxW [mixed|cube|fp16|fp32]
#   DIR    model folder
#   CHIP   Ascend310P3, Ascend910B4, ...: `Ascend` and the Name that npu-smi info shows
#   HxW    input size, such as 512x768
#
# Environment:
#   GRAPH            file in DIR; default: model_HxW.onnx, or model.onnx if that does not exist; with
#                    BATCH, model_HxW_batchN.onnx or model_batchN.onnx
#   INPUT, LAYOUT    "name" and "layout" of "input" in DIR/card.json; default: image, NHWC
#   BATCH            photos that the OM takes at once, as in `export --batch`; default: 1
#
# First: source /usr/local/Ascend/ascend-toolkit/set_env.sh   (CANN 8.5+: /usr/local/Ascend/cann)
set -euo pipefail

if [ $# -lt 3 ]; then
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 2
fi
folder=$(cd "$1" && pwd)
soc=$2
size=$3
precision=${4:-mixed}
height=${size%x*}
width=${size#*x}
batch=${BATCH:-1}
if [ "$batch" = 1 ]; then photos=; else photos=_batch$batch; fi
graph=${GRAPH:-model_$size$photos.onnx}
if [ -z "${GRAPH:-}" ] && [ ! -f "$folder/$graph" ]; then graph=model$photos.onnx; fi
name="model_$(echo "$soc" | tr '[:upper:]' '[:lower:]')_${precision}_$size$photos"

case ${LAYOUT:-NHWC} in
    NHWC) format=ND dims="$batch,$height,$width,3" ;;
    NCHW) format=NCHW dims="$batch,3,$height,$width" ;;
    *) echo "LAYOUT must be NHWC or NCHW" >&2; exit 2 ;;
esac

case $precision in
    mixed) mode=--precision_mode=allow_fp32_to_fp16 ;;
    cube) mode=--precision_mode_v2=cube_fp16in_fp32out ;;
    fp16) mode=--precision_mode_v2=fp16 ;;
    fp32) mode=--precision_mode_v2=origin ;;
    *) echo "The precision must be mixed, cube, fp16 or fp32" >&2; exit 2 ;;
esac

# atc leaves kernels and caches in the folder where it runs, and refuses paths with a space.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
cp "$folder/$graph" .

atc --framework=5 \
    --model="$graph" \
    --output="$name" \
    --soc_version="$soc" \
    --input_format="$format" \
    --input_shape="${INPUT:-image}:$dims" \
    "$mode" \
    --log=error \
    --display_model_info=1

om="$folder/$name.om"
mv "$name.om" "$om"
cat <<END

Add this to "artifacts" in $folder/card.json:
  {"file": "$name.om", "format": "om", "precision": "$precision", "soc": "$soc",
   "sizes_hw": [[$height, $width]], "bytes": $(wc -c < "$om"),
   "sha256": "$(sha256sum < "$om" | cut -d ' ' -f 1)", "made_with": "atc", "batch": $batch}
END
