"""Which settings have a run that came with the laboratory."""

from core.config.run import RunConfig
from core.errors import LabError
from core.runs.store import SHIPPED, Store, digest, is_shipped


def shipped_index() -> dict[str, str]:
    """Settings of every shipped, finished run, as `any_seeds` names them → its id."""
    store, index = Store(SHIPPED), {}
    for run_id in store.run_ids():
        if not is_shipped(run_id):
            continue
        try:
            record = store.load(run_id)
        except LabError:
            continue  # not a run, or one of another version
        if record.status == "finished":
            index[any_seeds(record.config)] = run_id
    return index


def any_seeds(config: RunConfig) -> str:
    """Digest of a configuration that leaves out how many seeds there are."""
    return digest(config.model_copy(update={"seeds": 1}))
