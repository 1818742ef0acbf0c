"""All kinds of work, and how a description becomes work again."""

from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from core.work.kinds.base import Work
from core.work.kinds.compare import Compare
from core.work.kinds.extract import Extract
from core.work.kinds.images import TrainOnImages
from core.work.kinds.measure import Measure
from core.work.kinds.notebook import Notebook
from core.work.kinds.train import Train

_ANY: TypeAdapter[Work] = TypeAdapter(
    Annotated[Train | TrainOnImages | Extract | Compare | Notebook | Measure, Field(discriminator="kind")]
)


def read_work(values: dict[str, Any]) -> Work:
    """The work of a description, as `model_dump` wrote it; a pydantic `ValidationError` when it is none."""
    return _ANY.validate_python(values)
