"""Which of a model's data parallel copies answers a request."""

from __future__ import annotations

from contextlib import ExitStack

from hypothesis import given
from hypothesis import strategies as st

from racro_eval.data.images import BytesImage
from racro_eval.engines.vllm.replicas import Copies


def image(number: int) -> tuple[BytesImage, ...]:
    return (BytesImage(bytes([number])),)


def send(copies: Copies, *numbers: int) -> list[int | None]:
    """The copies that get requests over images of these numbers while all are in flight."""
    with ExitStack() as stack:
        return [stack.enter_context(copies.one_for(image(number))) for number in numbers]


def test_requests_over_the_same_images_go_to_the_same_copy() -> None:
    assert send(Copies(3, ahead=8), 1, 1, 2, 2, 3, 3, 4, 4) == [0, 0, 1, 1, 2, 2, 0, 0]


def test_all_images_of_a_request_count() -> None:
    copies = Copies(2, ahead=8)
    one, both = image(1), image(1) + image(2)
    with copies.one_for(both) as first, copies.one_for(one) as second:
        assert (first, second) == (0, 1)


def test_a_request_without_images_goes_anywhere_and_the_next_one_is_with_its_images_still() -> None:
    copies = Copies(2, ahead=8)
    with copies.one_for(image(1)) as first, copies.one_for(()) as other:
        assert (first, other) == (0, None)
        with copies.one_for(image(1)) as again:
            assert again == first


def test_what_is_finished_makes_room() -> None:
    copies = Copies(2, ahead=8)
    with copies.one_for(image(1)):
        assert send(copies, 2) == [1]
        assert send(copies, 3) == [1], "the first copy is busy, the second one free again"


def test_rows_that_all_show_one_image_keep_all_copies_busy() -> None:
    assert send(Copies(2, ahead=2), *[1] * 8) == [0, 0, 1, 1, 1, 1, 0, 0]


@given(
    numbers=st.lists(st.integers(0, 3), max_size=60),
    size=st.integers(1, 4),
    ahead=st.integers(1, 5),
)
def test_no_copy_is_ever_further_ahead_than_allowed(
    numbers: list[int], size: int, ahead: int
) -> None:
    got = send(Copies(size, ahead), *numbers)
    for end in range(len(got) + 1):
        counts = [got[:end].count(copy) for copy in range(size)]
        assert max(counts) - min(counts) <= ahead
