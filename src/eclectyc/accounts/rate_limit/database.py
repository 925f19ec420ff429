"""Counters of rate limits on PostgreSQL, for machines that share a registry: a row for each, a statement an attempt.

The sliding window is the one of ``rate_limit.counters``. The statement also deletes two expired rows, so that the table
stays small.
"""

from __future__ import annotations

from typing import Final

from django.db import connection

from eclectyc.accounts.rate_limit.window import Count, Rate

_NOW: Final = "CASE WHEN EXCLUDED.seen <= t.seen THEN t.taken ELSE 0 END"
_BEFORE: Final = (
    "CASE WHEN EXCLUDED.seen <= t.seen THEN t.before WHEN EXCLUDED.seen = t.seen + 1 THEN t.taken ELSE 0 END"
)
_CONSUME: Final = f"""
WITH over AS (
  SELECT digest FROM accounts_tally WHERE forget_at < %(now)s AND digest <> %(digest)s
  ORDER BY forget_at LIMIT 2 FOR UPDATE SKIP LOCKED
), gone AS (DELETE FROM accounts_tally WHERE digest IN (SELECT digest FROM over))
INSERT INTO accounts_tally AS t (digest, seen, taken, before, forget_at)
VALUES (%(digest)s, %(window)s, 1, 0, %(forget)s)
ON CONFLICT (digest) DO UPDATE SET
  seen = GREATEST(t.seen, EXCLUDED.seen), taken = {_NOW} + 1, before = {_BEFORE},
  forget_at = GREATEST(t.forget_at, EXCLUDED.forget_at)
WHERE ({_BEFORE}) * (1 - %(part)s::double precision) + {_NOW} + 1 <= %(most)s
RETURNING t.taken
"""  # noqa: S608 - constants only
_SOON: Final = 0.001  # [s] if an attempt became free between the two statements


class RegistryCounters:
    """The counts of the table ``accounts_tally``."""

    def consume(self, rate: Rate, digest: bytes, now_s: float) -> float:
        """Count one more and return 0; or count nothing and return the time to wait [s]."""
        window, part = rate.window_at(now_s), rate.part_at(now_s)
        values: dict[str, str | float] = {"digest": digest.hex(), "window": window, "part": part, "most": rate.most}
        values |= {"now": int(now_s), "forget": (window + 2) * rate.window_s}
        with connection.cursor() as cursor:
            cursor.execute(_CONSUME, values)
            if cursor.fetchone() is not None:
                return 0.0
            cursor.execute("SELECT seen, taken, before FROM accounts_tally WHERE digest = %s", [digest.hex()])
            stored = cursor.fetchone()
        return max(_SOON, Count(*stored).in_window(window).wait_s(rate, part)) if stored else _SOON

    def restore(self, rate: Rate, digest: bytes, now_s: float) -> None:
        """Count one fewer, if its window is not over."""
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE accounts_tally SET taken = GREATEST(0, taken - 1) WHERE digest = %s AND seen = %s",
                [digest.hex(), rate.window_at(now_s)],
            )
