"""What the files of a folder define, so that a new file needs no place in a list."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, TypeVar

from pydantic import BaseModel

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)


def kinds_in(package: str, base: type[Model]) -> dict[str, type[Model]]:
    """Kind → its class: those below ``base``, in the files of a package, that have a field ``kind`` of their own."""
    values = [value for value in _values(package) if value is not base]
    classes = [value for value in values if isinstance(value, type) and issubclass(value, base)]
    return {each.model_fields["kind"].default: each for each in classes if "kind" in each.__annotations__}


def instances_in(package: str, kind: type[T]) -> list[T]:
    """The values of a type in the files of a package, file by file in the order of their names."""
    return [value for value in _values(package) if isinstance(value, kind)]


def _values(package: str) -> Iterator[Any]:
    """All that the modules of a package hold; one that is being imported, what it has so far."""
    for file in iter_modules(import_module(package).__path__):
        yield from vars(import_module(f"{package}.{file.name}")).values()
