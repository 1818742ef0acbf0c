"""What work a row of the paper's table asks for."""

from core.paper.rows import Row
from core.work.kinds.base import Work
from core.work.kinds.notebook import Notebook
from core.work.resume import training


def row_work(row: Row, *, download: bool = False) -> Work:
    """The work that measures a row; download: a person's consent to fetch what training on images needs."""
    if row.config is None:
        return Notebook(dataset=row.dataset, network=row.head_name)
    return training(row.config, download=download)
