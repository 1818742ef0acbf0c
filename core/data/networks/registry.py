"""All frozen networks: those in the files of this folder, and any other one that torchvision builds."""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from core.data.networks.base import FrozenNetwork
from core.data.networks.torchvision import torchvision_network
from core.errors import LabError


def _entries() -> dict[str, FrozenNetwork]:
    """The networks of all files in this folder, in the order of the files and of the lines in them."""
    names = [file.name for file in iter_modules([str(Path(__file__).parent)]) if file.name != "registry"]
    values = [value for name in names for value in vars(import_module(f"core.data.networks.{name}")).values()]
    return {each.name: each for each in values if isinstance(each, FrozenNetwork)}


NETWORKS = _entries()
"""Name → network, of those that menus list."""


def network(name: str) -> FrozenNetwork:
    """The network of this name, listed or torchvision's; `LabError` for an unknown one. A listed one loads no torch."""
    entry = NETWORKS.get(name) or torchvision_network(name)
    if entry is None:
        raise LabError(
            f"backbone = {name!r} is not possible: use {', '.join(NETWORKS)} or torchvision's name of another "
            f"classification network"
        )
    return entry
