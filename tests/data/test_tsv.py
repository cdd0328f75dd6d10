"""VLMEvalKit's TSV: images in cells, references to other rows, files beside it, any size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from racro_eval import load_benchmark
from racro_eval.data import Benchmark
from racro_eval.errors import DataError
from tests.support.benchmarks import base64_picture, make_tsv, picture, write_spec

SOURCE: dict[str, object] = {"kind": "tsv", "file": "small.tsv"}


def load(tmp_path: Path, table: list[dict[str, str]], **source: object) -> Benchmark:
    rows = [{"question": "Q", "answer": "1", **row} for row in table]
    make_tsv(tmp_path / "small.tsv", rows)
    path = write_spec(tmp_path / "Small.yaml", {**SOURCE, **source}, len(rows))
    return load_benchmark(str(path), data_root=tmp_path, offline=True)


def images(benchmark: Benchmark) -> dict[str, list[bytes]]:
    return {sample.index: [image.read() for image in sample.images] for sample in benchmark}


def test_a_cell_of_up_to_64_characters_refers_to_the_row_of_that_index(tmp_path: Path) -> None:
    long = "i" * 64
    table = [
        {"index": "1", "image": long},
        {"index": long, "image": base64_picture(7)},
        {"index": "3", "image": "1"},
        {"index": "4", "image": f"['{long}', '3']"},
    ]
    seven = picture(7)
    assert images(load(tmp_path, table)) == {
        "1": [seven],
        long: [seven],
        "3": [seven],
        "4": [seven, seven],
    }


def test_rows_keep_their_order_while_one_waits_for_an_image_further_down(tmp_path: Path) -> None:
    table = [
        {"index": "1", "image": "3"},
        {"index": "2", "image": base64_picture(2)},
        {"index": "3", "image": base64_picture(3)},
        {"index": "4", "image": ""},
    ]
    loaded = images(load(tmp_path, table))
    assert list(loaded.items()) == [
        ("1", [picture(3)]),
        ("2", [picture(2)]),
        ("3", [picture(3)]),
        ("4", []),
    ]


@pytest.mark.parametrize(
    ("table", "row", "absent"),
    [
        ([("1", "7"), ("2", "1")], "1", "7"),
        ([("1", "2"), ("2", "9")], "1", "9"),
        ([("1", ""), ("2", "1"), ("3", "['1', '8']")], "3", "8"),
    ],
    ids=["itself", "by way of another row", "in a list"],
)
def test_a_reference_to_no_row_is_an_error(
    tmp_path: Path, table: list[tuple[str, str]], row: str, absent: str
) -> None:
    cells = [{"index": index, "image": image} for index, image in table]
    with pytest.raises(DataError, match=f"row {row}: there is no row '{absent}' to take an image"):
        load(tmp_path, cells)


def test_references_in_a_circle_are_an_error(tmp_path: Path) -> None:
    table = [{"index": "1", "image": "2"}, {"index": "2", "image": "1"}]
    with pytest.raises(DataError, match="row 1: its image refers back to row '1'"):
        load(tmp_path, table)


def test_rows_without_any_image_are_kept_as_text_only_questions(tmp_path: Path) -> None:
    table = [{"index": "1", "image": ""}, {"index": "2", "image": base64_picture(2)}]
    assert images(load(tmp_path, table)) == {"1": [], "2": [picture(2)]}


def test_small_placeholders_are_no_images(tmp_path: Path) -> None:
    """OlympiadBench's TSV gives rows without a picture a tiny one."""
    small, large = base64_picture(1, (1, 1)), base64_picture(2, (400, 300))
    table = [{"index": "1", "image": small}, {"index": "2", "image": f"['{small}', '{large}']"}]
    read = images(load(tmp_path, table, placeholder=len(small)))
    assert read == {"1": [], "2": [picture(2, (400, 300))]}


@pytest.mark.parametrize("folder", [None, "pictures"])
def test_image_path_names_files_where_there_is_no_image_in_the_row(
    tmp_path: Path, folder: str | None
) -> None:
    place = tmp_path / (folder or ".")
    place.mkdir(exist_ok=True)
    for number in (1, 2):
        (place / f"{number}.png").write_bytes(picture(number))
    table = [
        {"index": "1", "image": "", "image_path": "1.png"},
        {"index": "2", "image": "", "image_path": "['2.png', '1.png']"},
        {"index": "3", "image": base64_picture(3), "image_path": "1.png"},
    ]
    read = images(load(tmp_path, table, images=folder))
    assert read == {"1": [picture(1)], "2": [picture(2), picture(1)], "3": [picture(3)]}


