"""Samples on disk are the samples that were stored."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from racro_eval.data.images import FileImage
from racro_eval.data.sample import Sample
from racro_eval.data.stored_samples import StoredSamples
from racro_eval.data.tsv import TsvImage
from racro_eval.demo.rows import DrawnImage
from racro_eval.errors import ConfigError, DataError

texts = st.text(st.characters(), max_size=20)  # unpaired surrogates too
numbers = st.integers(0, 2**40)
images = st.one_of(
    st.builds(FileImage, texts),
    st.builds(TsvImage, texts, numbers, numbers, numbers, numbers),
    st.builds(DrawnImage, numbers, numbers),
)
samples = st.builds(
    Sample,
    index=texts,
    question=texts,
    images=st.lists(images, max_size=3).map(tuple),
    options=st.dictionaries(texts, texts, max_size=3),
    answer=texts,
    meta=st.dictionaries(texts, texts, max_size=3),
    rule=st.none() | texts,
    scorer=st.none() | texts,
)
distinct = st.lists(samples, max_size=5, unique_by=lambda sample: sample.index)


@given(distinct)
def test_what_is_read_is_what_was_stored(given_: list[Sample]) -> None:
    stored, places = StoredSamples.write(given_, "here")
    assert list(stored) == given_
    assert list(places.items()) == [(sample.index, n) for n, sample in enumerate(given_)]


@given(distinct, st.slices(5), st.slices(5))
def test_slices_are_those_of_a_list(given_: list[Sample], first: slice, second: slice) -> None:
    stored, _ = StoredSamples.write(given_, "here")
    assert list(stored[first][second]) == given_[first][second]


def test_a_slice_outlives_what_it_was_cut_from() -> None:
    last = StoredSamples.write([Sample("1", "Q"), Sample("2", "R")], "here")[0][1:]
    assert list(last) == [Sample("2", "R")]


def test_two_samples_of_one_index_are_an_error() -> None:
    with pytest.raises(DataError, match=r"small\.tsv: duplicate index '1'"):
        StoredSamples.write([Sample("1", "Q"), Sample("1", "R")], "small.tsv")


def test_no_place_for_temporary_files_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(ConfigError, match=r"A temporary file cannot be written: .*TMPDIR"):
        StoredSamples.write([], "here")
