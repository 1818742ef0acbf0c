"""Where this machine keeps things and where training happens; read from environment variables."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.config.run import one_sentence
from core.errors import LabError

PROJECT = Path(__file__).resolve().parent.parent
PREFIX = "LAB_"


def device_name(name: str) -> str:
    """The name of a device that heads can be trained on; `ValueError` says which these are."""
    if not re.fullmatch(r"cpu|cuda(:[0-9]{1,2})?", name):
        raise ValueError("use cpu, or cuda for a GPU, or cuda:1 for the second one")
    return name


class Settings(BaseSettings):
    """Each field is the environment variable ``LAB_<FIELD>``, for example ``LAB_DATA_DIR=/data``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    data_dir: Path = Field(
        Path.home() / ".cache" / "hybrid-transfer-lab" / "data",
        description="Folder with downloaded data sets and weights; downloads go here too.",
    )
    cache_dir: Path = Field(
        Path.home() / ".cache" / "hybrid-transfer-lab" / "features",
        description="Folder for feature banks extracted on this machine.",
    )
    results_dir: Path = Field(PROJECT / "results", description="Folder that holds one folder for each run.")
    scheduler: str | None = Field(
        None, description="Address of an outside Dask scheduler, e.g. tls://host:8786; empty: an embedded cluster."
    )
    workers: int = Field(2, ge=1, le=64, description="Worker processes of the embedded cluster.")
    device: Annotated[str, AfterValidator(device_name)] = Field(
        "cpu", description="Where heads are trained: cpu, or cuda for a GPU, or cuda:1 for the second one."
    )


def settings() -> Settings:
    """The settings of this process, read from the environment at every call; `LabError` for one that cannot be."""
    try:
        return Settings()
    except ValidationError as error:
        name, rest = one_sentence(error, Settings).split(" ", 1)
        raise LabError(f"{PREFIX}{name.upper()} {rest}; change or unset that environment variable.") from None
