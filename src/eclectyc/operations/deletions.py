"""Retention of the records of background runs."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Final

from django.conf import settings

from eclectyc.kernel.data_protection import Deletion, RetentionCategory


def delete_telemetry(deletion: Deletion) -> int:
    """Delete old lines; each file is replaced atomically."""
    count = 0
    for path in sorted((Path(settings.HOME) / "telemetry").glob("*.jsonl")):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not _is_older(line, deletion.before)]
        count += len(lines) - len(kept)
        if len(kept) < len(lines) and not deletion.dry_run:
            draft = path.with_suffix(".part")
            draft.write_text("".join(kept), encoding="utf-8")
            draft.replace(path)
    return count


def _is_older(line: str, before: datetime) -> bool:
    try:
        record = json.loads(line)
        moments = [str(record[name]) for name in ("began_at", "ended_at", "at") if record.get(name)]
        return bool(moments) and datetime.fromisoformat(moments[0]) < before
    except (ValueError, TypeError, AttributeError):
        return False


TELEMETRY: Final = RetentionCategory(
    "telemetry", "Records of background runs", "home: telemetry", 365, delete_telemetry
)
