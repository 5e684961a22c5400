"""The evaluate command, with what the model itself finds as the truth."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.__main__ import main
from convert.measure.evaluate import COLUMNS
from segmentation import Segmenter, encode, find_model, make_alpha, read_photo, select
from tests.paths import EXAMPLES

pytestmark = pytest.mark.usefixtures("kept_engine")

# The scores depend on the photo's contents, not on its size.
LONGEST_SIDE = 640
HEAD = "stem,instance,label\n"


def _write_data(folder: Path, example: str, objects: str) -> None:
    """A photo with a subject, whose truth is an object that the model finds, and one without."""
    rgb = read_photo(EXAMPLES / example).rgb
    scale = LONGEST_SIDE / max(rgb.shape[:2])
    rgb = np.asarray(cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    data = encode(rgb, "jpeg")
    for stem in ("ours_photo", "ours_unknown"):
        (folder / f"{stem}.jpg").write_bytes(data)
    photo = read_photo(folder / "ours_photo.jpg")
    segmentation, _ = Segmenter(find_model("compact")).segment(photo)
    logits = segmentation.mask_logits(select(segmentation, objects))
    truth = make_alpha(photo.rgb, logits) > 127
    (folder / "masks").mkdir()
    for stem in ("ours_photo", "ours_unknown"):
        cv2.imwrite(str(folder / "masks" / f"{stem}.png"), truth.astype(np.uint8))
    with (folder / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("stem", "instance", "label"))
        rows.writerow(("ours_photo", 1, "salient"))
        rows.writerow(("ours_unknown", 1, "teapot"))


@pytest.fixture(scope="module")
def flower(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data whose subject is the flower; not to be changed."""
    folder = tmp_path_factory.mktemp("flower")
    _write_data(folder, "flower.jpg", "1")
    return folder


@pytest.fixture
def flower_copy(flower: Path, tmp_path: Path) -> Path:
    return shutil.copytree(flower, tmp_path / "flower")


@pytest.fixture
def two_dogs(tmp_path: Path) -> Callable[[str], Path]:
    """Data whose subject is one of the two dogs."""

    def write(objects: str) -> Path:
        _write_data(tmp_path, "two_dogs.jpg", objects)
        return tmp_path

    return write


def row_cells(printed: str, photos: str = "ours") -> dict[str, str]:
    """Return the cells of the row of some photos by the name of their column."""
    (row,) = (line for line in printed.splitlines() if line.startswith(f"| {photos} |"))
    cells = (cell.strip() for cell in row.strip("|").split("|"))
    return dict(zip(("photos", "n", *COLUMNS), cells, strict=True))


def test_a_source_has_a_row_of_figures(
    two_dogs: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "compact", "--data", str(two_dogs("1")), "--one-look"]) == 0
    printed = capsys.readouterr().out
    cells = row_cells(printed)
    assert (cells["photos"], cells["n"]) == ("ours", "1")
    assert cells["AP50"] == "–", "salient is no label of the model"
    best = cells["best"]
    assert min(map(float, (cells["IoU"], cells["boundary F"], cells["max F"], best))) > 0.99
    assert cells["union"] == best, "no other object belongs to the subject"
    assert cells["closer"] == best, "both use one look"
    assert cells["click"] == best, "each click finds the subject"
    assert f"click of ours by label (clicks): salient {float(best):.3f} (5)" in printed
    assert "crowds" not in printed
    assert min(float(cells["weighted F"]), float(cells["S"])) > 0.95
    assert float(cells["MAE"]) < 0.01
    assert float(cells["largest"]) < float(cells["IoU"]), "the largest object is another one"


def test_only_the_best_instance_is_looked_at_more_closely(
    two_dogs: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "compact", "--data", str(two_dogs("2"))]) == 0
    cells = row_cells(capsys.readouterr().out)
    assert float(cells["best"]) == 1, "the truth is from one look"
    assert 0.8 < float(cells["closer"]) < 1, "two looks differ a little"
    assert float(cells["IoU"]) < 0.8, "`auto` selects something else"


def test_rows_by_label_and_a_picture_of_the_worst(
    flower: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "worst.png"
    options = ["--by-label", "--worst", str(picture)]
    assert main(["evaluate", "compact", "--data", str(flower), *options]) == 0
    printed = capsys.readouterr().out
    assert "| salient | 1 |" in printed
    assert "worst: ours_photo" in printed
    image = cv2.imread(str(picture))
    assert image is not None
    assert image.shape == (320, 960, 3)


def test_instances_of_known_labels_have_an_average_precision(
    flower_copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = f"{HEAD}ours_photo,1,object\n"
    (flower_copy / "labels.csv").write_text(rows, "utf-8")

    def printed() -> str:
        assert main(["evaluate", "compact", "--data", str(flower_copy), "--one-look"]) == 0
        return capsys.readouterr().out

    alone = row_cells(printed())["AP50"]
    assert 0.5 <= float(alone) <= 1, "the leaves come before or after the flower"
    (flower_copy / "labels.csv").write_text(f"{rows}ours_photo,2,object(crowd)\n", "utf-8")
    with_crowd = printed()
    assert row_cells(with_crowd)["AP50"] == alone, "an empty crowd changes nothing"
    assert row_cells(with_crowd, "ours, crowds")["n"] == "1"
    # The leaves are a crowd, in which a detection is not wrong.
    path = str(flower_copy / "masks" / "ours_photo.png")
    mask = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    assert mask is not None
    mask[mask == 0] = 2
    cv2.imwrite(path, mask)
    assert float(row_cells(printed())["AP50"]) == 1


def test_detections_in_photos_without_a_subject_count_as_well(
    flower_copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate = ["evaluate", "compact", "--data", str(flower_copy), "--one-look"]
    subject = "ours_photo,1,object\n"
    (flower_copy / "labels.csv").write_text(HEAD + subject, "utf-8")
    assert main(evaluate) == 0
    alone = capsys.readouterr().out.splitlines()[-1]
    # The same photo without a known label: each detection has the same score there, and is wrong.
    (flower_copy / "labels.csv").write_text(f"{HEAD}ours_unknown,1,teapot\n{subject}", "utf-8")
    assert main(evaluate) == 0
    both = capsys.readouterr().out.splitlines()
    assert "| ours | 1 |" in both[2]
    precisions = [float(line.split("object ")[1].split()[0]) for line in (alone, both[-1])]
    assert precisions[1] < precisions[0]


def test_cut_outs_of_another_program_are_scored(
    flower: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alphas = tmp_path / "alphas"
    evaluate = ["evaluate", "compact", "--data", str(flower), "--alphas", str(alphas)]
    assert main(evaluate) == 1
    assert "ours_photo.png cannot be read" in capsys.readouterr().err
    truth = cv2.imread(str(flower / "masks" / "ours_photo.png"), cv2.IMREAD_UNCHANGED)
    assert truth is not None
    alphas.mkdir()
    cv2.imwrite(str(alphas / "ours_photo.png"), truth * 255)
    assert main(evaluate) == 0
    cells = row_cells(capsys.readouterr().out)
    for name in ("IoU", "boundary F", "max F", "weighted F", "S"):
        assert cells[name] == "1.0000", name
    assert cells["MAE"] == "0.0000"
    for name in ("largest", "best", "union", "closer", "click", "AP50"):
        assert cells[name] == "–", name
    cv2.imwrite(str(alphas / "ours_photo.png"), truth[1:] * 255)
    assert main(evaluate) == 1
    assert "does not have the size of its photo" in capsys.readouterr().err