def test_the_image_column_may_be_absent_if_there_are_paths(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(picture(1))
    table = [{"index": "1", "image_path": "1.png"}]
    assert images(load(tmp_path, table)) == {"1": [picture(1)]}
    with pytest.raises(DataError, match="has no column 'image'"):
        load(tmp_path, [{"index": "1"}])


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../../secret.png", "up and away"),
        ("/etc/hostname", "from the root"),
        ("../pictures.secret/1.png", "a folder whose name begins alike"),
        ("link/../../secret.png", "by way of a link"),
        (".", "the folder itself"),
    ],
)
def test_image_paths_stay_in_their_folder(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "link").symlink_to(tmp_path)
    with pytest.raises(DataError, match="leads out of"):
        load(tmp_path, [{"index": "1", "image_path": name}], images="pictures")


def test_what_is_linked_in_the_folder_is_in_it(tmp_path: Path) -> None:
    """A hub's cache is a folder of links; `..` after a link is the folder that the text names."""
    blobs, pictures = tmp_path / "blobs", tmp_path / "pictures"
    for number, folder in enumerate((blobs, pictures, blobs / "deep"), start=1):
        folder.mkdir()
        (folder / f"{number}.png").write_bytes(picture(number))
    (pictures / "1.png").symlink_to(blobs / "1.png")
    (pictures / "link").symlink_to(blobs / "deep")
    table = [{"index": "a", "image_path": "1.png"}, {"index": "b", "image_path": "link/../2.png"}]
    read = images(load(tmp_path, table, images="pictures"))
    assert read == {"a": [picture(1)], "b": [picture(2)]}


def test_a_name_that_no_file_can_have_is_an_error_of_its_row(tmp_path: Path) -> None:
    (sample,) = load(tmp_path, [{"index": "1", "image_path": "a\0b.png"}])
    with pytest.raises(DataError, match="cannot be read: embedded null"):
        sample.images[0].read()


def test_image_paths_that_are_no_list(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a list of files"):
        load(tmp_path, [{"index": "1", "image_path": "['1.png'"}])


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("['a'", "a list that does not end"),
        ("[" * 3000 + "]" * 3000, "deeper than any parser goes"),
        ("[__import__('os').system('true')]", "code"),
    ],
)
def test_hostile_image_lists_are_an_error_and_are_never_run(
    tmp_path: Path, cell: str, why: str
) -> None:
    with pytest.raises(DataError, match=r"row 1: its list of images is not readable"):
        load(tmp_path, [{"index": "1", "image": cell}])


def test_line_ends_and_odd_characters_in_cells_stay(tmp_path: Path) -> None:
    text = "one\r\ntwo\n\x0crac{36}{13} 118掳T <image 2> <image 1>"
    sample = load(tmp_path, [{"index": "1", "image": "", "question": text}])["1"]
    assert sample.question.startswith(text + "\nPlease")


_READER = """
import re, sys
from racro_eval import load_benchmark
benchmark = load_benchmark(sys.argv[1], data_root=sys.argv[2], offline=True)
for sample in benchmark.select(limit=3):
    assert len(sample.images[0].read()) > 700_000
status = open("/proc/self/status").read()  # getrusage would count the parent's memory too
print(len(benchmark), int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """1 GB of rows is read within 300 MB, by a process of its own."""
    data = tmp_path / "small.tsv"
    cell = b"A" * (1 << 20)
    with data.open("wb") as file:
        file.write(b"index\timage\tquestion\tanswer\n")
        for number in range(1024):
            file.write(b"%d\t%b\tQ\t1\n" % (number, cell))
    path = write_spec(tmp_path / "Small.yaml", SOURCE, 1024)
    try:
        done = subprocess.run(
            [sys.executable, "-c", _READER, str(path), str(tmp_path)],
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        data.unlink()
    rows, megabytes = map(int, done.stdout.split())
    assert rows == 1024
    assert megabytes < 300
