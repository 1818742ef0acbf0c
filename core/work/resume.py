"""Which stored runs may go on, and from where: the rules, for page and terminal alike."""

from typing import Any, NamedTuple

from core.config.run import RunConfig
from core.errors import LabError
from core.events import Checkpoint
from core.runs.store import LIVE, Record, Store, is_shipped
from core.work.kinds.images import TrainOnImages
from core.work.kinds.train import Train, Training


class Resumable(NamedTuple):
    """A stored run that may go on."""

    record: Record
    work: Training
    material: Any
    checkpoint: Checkpoint | None


def training(config: RunConfig, *, download: bool = False) -> Training:
    """The work that trains a run of these settings; download: a person's consent to fetch what images need."""
    if config.protocol == "paper_batchnorm":
        return TrainOnImages(config=config, download=download)
    return Train(config=config)


def resumable(store: Store, run_id: str, *, ended: bool = False) -> Resumable:
    """A stored run with all that it needs to go on.

    ended: this process knows that the run has ended, though the disk may have refused to take that down.

    Raises `LabError` for a run that is finished, came with the laboratory, is under way somewhere, or began on other
    features than those on this machine.
    """
    record = store.load(run_id)
    if record.status == "finished":
        raise LabError(f"Run {run_id} is finished: start a new run with its settings instead")
    if is_shipped(run_id):
        raise LabError(f"Run {run_id} came with the laboratory: start a new run with its settings instead")
    if record.status in LIVE and not ended:
        raise LabError(f"Run {run_id} is being trained by another process already: wait for it")
    work = training(record.config)
    material = work.material()
    digest = work.provenance(material).get("features_sha256")
    if record.provenance.get("features_sha256", digest) != digest:
        raise LabError(f"Run {run_id} began on other features than those here now: start a new run instead")
    return Resumable(record, work, material, record.checkpoint())
