"""All kinds of work, and how a description becomes work again."""

from typing import Any

from core.discovery import kinds_in
from core.validation import by_kind
from core.work.kinds.base import Work


def find_work_kinds() -> dict[str, type[Work]]:
    """Kind → its class, of all files in this folder."""
    return kinds_in("core.work.kinds", Work)


WORK_KINDS = find_work_kinds()
"""Kind → its class."""


def read_work(values: dict[str, Any]) -> Work:
    """The work of a description, as `model_dump` wrote it; pydantic's `ValidationError` when it is none."""
    return by_kind(tuple(WORK_KINDS.values())).validate_python(values)
