"""What a run is: validated when it is made, frozen afterwards, the same object in form, URL, terminal and record."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from core.config.frozen import Frozen
from core.config.heads.base import Head
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.registry import HEAD_KINDS, HeadConfig, validate_head
from core.errors import LabError

ImageDataset = Literal["ants_bees", "dogs_cats", "planes_cars"]
PointDataset = Literal["spirals", "spirals_2.0", "square", "moons"]

POINT_DATASETS: tuple[str, ...] = ("spirals", "spirals_2.0", "square", "moons")
POINTS_BACKBONE = "points"
"""Backbone and layer of data sets whose inputs are already feature vectors."""


class Member(Frozen):
    """One of the networks that are trained together: one seed, one learning-rate schedule."""

    seed: int = Field(ge=0, lt=2**31)
    learning_rate: float = Field(gt=0, le=10)
    lr_step: int = Field(ge=1)
    lr_gamma: float = Field(gt=0, le=1)
    lr_early: bool = False

    def rate(self, epoch: int) -> float:
        """Learning rate in an epoch, counted from 1."""
        return self.learning_rate * self.lr_gamma ** ((epoch - 1 + self.lr_early) // self.lr_step)


class RunConfig(Frozen):
    """One head on one data set, trained from ``seeds`` starting points at once.

    The defaults are the paper's settings for ants and bees (arXiv:1912.08278, sec. IV B).
    """

    dataset: Literal[ImageDataset, PointDataset] = Field("ants_bees", description="What is to be told apart.")
    backbone: str = Field("", max_length=64, description="Frozen torchvision network; empty: the data set's default.")
    layer: str = Field("", max_length=64, description="Layer whose averaged output is the feature vector.")
    weights: str = Field("", max_length=64, description="Name of the backbone's weights; empty: its default.")
    head: HeadConfig = Field(default_factory=DressedQuantum, description="The trained part.")
    learning_rate: float = Field(4e-4, ge=1e-6, le=1, description="Learning rate of Adam at the start.")
    lr_step: int = Field(10, ge=1, le=10_000, description="Epochs after which the learning rate is lowered.")
    lr_gamma: float = Field(0.1, gt=0, le=1, description="Factor by which it is lowered; 1 keeps it.")
    lr_early: bool = Field(
        False,
        description="Lower it one epoch earlier: what PyTorch since 1.1 makes of the paper's scheduler.step() "
        "before each epoch.",
    )
    batch_size: int = Field(4, ge=1, le=4096, description="Samples in one training step.")
    epochs: int = Field(30, ge=1, le=1000, description="Passes over the training data.")
    seeds: int = Field(8, ge=1, le=64, description="Networks trained at once, each from its own seed.")
    base_seed: int = Field(0, ge=0, lt=2**30, description="Seed of the first network; the next ones count up.")
    validation_share: float = Field(
        0.2, gt=0, lt=0.9, description="Share of the training data kept aside to choose the best epoch."
    )
    split_seed: int = Field(0, ge=0, lt=2**31, description="Seed of the cut into training and validation data.")
    protocol: Literal["ours", "paper", "paper_batchnorm"] = Field(
        "ours",
        description="ours: the epoch is chosen on validation data, tested once; paper: train on all, test every epoch; "
        "paper_batchnorm: the same with BatchNorm in training mode, on images (`python -m core paper`).",
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_features(cls, values: Any) -> Any:
        """Fill empty backbone, layer and weights with defaults, so that a record says all."""
        if not isinstance(values, dict):
            return values
        values = dict(values)
        if values.get("dataset", "ants_bees") in POINT_DATASETS:
            default = (POINTS_BACKBONE, POINTS_BACKBONE, POINTS_BACKBONE)
        else:
            backbone = values.get("backbone") or "resnet18"
            default = (backbone, *DEFAULT_CUT.get(backbone, ("", "DEFAULT")))
        for name, value in zip(("backbone", "layer", "weights"), default, strict=True):
            values[name] = values.get(name) or value
        return values

    @model_validator(mode="after")
    def _features_fit(self) -> "RunConfig":
        if (self.dataset in POINT_DATASETS) != (self.backbone == POINTS_BACKBONE):
            raise ValueError(f"backbone {self.backbone} does not fit dataset {self.dataset}; leave backbone empty")
        if not self.layer:
            raise ValueError(f"layer is missing: name the layer of {self.backbone} to cut at")
        return self

    def members(self) -> tuple[Member, ...]:
        """One member for each seed, all with this configuration's learning rate and schedule."""
        return tuple(
            Member(
                seed=self.base_seed + index,
                learning_rate=self.learning_rate,
                lr_step=self.lr_step,
                lr_gamma=self.lr_gamma,
                lr_early=self.lr_early,
            )
            for index in range(self.seeds)
        )


