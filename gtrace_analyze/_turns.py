"""Tables made several at a time, each after those that it is made of."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from typing import Protocol

from gtrace_analyze._interrupts import undisturbed
from gtrace_analyze.catalog import SqlObject

__all__ = ["Maker", "make_all"]


class Maker(Protocol):
    """What makes one table at a time."""

    def make(self, o: SqlObject) -> None: ...

    def interrupt(self) -> None:
        """Have `make` in another thread fail soon."""
        ...


def make_all(
    tables: Iterable[SqlObject],
    objects: Iterable[SqlObject],
    makers: Sequence[Maker],
    begun: Callable[[str], None],
) -> None:
    """Have these tables made, as many at a time as there are makers, each once all of them are
    that it uses, directly or by way of other `objects`. This thread calls `begun` before each.

    What fails first is raised, once the others are interrupted.
    """
    missing = {o.name: o for o in tables}
    order = TopologicalSorter({o.name: o.uses for o in objects})
    order.prepare()
    ready: deque[SqlObject] = deque()
    free = [*makers]
    made: dict[Future[None], tuple[SqlObject, Maker]] = {}
    with ThreadPoolExecutor(len(makers)) as threads:
        try:
            while order.is_active():
                for name in order.get_ready():
                    if name in missing:
                        ready.append(missing[name])
                    else:
                        order.done(name)
                while ready and free:
                    o, maker = ready.popleft(), free.pop()
                    begun(o.name)
                    made[threads.submit(maker.make, o)] = o, maker
                for future in wait(made, return_when=FIRST_COMPLETED).done:
                    o, maker = made.pop(future)
                    future.result()
                    order.done(o.name)
                    free.append(maker)
        except BaseException:
            with undisturbed():
                for maker in makers:
                    maker.interrupt()
                threads.shutdown()
            raise
