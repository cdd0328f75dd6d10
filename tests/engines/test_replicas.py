"""Which of a model's data-parallel replicas answers a request."""

from __future__ import annotations

from contextlib import ExitStack

from hypothesis import given
from hypothesis import strategies as st

from racro_eval.data.images import BytesImage
from racro_eval.engines.vllm.replicas import Replicas


def image(number: int) -> tuple[BytesImage, ...]:
    return (BytesImage(bytes([number])),)


def ranks(replicas: Replicas, *numbers: int) -> list[int | None]:
    """The ranks for requests with images of these numbers while all are in flight."""
    with ExitStack() as stack:
        return [stack.enter_context(replicas.assigned_rank(image(number))) for number in numbers]


def test_requests_with_the_same_images_go_to_the_same_replica() -> None:
    assert ranks(Replicas(3, max_lead=8), 1, 1, 2, 2, 3, 3, 4, 4) == [0, 0, 1, 1, 2, 2, 0, 0]


def test_all_images_of_a_request_count() -> None:
    replicas = Replicas(2, max_lead=8)
    first, both = image(1), image(1) + image(2)
    with replicas.assigned_rank(both) as of_both, replicas.assigned_rank(first) as of_first:
        assert (of_both, of_first) == (0, 1)


def test_a_request_without_images_may_go_anywhere_and_does_not_count() -> None:
    replicas = Replicas(2, max_lead=8)
    with replicas.assigned_rank(image(1)) as first, replicas.assigned_rank(()) as without:
        assert (first, without) == (0, None)
        with replicas.assigned_rank(image(1)) as again:
            assert again == first


def test_a_finished_request_makes_room() -> None:
    replicas = Replicas(2, max_lead=8)
    with replicas.assigned_rank(image(1)):
        assert ranks(replicas, 2) == [1]
        assert ranks(replicas, 3) == [1], "the first replica is busy, the second one free again"


def test_rows_that_all_show_one_image_keep_all_replicas_busy() -> None:
    assert ranks(Replicas(2, max_lead=2), *[1] * 8) == [0, 0, 1, 1, 1, 1, 0, 0]


@given(
    numbers=st.lists(st.integers(0, 3), max_size=60),
    count=st.integers(1, 4),
    max_lead=st.integers(1, 5),
)
def test_no_replica_is_ever_further_ahead_than_allowed(
    numbers: list[int], count: int, max_lead: int
) -> None:
    assigned = ranks(Replicas(count, max_lead), *numbers)
    for end in range(len(assigned) + 1):
        counts = [assigned[:end].count(rank) for rank in range(count)]
        assert max(counts) - min(counts) <= max_lead