DEFAULT_CUT = {
    "resnet18": ("layer3", "IMAGENET1K_V1"),
    "mobilenet_v2": ("features", "IMAGENET_INT8"),
}
"""Backbone → (layer, name of weights) of the feature banks that ship."""


def run_config(values: dict[str, Any]) -> RunConfig:
    """A run configuration from plain values; a bad value raises `LabError` with one sentence."""
    with refused_in_one_sentence():
        return RunConfig.model_validate(values)


def head_config(values: dict[str, Any]) -> Head:
    """A head configuration from plain values; a bad value raises `LabError` with one sentence."""
    with refused_in_one_sentence():
        return validate_head(values)


@contextmanager
def refused_in_one_sentence() -> Iterator[None]:
    """Turn a failed validation inside into a `LabError`."""
    try:
        yield
    except ValidationError as error:
        raise LabError(one_sentence(error)) from None


def one_sentence(error: ValidationError, model: type[BaseModel] | None = None) -> str:
    """The first problem of a failed validation, as: field, value, what is allowed.

    model: what was validated, by default `RunConfig`, or the head that the error names.
    """
    first = error.errors()[0]
    path = [str(part) for part in first["loc"] if part != "head"]
    message = first["msg"].removeprefix("Value error, ")
    if not path or (first["type"] == "value_error" and isinstance(first["input"], dict)):
        return message
    model = model or RunConfig
    owner = ""
    if path[0] in HEAD_KINDS:
        owner, *path = path
        model = HEAD_KINDS[owner]
    if first["type"] == "extra_forbidden":
        return f"{owner} has no {path[0]}" if owner else f"there is no {'.'.join(path)}"
    known = model.model_fields.get(path[0])
    if known is not None and allowed(known):
        return f"{path[0]} = {first['input']!r} is not possible: {allowed(known)}"
    return f"{'.'.join(path)} = {first['input']!r} is not possible: {message[0].lower()}{message[1:]}"


def allowed(field: FieldInfo) -> str:
    """What may be given for a field, in words; empty for one that takes any text."""
    kinds = (field.annotation, *get_args(field.annotation))
    for kind in kinds:
        if get_origin(kind) is Literal:
            return f"choose one of {', '.join(map(str, get_args(kind)))}"
        if get_origin(kind) is tuple:
            return allowed(FieldInfo.from_annotation(get_args(kind)[0]))
    if bool in kinds:
        return "use true or false"
    limits = {name: getattr(rule, name) for rule in field.metadata for name in _LIMITS if hasattr(rule, name)}
    if int in kinds and "lt" in limits:
        limits["le"] = limits.pop("lt") - 1
    if not limits:
        return ""
    if limits.keys() == {"ge", "le"}:
        ends = f"from {_in_full(limits['ge'])} to {_in_full(limits['le'])}"
    else:
        ends = " and ".join(f"{_LIMITS[name]} {_in_full(limit)}" for name, limit in limits.items())
    return f"{'whole numbers' if int in kinds else 'numbers'} {ends} are allowed"


_LIMITS = {"ge": "from", "gt": "above", "le": "up to", "lt": "below"}


def _in_full(number: float) -> str:
    """1000000 → "1,000,000", 1e-6 → "0.000001"."""
    return f"{number:,}" if isinstance(number, int) else f"{number:.12f}".rstrip("0").rstrip(".")
