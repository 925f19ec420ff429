"""Series derived from other series: gas volumes as energy, virtual meters.

Derived readings are stored in the lake as ordinary day rows, so that every page, report and export has them. Only what
changed is recalculated: ``invalidation`` subscribes to batches and stores which derived days depend on the days that a
batch changes (``Stale``); ``engine`` recalculates those days. A derivation (``protocol``) knows what depends on what;
rooms register theirs in ``registry``.
"""
