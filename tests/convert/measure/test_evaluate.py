import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.__main__ import main
from convert.measure.evaluate import points_on
from segmentation import Segmenter, find_model, make_alpha, read_photo, select
from tests.paths import EXAMPLES


@pytest.fixture
def data(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A photo, with what the model makes of an object as the truth, and one of no known subject."""
    name, object_ = getattr(request, "param", ("flower.jpg", "1"))
    example = EXAMPLES / name
    photo = read_photo(example)
    found, _ = Segmenter(find_model("compact")).segment(photo)
    truth = make_alpha(photo.rgb, found.mask_logits(select(found, object_))) > 127
    (tmp_path / "masks").mkdir()
    for stem in ("ours_flower", "ours_unknown"):
        (tmp_path / f"{stem}.jpg").write_bytes(example.read_bytes())
        cv2.imwrite(str(tmp_path / "masks" / f"{stem}.png"), truth.astype(np.uint8))
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("stem", "instance", "label"))
        rows.writerow(("ours_flower", 1, "salient"))
        rows.writerow(("ours_unknown", 1, "teapot"))
    return tmp_path


@pytest.mark.parametrize("data", [("two_dogs.jpg", "1")], indirect=True)
def test_a_row_for_each_source(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "compact", "--data", str(data), "--one-look"]) == 0
    row = capsys.readouterr().out.splitlines()[-1]
    name, count, *figures = (cell.strip() for cell in row.strip("|").split("|"))
    assert (name, count) == ("ours", "1")
    *figures, precision = figures
    overlap, boundary, max_f, weighted, error, largest, best, closer, click = map(float, figures)
    assert precision == "–", "salient is no label"
    assert min(overlap, boundary, max_f, best) > 0.99
    assert closer == best, "there is one look at either"
    assert click == best, "each click finds it"
    assert weighted > 0.95
    assert error < 0.01
    assert largest < overlap, "the largest object is another one"


def test_clicks_fall_on_the_thing_and_first_on_its_middle() -> None:
    bar = np.zeros((40, 90), bool)
    bar[10:31, 20:81] = True
    points = points_on(bar)
    assert len(points) == len({*points}) == 5
    assert points == points_on(bar), "the same every time"
    assert points[0][1] == 20
    assert 30 <= points[0][0] <= 70
    for x, y in points:
        assert 23 <= x <= 77
        assert 13 <= y <= 27
    dot = np.zeros((5, 5), bool)
    dot[4, 0] = True
    assert {*points_on(dot)} == {(0.0, 4.0)}


@pytest.mark.parametrize("data", [("two_dogs.jpg", "2")], indirect=True)
def test_the_nearest_object_alone_is_looked_at_more_closely(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "compact", "--data", str(data)]) == 0
    cells = capsys.readouterr().out.splitlines()[-1].split("|")
    overlap, best, closer = float(cells[3]), float(cells[9]), float(cells[10])
    assert best == 1, "the truth was made at one look"
    assert 0.8 < closer < 1, "two looks do not say quite the same"
    assert overlap < 0.8, "`auto` takes something else"


def test_rows_by_label_and_the_worst_to_look_at(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "worst.png"
    options = ["--by-label", "--worst", str(sheet)]
    assert main(["evaluate", "compact", "--data", str(data), *options]) == 0
    told = capsys.readouterr().out
    assert "| salient | 1 |" in told
    assert "worst: ours_flower" in told
    image = cv2.imread(str(sheet))
    assert image is not None
    assert image.shape == (320, 960, 3)


def test_instances_of_known_labels_are_counted(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "stem,instance,label\nours_flower,1,object\n"
    (data / "labels.csv").write_text(rows, "utf-8")
    evaluate = ["evaluate", "compact", "--data", str(data), "--one-look"]

    def measured() -> str:
        assert main(evaluate) == 0
        (row,) = (line for line in capsys.readouterr().out.splitlines() if "| ours |" in line)
        return row.split("|")[-2]

    alone = measured()
    assert 0.5 <= float(alone) <= 1, "the leaves come before or after it"
    (data / "labels.csv").write_text(rows + "ours_flower,2,object(crowd)\n", "utf-8")
    assert measured() == alone, "an empty crowd"
    # The leaves are a crowd: not one by one, so not wrong.
    mask = cv2.imread(str(data / "masks" / "ours_flower.png"), cv2.IMREAD_UNCHANGED)
    assert mask is not None
    mask[mask == 0] = 2
    cv2.imwrite(str(data / "masks" / "ours_flower.png"), mask)
    assert float(measured()) == 1


def test_what_is_found_in_photos_without_a_subject_counts_as_well(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate = ["evaluate", "compact", "--data", str(data), "--one-look"]
    head, flower = "stem,instance,label\n", "ours_flower,1,object\n"
    (data / "labels.csv").write_text(head + flower, "utf-8")
    assert main(evaluate) == 0
    alone = capsys.readouterr().out.splitlines()[-1]
    # The same photo where nothing known is labelled: each guess is as sure there, and wrong.
    (data / "labels.csv").write_text(f"{head}ours_unknown,1,teapot\n{flower}", "utf-8")
    assert main(evaluate) == 0
    both = capsys.readouterr().out.splitlines()
    assert "| ours | 1 |" in both[2]
    precisions = [float(line.split("object ")[1].split()[0]) for line in (alone, both[-1])]
    assert precisions[1] < precisions[0]


def test_another_programs_cut_outs_are_judged(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate = ["evaluate", "compact", "--data", str(data), "--alphas", str(tmp_path / "theirs")]
    assert main(evaluate) == 1
    assert "ours_flower.png cannot be read" in capsys.readouterr().err
    truth = cv2.imread(str(data / "masks" / "ours_flower.png"), cv2.IMREAD_UNCHANGED)
    assert truth is not None
    (tmp_path / "theirs").mkdir()
    cv2.imwrite(str(tmp_path / "theirs" / "ours_flower.png"), truth * 255)
    assert main(evaluate) == 0
    row = capsys.readouterr().out.splitlines()[-1]
    perfect = "| 1.0000 | 1.0000 | 1.0000 | 1.0000 | 0.0000 | – | – | – | – | – |"
    assert row == "| ours | 1 " + perfect
    cv2.imwrite(str(tmp_path / "theirs" / "ours_flower.png"), truth[1:] * 255)
    assert main(evaluate) == 1
    assert "not of its photo's size" in capsys.readouterr().err
