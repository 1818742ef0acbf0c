"""The paper's rows as data: every number of a row, for whoever reads it."""

from typing import Any

from core.paper.rows import Row
from core.paper.table import Measured


def row_values(row: Row, done: Measured | None) -> dict[str, Any]:
    """A row with everything that is known of it, of plain values; accuracies in [0, 1]."""
    measured = None
    if done:
        measured = {
            "seeds": done.seeds,
            "accuracy": vars(done.best),
            "last": vars(done.last) if done.last else None,
            "loss": vars(done.loss),
            "seconds": done.seconds,
            "run_id": done.run_id,
        }
    return {
        "row": row.key,
        "dataset": row.dataset,
        "backbone": row.cut.backbone,
        "head": row.head_name,
        "protocol": row.protocol,
        "seeds": done.seeds if done else row.seeds,
        "test_accuracy": done.best.estimate if done else None,
        "reported": vars(row.reported) if row.reported else None,
        "measured": measured,
        "command": row.command,
    }
