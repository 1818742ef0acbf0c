"""The features of a data set that can be chosen, and what heads on them weigh."""

from core.config.run import RunConfig
from core.data.banks import Listing, available_banks
from core.data.registry import DATASETS
from core.errors import LabError


def feature_choices(dataset: str) -> list[Listing]:
    """Features for one data set, those that are there first."""
    return [listing for listing in available_banks() if listing.features.dataset == dataset]


def find_features(dataset: str, key: str) -> Listing:
    """The listed features of this data set; `LabError` when there are none of that name."""
    for listing in feature_choices(dataset):
        if listing.features.cut.key == key:
            return listing
    raise LabError(f"features = {key!r} is not possible for {dataset}: choose another line of the menu")


def parameter_counts(config: RunConfig) -> tuple[int, int]:
    """Trainable parameters of a head on its features: (in the circuit, elsewhere)."""
    n_features = find_features(config.dataset, config.cut.key).n_features
    return config.head.count_trained(n_features, len(DATASETS[config.dataset].classes))
