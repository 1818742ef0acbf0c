"""What a run was and what it measured: one folder ``results/<run_id>/`` for each run.

    run.json          configuration, versions, provenance, status, and at the end the test scores
    epochs.jsonl      one line for each epoch (`core.events.to_json`); a repeated epoch replaces the earlier line
    checkpoint.npz    what training needs to go on; gone when the run has finished
    weights.npz       selected weights by name, each with a leading member dimension
    predictions.npz   test_logits (members, n_test, classes), test_labels (n_test,), test_names (n_test,)
                      (runs that ship hold weights and logits in float16)
    owner.lock        locked by the process that works on the run, for as long as that process lives

A file is replaced as a whole or only ever appended to, so that a crash at any point leaves a readable record. A run
whose record says "running" while nobody holds its lock was interrupted, and is read as such.
"""

import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any, Literal, get_args

import numpy as np

from core.config.run import RunConfig, stored_config
from core.errors import LabError
from core.events import Checkpoint, Epoch, Event, Finished, Origin, Started, from_epoch_json, to_json
from core.files import append_line, json_text, replace_arrays, replace_text, with_nan, writing
from core.runs.ownership import Ownership
from core.settings import PROJECT, settings
from core.versions import versions

SHIPPED = PROJECT / "results"
"""Where runs came with the laboratory; those that are made here join them, unless a setting names another folder."""

Status = Literal["queued", "running", "paused", "stopped", "interrupted", "failed", "finished"]
LIVE: tuple[Status, ...] = ("queued", "running")
"""A run in one of these is worked on by a living process, which holds its lock."""

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_PACKAGES = ("torch", "numpy", "pennylane", "distributed")


@dataclass(frozen=True)
class Summary:
    """What a finished run measured on the test set: `core.events.Finished` without its arrays."""

    test_loss: list[float]
    test_accuracy: list[float]
    best_epoch: list[int]
    seconds: float

    @classmethod
    def of(cls, event: Finished) -> "Summary":
        return cls(**{field.name: getattr(event, field.name) for field in fields(cls)})


@dataclass(frozen=True)
class Record:
    """A stored run. Arrays are read from disk when they are asked for."""

    run_id: str
    folder: Path
    config: RunConfig
    status: Status
    message: str
    owner: str
    created: datetime
    provenance: dict[str, Any]
    versions: dict[str, str]
    started: Started | None
    epochs: list[Epoch]
    finished: Summary | None

    def weights(self) -> dict[str, np.ndarray]:
        """Selected weights by name, each (members, ...) float32; `LabError` if the run has none."""
        return {name: array.astype(np.float32) for name, array in self._arrays("weights.npz").items()}

    def predictions(self) -> dict[str, np.ndarray]:
        """test_logits (members, n_test, classes) float32, test_labels (n_test,) int64, test_names (n_test,) text."""
        arrays = self._arrays("predictions.npz")
        return arrays | {"test_logits": arrays["test_logits"].astype(np.float32)}

    def checkpoint(self) -> Checkpoint | None:
        """The last state that training can go on from, or None."""
        if not (self.folder / "checkpoint.npz").exists():
            return None
        arrays = self._arrays("checkpoint.npz")
        epoch = arrays.pop("__epoch__", None)
        if epoch is None:
            raise LabError(f"The checkpoint of run {self.run_id} has no epoch: delete {self.folder} and run it again")
        return Checkpoint(epoch=int(epoch), arrays=arrays)

    def _arrays(self, name: str) -> dict[str, np.ndarray]:
        try:
            with open(self.folder / name, "rb") as file, np.load(file, allow_pickle=False) as arrays:
                return {key: arrays[key] for key in arrays.files}
        except FileNotFoundError:
            raise LabError(f"Run {self.run_id} has no {name}: it is {self.status}") from None
        except Exception as error:  # numpy, zipfile and zlib each have their own for a damaged file
            raise LabError(f"{name} of run {self.run_id} cannot be read ({error}): run it again") from None


