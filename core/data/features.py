"""Which features: a data set as one cut of a frozen network gives it."""

import re
from dataclasses import dataclass
from pathlib import Path

from core.data.cuts import Cut
from core.data.registry import dataset
from core.errors import LabError


@dataclass(frozen=True)
class Features:
    """The features of a data set under a cut: they name a bank, they are not the numbers in it (`core.data.banks`)."""

    dataset: str
    cut: Cut

    @property
    def title(self) -> str:
        """The data set and where its features come from, for a person; `LabError` for an unknown data set."""
        entry = dataset(self.dataset)
        return entry.title if entry.is_points else f"{entry.title} · {self.cut.title}"

    @property
    def arguments(self) -> tuple[str, ...]:
        """What makes them, behind ``python -m core``, from images and weights that are on this machine."""
        places = ("--backbone", self.cut.backbone, "--layer", self.cut.layer, "--weights-name", self.cut.weights)
        return ("features", "--dataset", self.dataset, *places)

    @property
    def command(self) -> str:
        """The same as a command line."""
        return " ".join(("python", "-m", "core", *self.arguments))

    def file(self, folder: Path) -> Path:
        """Where their bank lies in a folder of banks; `LabError` for names that could lead out of it."""
        for field_name, value in ({"dataset": self.dataset} | vars(self.cut)).items():
            if not re.fullmatch(r"\w[\w.]*", value, re.ASCII):
                raise LabError(f"{field_name} = {value!r} is not possible: use letters, digits, _ and . only")
        return folder / f"{self.dataset}-{self.cut.key}.npz"
