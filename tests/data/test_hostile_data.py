"""Every file of the table of hostile data is read, or refused in one sentence; none hangs."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import EpsImagePlugin, Image

from racro_eval import load_benchmark
from racro_eval.data import images, sources
from racro_eval.data.images import BytesImage, FileImage, decode
from racro_eval.data.references import MAX_IMAGES, References
from racro_eval.data.sources import locate
from racro_eval.data.spec import load_spec
from racro_eval.data.tsv import TsvImage
from racro_eval.errors import DataError, RacroError
from racro_eval.prompting import load_prompts
from racro_eval.settings import read_mapping
from racro_eval.stages.own_texts import FileTexts, read_predictions
from tests.support.benchmarks import base64_picture, make_tsv, picture, write_spec
from tests.support.hostile import STEERING
from tests.support.hostile_data import DATA_CASES, READS, SPECIAL_FILES, DataCase, outcome


def test_the_table_is_large_enough() -> None:
    assert len(DATA_CASES) >= 90
    assert len({case.name for case in DATA_CASES}) == len(DATA_CASES)


@pytest.mark.parametrize("case", DATA_CASES, ids=[case.name for case in DATA_CASES])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_file_is_read_or_refused_in_one_sentence(case: DataCase, tmp_path: Path) -> None:
    result = outcome(case, tmp_path)
    if case.expected == READS:
        assert result == READS, case.why
    else:
        assert case.expected in result, case.why
        assert result.endswith(".") and "\n" not in result


_READERS: dict[str, Callable[[Path], object]] = {
    "an image": lambda path: FileImage(str(path)).read(),
    "a TSV": lambda path: _load(path, {"kind": "tsv", "file": path.name}),
    "the TSV of an image": lambda path: TsvImage(str(path), 0, 10, 0, 0).read(),
    "JSON": lambda path: _load(path, {"kind": "json", "file": path.name, "images": "."}),
    "a TSV with a hash": lambda path: _load(
        path, {"kind": "tsv", "file": path.name, "md5": "0" * 32}
    ),
    "a benchmark": lambda path: load_spec(str(path)),
    "prompts": lambda path: load_prompts(str(path)),
    "a sweep": read_mapping,
    "captions": FileTexts.read,
    "predictions": read_predictions,
}


def _load(path: Path, source: dict[str, object]) -> object:
    spec = write_spec(path.parent / "Mine.yaml", source, 1)
    return list(load_benchmark(str(spec), data_root=path.parent, offline=True))


@pytest.mark.skipif(sys.platform != "linux", reason="sockets are named by way of /proc")
@pytest.mark.parametrize("kind", SPECIAL_FILES)
@pytest.mark.parametrize("reader", _READERS)
def test_only_regular_files_are_read(reader: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "special.yaml"
    SPECIAL_FILES[kind](path)
    with pytest.raises(RacroError, match=r"not a regular file") as caught:
        _READERS[reader](path)
    assert str(path) in str(caught.value)


class TestImages:
    def test_a_file_has_a_limit(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(images, "MAX_FILE_BYTES", 10)
        path = tmp_path / "x.png"
        path.write_bytes(b"0123456789")
        assert FileImage(str(path)).read() == b"0123456789"
        path.write_bytes(b"0123456789a")
        with pytest.raises(DataError, match=r"x\.png cannot be read: larger than 10 bytes"):
            FileImage(str(path)).read()

    def test_an_image_through_a_link_is_read(self, tmp_path: Path) -> None:
        (tmp_path / "blob").write_bytes(picture(1))
        (tmp_path / "x.png").symlink_to("blob")
        assert decode(FileImage(str(tmp_path / "x.png"))).size == (40, 30)

    def test_no_file_starts_ghostscript(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def started(*_: object, **__: object) -> None:
            raise AssertionError("Ghostscript was started")

        monkeypatch.setattr(EpsImagePlugin, "Ghostscript", started)
        buffer = io.BytesIO()
        Image.new("RGB", (4, 4)).save(buffer, "EPS")
        for data in (buffer.getvalue(), b"\n" + buffer.getvalue()):
            with pytest.raises(DataError, match="it is EPS, not PNG, JPEG, WEBP, GIF, BMP or TIFF"):
                decode(BytesImage(data, "x.png"))

    def test_the_first_picture_of_an_animation(self) -> None:
        buffer = io.BytesIO()
        red, blue = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
        red.save(buffer, "GIF", save_all=True, append_images=[blue])
        assert decode(BytesImage(buffer.getvalue())).getpixel((1, 1)) == (255, 0, 0)


class TestTsv:
    @pytest.mark.parametrize("odd", [odd for odd in STEERING.values() if odd != "\r"])
    def test_a_cell_and_its_image_stay_whole_beside_any_character(
        self, odd: str, tmp_path: Path
    ) -> None:
        """The image stands behind the odd character, which ends a line to `str.splitlines`."""
        odd = odd.replace("\0", "\ufffd").replace("\ud800", "\ufffd")  # as they are read
        rows = [{"index": "1", "question": f"a{odd}b", "image": base64_picture(1), "answer": "1"}]
        make_tsv(tmp_path / "small.tsv", rows)
        spec = write_spec(tmp_path / "S.yaml", {"kind": "tsv", "file": "small.tsv"}, 1)
        (sample,) = load_benchmark(str(spec), data_root=tmp_path, offline=True)
        assert sample.question.startswith(f"a{odd}b")
        assert sample.images[0].read() == picture(1)

    def test_rows_are_given_as_soon_as_their_images_are_known(self) -> None:
        image = BytesImage(b"x")
        rows = References("x.tsv")
        given = []
        for index, places in (("1", [image]), ("2", ["4"]), ("3", [image]), ("4", ["1", image])):
            rows.add(index, places, index)
            given.append([(row, len(images_)) for row, images_ in rows.ready()])
        rows.finish()
        assert given == [[("1", 1)], [], [], [("2", 2), ("3", 1), ("4", 2)]]

    def test_a_row_may_have_as_many_images_as_the_bound(self) -> None:
        rows = References("x.tsv")
        rows.add("1", [BytesImage(b"x")], None)
        rows.add("2", ["1"] * MAX_IMAGES, None)
        assert [len(images_) for _, images_ in rows.ready()] == [1, MAX_IMAGES]
        with pytest.raises(DataError, match="row 3: it has more than 1,000 images"):
            rows.add("3", ["1"] * (MAX_IMAGES + 1), None)

    @pytest.mark.parametrize("down", [True, False], ids=["down", "up"])
    def test_a_chain_of_100_000_rows(self, down: bool) -> None:
        count = 100_000
        rows = References("x.tsv")
        chain = [(str(number), [str(number + 1)]) for number in range(count)]
        chain.append((str(count), [BytesImage(b"x")]))  # type: ignore[list-item]
        for index, places in chain if down else chain[::-1]:
            rows.add(index, places, index)
        assert sum(len(images_) for _, images_ in rows.ready()) == count + 1
        rows.finish()


def test_a_download_stays_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A YAML from somebody else names the address and the file that it is written to."""
    monkeypatch.setattr(sources, "download", lambda *_: pytest.fail("it was fetched"))
    source = {"kind": "tsv", "file": "../../evil.tsv", "url": "http://127.0.0.1:9/evil.tsv"}
    spec = load_spec(str(write_spec(tmp_path / "S.yaml", source, 1)))
    with pytest.raises(DataError, match="leads out of"):
        locate(spec, tmp_path, offline=False)
