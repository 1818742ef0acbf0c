"""Where this machine keeps things and where training happens; read from environment variables."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import LabError
from core.validation import one_sentence

PROJECT = Path(__file__).resolve().parent.parent
PREFIX = "LAB_"


def device_name(name: str) -> str:
    """The name of a device that heads can be trained on; `ValueError` says which these are."""
    if not re.fullmatch(r"cpu|cuda(:[0-9]{1,2})?", name):
        raise ValueError("use cpu, or cuda for a GPU, or cuda:1 for the second one")
    return name


def absolute(folder: Path) -> Path:
    """A folder with its ``~`` expanded, a relative one below where this process works; `ValueError` without a home."""
    try:
        return folder.expanduser().absolute()
    except RuntimeError:
        raise ValueError("there is no such home folder here, use a path without ~") from None


Folder = Annotated[Path, AfterValidator(absolute)]


class Settings(BaseSettings):
    """Each field is the environment variable ``LAB_<FIELD>``, for example ``LAB_DATA_DIR=/data``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    own_data_dir: Folder | None = Field(
        None,
        validation_alias=f"{PREFIX}DATA_DIR",
        description="Folder with downloaded data sets and weights; downloads go here too.",
    )
    own_cache_dir: Folder | None = Field(
        None,
        validation_alias=f"{PREFIX}CACHE_DIR",
        description="Folder for feature banks extracted on this machine.",
    )
    results_dir: Folder = Field(PROJECT / "results", description="Folder that holds one folder for each run.")
    scheduler: str | None = Field(
        None, description="Address of an outside Dask scheduler, e.g. tls://host:8786; empty: an embedded cluster."
    )
    workers: int = Field(2, ge=1, le=64, description="Worker processes of the embedded cluster.")
    device: Annotated[str, AfterValidator(device_name)] = Field(
        "cpu", description="Where heads are trained: cpu, or cuda for a GPU, or cuda:1 for the second one."
    )

    @property
    def data_dir(self) -> Path:
        """The folder of data that is set, or one at home; `LabError` where there is neither."""
        return self.own_data_dir or _at_home("data", "DATA_DIR")

    @property
    def cache_dir(self) -> Path:
        """The folder of feature banks that is set, or one at home; `LabError` where there is neither."""
        return self.own_cache_dir or _at_home("features", "CACHE_DIR")


def _at_home(name: str, setting: str) -> Path:
    try:
        return Path.home() / ".cache" / "hybrid-transfer-lab" / name
    except RuntimeError:  # a container may run as a user that its machine does not know
        raise LabError(
            f"{PREFIX}{setting} has no default, as this user has no home folder: set it to a folder"
        ) from None


def settings() -> Settings:
    """The settings of this process, read from the environment at every call; `LabError` for one that cannot be."""
    try:
        return Settings()
    except ValidationError as error:
        name, rest = one_sentence(error, Settings).split(" ", 1)
        variable = f"{PREFIX}{name.upper().removeprefix(PREFIX)}"
        raise LabError(f"{variable} {rest}; change or unset that environment variable") from None


def check_settings() -> None:
    """Raise `LabError` unless every setting can be, the folders at home included."""
    _ = settings().data_dir, settings().cache_dir
