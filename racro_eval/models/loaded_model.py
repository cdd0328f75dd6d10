"""A model that stays loaded and answers requests of any thread, again and again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from threading import Condition
from typing import Self

from racro_eval.engines.base import Completion, EngineInfo, Request
from racro_eval.engines.model_entry import ModelEntry, TensorParallel
from racro_eval.engines.registry import create_engine
from racro_eval.errors import EngineError
from racro_eval.models.resolve import choose_engine, resolve_model


@dataclass
class _Call:
    """One call of `answer`: its requests, their completions so far, and how many are missing."""

    requests: list[Request]
    completions: list[Completion | None]
    missing: int


class LoadedModel:
    """A loaded model; a context manager that closes its engine.

    model: what `resolve_model` takes, or an entry. engine: the engine of an entry that names none;
    None chooses one for this machine. tp, dp: parallel sizes in place of the entry's. max_images:
    the most images of one request. Raises what `resolve_model` and `create_engine` raise.
    """

    def __init__(
        self,
        model: str | ModelEntry,
        *,
        engine: str | None = None,
        tp: TensorParallel | None = None,
        dp: int | None = None,
        max_images: int = 1,
    ) -> None:
        entry = resolve_model(model) if isinstance(model, str) else model
        self.entry, name = choose_engine(entry, engine, tp, dp)
        self._engine = create_engine(self.entry, name, max_images=max_images)
        self._waiting: deque[tuple[_Call, int]] = deque()
        """Requests that no engine has yet: a call, and the place of the request in it."""
        self._turn = Condition()
        """Guards the calls; notified when one has all its completions or the engine is free."""
        self._feeding = False
        """Whether a thread feeds the engine, which completes one stream at a time."""
        self._numbers = count()
        self._end = ""
        """Why no request is answered any more; empty while requests are answered."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def info(self) -> EngineInfo:
        """What the engine says of itself."""
        return self._engine.info

    def close(self) -> None:
        """Free the model. Calls in progress in other threads raise EngineError. May be repeated."""
        self._end = self._end or "it was closed"
        self._engine.close()

    def answer(self, requests: Iterable[Request]) -> list[Completion]:
        """The completions of the requests, in the same order; ids need not be unique.

        The failure of one request is in its completion (`error`). May be called by several threads
        at the same time: one of them then feeds the engine with the requests of all, so that they
        share its batches. Raises EngineError if the engine has died or was closed.
        """
        asked = list(requests)
        call = _Call(asked, [None] * len(asked), len(asked))
        with self._turn:
            if self._end:
                raise self._ended()
            self._waiting.extend((call, place) for place in range(len(asked)))
            self._turn.wait_for(lambda: not call.missing or not self._feeding)
            feeds = call.missing > 0  # nobody else does, and this call needs it
            self._feeding |= feeds
        if feeds:
            try:
                self._feed(call)
            finally:
                with self._turn:
                    self._feeding = False
                    self._turn.notify_all()
        completions = [completion for completion in call.completions if completion is not None]
        if len(completions) < len(asked):
            raise self._ended()
        return completions

    def _ended(self) -> EngineError:
        return EngineError(f"{self.entry.name} answers no requests: {self._end}.")

    def _feed(self, call: _Call) -> None:
        """Complete what is waiting until nothing is, or until this call has all its completions.

        An engine whose stream has ended early may hold requests that nobody waits for any more, so
        it is not used again.
        """
        in_flight: dict[str, tuple[_Call, int]] = {}
        if self._end:
            return

        def pulled() -> Iterator[Request]:
            while self._waiting and call.missing and not self._end:
                owner, place = self._waiting.popleft()
                number = str(next(self._numbers))
                in_flight[number] = owner, place
                yield replace(owner.requests[place], id=number)

        try:
            for completion in self._engine.stream(pulled()):
                owner, place = in_flight.pop(completion.id)
                owner.completions[place] = replace(completion, id=owner.requests[place].id)
                with self._turn:
                    owner.missing -= 1
                    if not owner.missing:
                        self._turn.notify_all()
            if in_flight:
                raise EngineError(f"The engine left {len(in_flight)} requests without an answer.")
        except BaseException as error:
            closed = bool(self._end)
            self._end = self._end or str(error).rstrip(".") or "it was interrupted"
            self._engine.close()
            if not (closed and isinstance(error, Exception)):
                raise
