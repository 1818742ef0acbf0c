"""Which versions of Python and of its packages a number was computed with."""

import platform
from importlib import metadata


def version(package: str) -> str | None:
    """The installed version of a distribution, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def versions(*packages: str) -> dict[str, str]:
    """Python's version as "python", then the version of every package that is installed."""
    known = {package: number for package in packages if (number := version(package))}
    return {"python": platform.python_version()} | known