class Store:
    """The runs below one folder. Threads and processes may share the folder; a run has one writer at a time.

    A run that is created or written to belongs to this store until its status is no longer `LIVE`; meanwhile another
    store that wants to write it gets a `LabError`.

    Args:
        root: by default the setting ``results_dir``.
        also: a folder whose runs can be loaded as well, when there is none of that id below the root.
    """

    def __init__(self, root: Path | None = None, also: Path | None = None) -> None:
        self.root = Path(root) if root is not None else settings().results_dir
        self._also = also
        self._owned = Ownership()
        self._mutex = RLock()

    def create(
        self, config: RunConfig, provenance: Mapping[str, Any], run_id: str | None = None, owner: str = ""
    ) -> str:
        """Make the record of a new, queued run and return its id."""
        now = datetime.now(UTC)
        if run_id is None:
            local = now.astimezone().strftime("%Y%m%d-%H%M%S")
            run_id = f"{local}-{config.head.kind}-{secrets.token_hex(3)}"
        folder = self.folder(run_id)
        values = {
            "run_id": run_id,
            "status": "queued",
            "message": "",
            "owner": owner,
            "created": now.isoformat(),
            "config": config.model_dump(mode="json"),
            "digest": digest(config),
            "provenance": dict(provenance),
            "versions": versions(*_PACKAGES),
        }
        with self._mutex, self._writing():
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                raise LabError(f"Run {run_id} exists already: choose another id") from None
            self._own(run_id)
            replace_text(folder / "run.json", json_text(values))
        return run_id

    def append(self, run_id: str, event: Event) -> None:
        """Write what an event says into the record; `Step` and `Progress` say nothing that lasts."""
        folder = self._existing(run_id)
        with self._mutex, self._writing():
            match event:
                case Origin():
                    provenance = _values(folder)["provenance"] | event.provenance
                    self._update(run_id, provenance=provenance)
                case Started():
                    started = {field.name: getattr(event, field.name) for field in fields(event)}
                    self._update(run_id, status="running", message="", started=started)
                case Epoch():
                    self._own(run_id)
                    append_line(folder / "epochs.jsonl", json_text(to_json(event)))
                case Checkpoint():
                    self._own(run_id)
                    replace_arrays(folder / "checkpoint.npz", event.arrays | {"__epoch__": np.array(event.epoch)})
                case Finished():
                    self._own(run_id)
                    replace_arrays(folder / "weights.npz", event.weights, compress=True)
                    predictions = {
                        "test_logits": event.test_logits,
                        "test_labels": event.test_labels,
                        "test_names": np.array(event.test_names, dtype=np.str_),
                    }
                    replace_arrays(folder / "predictions.npz", predictions, compress=True)
                    self._update(run_id, status="finished", message="", finished=vars(Summary.of(event)))
                    (folder / "checkpoint.npz").unlink(missing_ok=True)

    def set_status(self, run_id: str, status: Status, message: str = "") -> None:
        """Write a run's status; `message` is one sentence for a person that says why."""
        if status not in get_args(Status):
            raise LabError(f"status = {status!r} is not possible: use one of {', '.join(get_args(Status))}")
        self._existing(run_id)
        with self._mutex, self._writing():
            self._update(run_id, status=status, message=message)

    def remove(self, run_id: str) -> None:
        """Remove a run that is over and its record; `LabError` for one that goes on, that ships, or is not here."""
        folder = self._existing(run_id)
        with self._mutex, self._writing():
            if self.load(run_id).status in LIVE:
                raise LabError(f"Run {run_id} goes on: stop it before it is removed")
            if is_shipped(run_id):
                raise LabError(f"Run {run_id} came with the laboratory: it cannot be removed")
            aside = folder.with_name(f".{run_id}.{secrets.token_hex(4)}")
            folder.rename(aside)  # whole or absent, also when what follows is interrupted
            shutil.rmtree(aside)

    def load(self, run_id: str) -> Record:
        """The record of a run; `LabError` if there is none or it cannot be read."""
        folder = self.readable_folder(run_id)
        values = _values(folder)
        try:
            started, finished = values.get("started"), values.get("finished")
            status, message = values["status"], values["message"]
            if status not in get_args(Status):
                raise ValueError(f"status {status!r}")
            if status in LIVE and not self._owned.is_held(self.folder(run_id)):
                status, message = "interrupted", "The process that trained this run ended before the run did."
            return Record(
                run_id=run_id,
                folder=folder,
                config=stored_config(values["config"]),
                status=status,
                message=message,
                owner=values["owner"],
                created=datetime.fromisoformat(values["created"]),
                provenance=values["provenance"],
                versions=values["versions"],
                started=Started(**started) if started else None,
                epochs=_read_epochs(folder / "epochs.jsonl"),
                finished=Summary(**{name: with_nan(value) for name, value in finished.items()}) if finished else None,
            )
        except (LabError, KeyError, TypeError, ValueError, AttributeError, OSError) as error:
            raise LabError(f"The record of run {run_id} cannot be read ({error}): move {folder} away") from None

    def run_ids(self) -> list[str]:
        """Ids of all runs, sorted; a folder without a run.json is no run."""
        if not self.root.is_dir():
            return []
        return sorted(
            path.name for path in self.root.iterdir() if _RUN_ID.fullmatch(path.name) and (path / "run.json").is_file()
        )

    def folder(self, run_id: str) -> Path:
        """Where a run is kept. Ids also come from URLs, so nothing outside the root can be named by one."""
        if not isinstance(run_id, str) or not _RUN_ID.fullmatch(run_id):
            raise LabError(
                f"run id = {str(run_id)[:100]!r} is not possible: use letters, digits, '.', '_' and '-' (up to 100)"
            )
        return self.root / run_id

    def readable_folder(self, run_id: str) -> Path:
        """Where a run can be read; `LabError` if there is none."""
        if self._also and not (self.folder(run_id) / "run.json").is_file():
            elsewhere = self._also / run_id
            if (elsewhere / "run.json").is_file():
                return elsewhere
        return self._existing(run_id)

    def close(self) -> None:
        """Let go of all runs; those that are still `LIVE` read as interrupted from now on."""
        with self._mutex:
            self._owned.close()

    def _writing(self) -> AbstractContextManager[None]:
        return writing(self.root, "the results", "LAB_RESULTS_DIR")

    def _existing(self, run_id: str) -> Path:
        folder = self.folder(run_id)
        if not (folder / "run.json").is_file():
            raise LabError(f"There is no run {run_id} here: it was removed, or made on another machine")
        return folder

    def _update(self, run_id: str, **changes: Any) -> None:
        self._own(run_id)
        values = _values(self.folder(run_id)) | changes
        replace_text(self.folder(run_id) / "run.json", json_text(values))
        if values["status"] not in LIVE:
            self._owned.release(self.folder(run_id))

    def _own(self, run_id: str) -> None:
        if not self._owned.take(self.folder(run_id)):
            raise LabError(f"Run {run_id} is being trained by another process: stop it there first")


def digest(config: RunConfig) -> str:
    """SHA-256 of a configuration: equal for two runs exactly if they were asked to do the same."""
    return hashlib.sha256(json.dumps(config.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


def is_shipped(run_id: str) -> bool:
    """Whether a run came with the laboratory: ids of runs that are made here begin with the time."""
    return re.match(r"\d{8}-\d{6}-", run_id) is None


def _values(folder: Path) -> dict[str, Any]:
    """What run.json says."""
    try:
        values = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LabError(f"The record of run {folder.name} cannot be read ({error}): move {folder} away") from None
    if not isinstance(values, dict):
        raise LabError(f"The record of run {folder.name} cannot be read (it is no object): move {folder} away")
    return values


def _read_epochs(path: Path) -> list[Epoch]:
    """Epochs in order. A line that a crash tore is passed over; of a repeated epoch the last line holds."""
    epochs: dict[int, Epoch] = {}
    if not path.exists():
        return []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            values = json.loads(line)
        except ValueError:
            continue
        epoch = from_epoch_json(values)
        epochs[epoch.epoch] = epoch
    return [epochs[epoch] for epoch in sorted(epochs)]
