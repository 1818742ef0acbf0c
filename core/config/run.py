"""What a run is: validated when it is made, frozen afterwards, the same object in form, URL, terminal and record."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError, model_validator

from core.config.frozen import Frozen
from core.config.heads.base import Head
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.registry import HEAD_KINDS, HeadConfig, validate_head
from core.data.cuts import POINTS, Cut, default_cut
from core.data.features import Features
from core.data.registry import DATASETS
from core.errors import LabError
from core.validation import OneOf, one_sentence


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

    dataset: Annotated[str, OneOf(DATASETS)] = Field("ants_bees", description="Data set to classify.")
    backbone: str = Field("", max_length=64, description="Frozen network; empty: the data set's default.")
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
    split_per_seed: bool = Field(
        True, description="Cut anew for every seed, so that seeds differ in their validation data too; false: one cut."
    )
    standardise: bool = Field(
        False,
        description="Shift and scale every feature to mean 0 and deviation 1 on the training data; false: as in the "
        "paper.",
    )
    patience: int = Field(
        0, ge=0, le=1000, description="Epochs without a lower validation loss after which a seed stops; 0: never."
    )
    adam_beta2: float = Field(
        0.999, ge=0.5, le=0.99999, description="How long Adam remembers squared gradients; the paper's had 0.99."
    )
    protocol: Literal["ours", "paper", "paper_last", "paper_batchnorm"] = Field(
        "ours",
        description="ours: the epoch is chosen on validation data, tested once; paper: train on all, test every epoch, "
        "report the best; paper_last: the same, report the last, as the paper's notebooks on points; paper_batchnorm: "
        "as paper, with BatchNorm in training mode, on images (`python -m core paper`).",
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_features(cls, values: Any) -> Any:
        """Fill empty backbone, layer and weights with defaults, so that a record is complete."""
        if not isinstance(values, dict):
            return values
        values = dict(values)
        entry = DATASETS.get(str(values.get("dataset", "ants_bees")))
        if entry is not None:
            is_other = values.get("backbone") and not entry.is_points
            cut = default_cut(values["backbone"]) if is_other else entry.default_cut
            values |= {name: values.get(name) or value for name, value in vars(cut).items()}
        if values.get("protocol", "ours") != "ours":
            values["split_per_seed"] = False  # nothing is cut off: equal computations have equal configurations
        return values

    @model_validator(mode="after")
    def _features_fit(self) -> "RunConfig":
        if DATASETS[self.dataset].is_points != (self.backbone == POINTS.backbone):
            raise ValueError(f"backbone {self.backbone} does not fit dataset {self.dataset}; leave backbone empty")
        if not self.layer:
            raise ValueError(f"layer is missing: name the layer of {self.backbone} to cut at")
        return self

    @model_validator(mode="after")
    def _protocol_fits(self) -> "RunConfig":
        if self.patience and self.protocol != "ours":
            raise ValueError(
                f"patience = {self.patience} is not possible with protocol {self.protocol}, which has no validation "
                "data: set patience to 0"
            )
        if self.standardise and self.protocol == "paper_batchnorm":
            raise ValueError(
                "standardise is not possible with protocol paper_batchnorm, whose features change in every batch: set "
                "standardise to false"
            )
        return self

    @property
    def cut(self) -> Cut:
        """Where the features come from."""
        return Cut(self.backbone, self.layer, self.weights)

    @property
    def features(self) -> Features:
        """The stored features that the head is trained on.

        Raises `LabError` under "paper_batchnorm", which computes features anew in every batch.
        """
        if self.protocol == "paper_batchnorm":
            raise LabError(
                "protocol = 'paper_batchnorm' is not possible with stored features, which it computes anew in every "
                "batch: run its row with `python -m core paper run ROW`"
            )
        return Features(self.dataset, self.cut)

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


def run_config(values: dict[str, Any]) -> RunConfig:
    """A run configuration from plain values; a bad value raises `LabError` with one sentence."""
    with refused_in_one_sentence():
        return RunConfig.model_validate(values)


def stored_config(values: dict[str, Any]) -> RunConfig:
    """The configuration in a record; a bad value raises `LabError` with one sentence."""
    return run_config(with_old_meaning(values))


def with_old_meaning(values: dict[str, Any]) -> dict[str, Any]:
    """Values of a stored configuration; fields that were not there when it was stored have the meaning of that time."""
    return {"split_per_seed": False} | values


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
        raise LabError(config_sentence(error)) from None


def config_sentence(error: ValidationError, model: type[BaseModel] | None = None) -> str:
    """The first problem of a failed validation of a run, a head or something that holds them (``model``)."""
    return one_sentence(error, model or RunConfig, HEAD_KINDS)
