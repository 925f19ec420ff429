"""Work on many slices of the lake in parallel: in this process, or on a Dask cluster.

In this process a plain thread pool does it: importing Dask costs about 0.15 s, more than a whole small import, and its
threaded scheduler would hold every slice of a generator at once. Results come in order and only a few slices are in
memory at a time.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

from django.conf import settings

Slice = TypeVar("Slice")
Result = TypeVar("Result")

# In this process. Each slice has stretches on one core (NumPy, the encoder) and waits for the disk; two more slices
# than there are cores fill them (measured), and each costs a month's memory.
AT_ONCE: Final = 2 + min(4, os.cpu_count() or 1)


def map_slices(
    function: Callable[[Slice], Result], slices: Iterable[Slice], *, at_once: int | None = None
) -> Iterator[Result]:
    """Call ``function`` with each slice and yield the results in order.

    For a cluster, ``function`` must be importable and the slices picklable.
    """
    address = getattr(settings, "DASK_SCHEDULER", "")
    if address:
        with _cluster(address) as client:
            submit = partial(client.submit, pure=False)
            yield from _flow(submit, function, slices, at_once or 2 * max(1, len(client.nthreads())))
        return
    workers = at_once or AT_ONCE
    with ThreadPoolExecutor(workers, thread_name_prefix="lake-work") as pool:
        yield from _flow(pool.submit, function, slices, workers)


def _flow(
    submit: Callable[..., Any], function: Callable[[Slice], Result], slices: Iterable[Slice], at_once: int
) -> Iterator[Result]:
    out: deque[Future[Result]] = deque()
    try:
        for piece in slices:
            out.append(submit(function, piece))
            if len(out) >= at_once:
                yield out.popleft().result()
        while out:
            yield out.popleft().result()
    finally:
        for future in out:
            future.cancel()


def _cluster(address: str) -> Any:
    try:
        from dask.distributed import Client
    except ImportError as error:
        from eclectyc.configuration import BadConfiguration

        raise BadConfiguration(
            "ECLECTYC_DASK_SCHEDULER is set, but Dask's cluster client is not installed.",
            "Install it, pip install 'eclectyc-energy[cluster]', or unset the address.",
            field="ECLECTYC_DASK_SCHEDULER",
        ) from error
    return Client(address, set_as_default=False)
