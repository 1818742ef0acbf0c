"""Where this machine keeps things and where training happens; read from environment variables."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Each field is the environment variable ``LAB_<FIELD>``, for example ``LAB_DATA_DIR=/data``."""

    model_config = SettingsConfigDict(env_prefix="LAB_", frozen=True)

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


def settings() -> Settings:
    """The settings of this process, read from the environment at every call."""
    return Settings()
