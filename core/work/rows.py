"""The rows of the paper's table as work: what a row asks for, and how what it gives is stored under the row's name."""

from collections.abc import Callable

from core.errors import LabError
from core.events import Event
from core.paper.notebook_record import notebook_results
from core.paper.rows import NotebookRow, Row, TrainedRow
from core.runs.store import Store
from core.work.here import do
from core.work.kinds.base import Work
from core.work.kinds.notebook import Notebook, NotebookComputed
from core.work.kinds.train import Training
from core.work.resume import training
from core.work.shipping import measure_run


def row_work(row: Row, *, download: bool = False) -> Work:
    """The work that measures a row; download: a person's consent to fetch what training on images needs."""
    match row:
        case NotebookRow():
            return Notebook(dataset=row.dataset, network=row.network)
        case TrainedRow():
            return training(row.config, download=download)
        case _:
            raise TypeError(f"{type(row).__name__} is no kind of row")


def is_stored(row: Row, store: Store) -> bool:
    """Whether everything that a row gives is stored; a run that cannot be read counts as missing."""
    if isinstance(row, NotebookRow):
        return row.key in notebook_results(store.root)
    try:
        return store.load(row.run_id).finished is not None
    except LabError:
        return False


def measure(row: Row, store: Store, show: Callable[[Event], None], *, download: bool = False) -> set[str]:
    """Do a row's work in this process and store what it gives; the keys of all rows that are stored now.

    The two networks of the notebook on one data set are computed together. Nothing is stored before the work has begun,
    and an earlier run is replaced by a whole one only.

    Args:
        row: what is measured.
        store: where runs are stored; results of the notebook go to the folder of results in the settings.
        show: gets every event.
        download: a person's consent to fetch what training on images needs.

    Raises `LabError` when it cannot be done.
    """
    if isinstance(row, NotebookRow):
        computed = do(Notebook(dataset=row.dataset, stores=True), show)
        assert isinstance(computed, NotebookComputed)
        return set(computed.results)
    work = row_work(row, download=download)
    assert isinstance(work, Training)
    measure_run(work, row.run_id, row.command, store, show)
    return {row.key}
