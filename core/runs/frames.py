"""Stored runs as pandas frames: one row for each run and member, or for each of their epochs."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from core.errors import LabError
from core.runs.store import Record, Store


def load_runs(*roots: Path) -> pd.DataFrame:
    """All runs below these folders, by default the setting, with one row for each run and member, oldest first.

    Columns: run_id, status, message, owner, created; every field of `RunConfig`, the head's kind as ``head`` and the
    head's own fields beside it; member, seed; n_train, n_validation, n_test, quantum_parameters,
    classical_parameters, device; epochs_done, validation_loss, validation_accuracy and member_status of the last epoch;
    best_epoch, test_loss, test_accuracy, seconds. A record that cannot be read has one row: its id, the status
    "unreadable" and a message.
    """
    rows: list[dict[str, Any]] = []
    for run_id, record in chain.from_iterable(map(_records, roots or (None,))):
        if isinstance(record, LabError):
            rows.append({"run_id": run_id, "status": "unreadable", "message": str(record)})
            continue
        common = _common(record) | {
            "message": record.message,
            "owner": record.owner,
            "epochs_done": record.epochs[-1].epoch if record.epochs else 0,
        }
        if record.started:
            sizes = ("n_train", "n_validation", "n_test", "quantum_parameters", "classical_parameters")
            common |= {name: getattr(record.started, name) for name in (*sizes, "device")}
        if record.finished:
            common["seconds"] = record.finished.seconds
        for member, seed in enumerate(_seeds(record)):
            row = common | {"member": member, "seed": seed}
            if record.epochs:
                last = record.epochs[-1]
                row |= {name: getattr(last, name)[member] for name in ("validation_loss", "validation_accuracy")}
                row["member_status"] = last.status[member]
            if record.finished:
                chosen = ("best_epoch", "test_loss", "test_accuracy")
                row |= {name: getattr(record.finished, name)[member] for name in chosen}
            rows.append(row)
    frame = pd.DataFrame(rows) if rows else pd.DataFrame(columns=["run_id", "status", "message", "created"])
    return frame.sort_values(["created", "run_id"], kind="stable", ignore_index=True) if "created" in frame else frame


def load_epochs(root: Path | None = None) -> pd.DataFrame:
    """All epochs of all readable runs, one row for each run, member and epoch.

    Columns: those of `load_runs` that identify the run, and member, seed, epoch, train_loss, train_accuracy,
    validation_loss, validation_accuracy, rate (learning rate in that epoch), epoch_seconds, member_status.
    """
    curves = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
    rows: list[dict[str, Any]] = []
    for _, record in _records(root):
        if isinstance(record, LabError):
            continue
        common = _common(record)
        for epoch in record.epochs:
            for member, seed in enumerate(_seeds(record)):
                row = common | {"member": member, "seed": seed, "epoch": epoch.epoch, "epoch_seconds": epoch.seconds}
                row |= {name: getattr(epoch, name)[member] for name in curves}
                row |= {"rate": epoch.learning_rate[member], "member_status": epoch.status[member]}
                rows.append(row)
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["run_id", "member", "seed", "epoch", *curves])


def _records(root: Path | None) -> Iterator[tuple[str, Record | LabError]]:
    store = Store(root)
    for run_id in store.run_ids():
        try:
            yield run_id, store.load(run_id)
        except LabError as error:
            yield run_id, error


def _common(record: Record) -> dict[str, Any]:
    config = record.config.model_dump()
    head = config.pop("head")
    run = {"run_id": record.run_id, "status": record.status, "created": record.created}
    return run | config | {"head": head.pop("kind")} | head


def _seeds(record: Record) -> list[int]:
    return record.started.seeds if record.started else [member.seed for member in record.config.members()]
