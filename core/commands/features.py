"""Extract the features of a data set with a frozen network; an interrupted extraction goes on where it stopped."""

import argparse
import sys
from pathlib import Path
from typing import Any

from core.commands.terminal import ProgressLine, print_json
from core.config.run import RunConfig, run_config
from core.data.banks import (
    SHIPPED,
    FeatureBank,
    available_banks,
    linear_probe,
    load_bank,
    read_bank,
    write_bank,
)
from core.data.networks.registry import NETWORKS, network
from core.data.registry import DATASETS, dataset
from core.errors import LabError
from core.events import Progress
from core.files import check_folder
from core.settings import settings
from core.words import duration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which features, from which images and weights, and what to do with them."""
    parser.add_argument("--list", action="store_true", help="list the features there are, and those there could be")
    parser.add_argument("--dataset", default="ants_bees", metavar="NAME", help=_image_datasets())
    parser.add_argument("--backbone", default="", metavar="NAME", help=_networks())
    parser.add_argument("--layer", default="", metavar="NAME", help="layer to cut at; empty: the backbone's default")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="state_dict to use instead of the network's own")
    parser.add_argument("--weights-name", default="", metavar="NAME", help="their publisher's name, or a name for FILE")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="folder with images and weights (LAB_DATA_DIR)")
    parser.add_argument("--download", action="store_true", help="agree to download images and weights that are missing")
    parser.add_argument("--batch-size", type=int, default=32, metavar="N", help="images that the network sees at once")
    parser.add_argument("--output", type=Path, metavar="DIR", help="also store the bank in this folder")
    parser.add_argument(
        "--storage", choices=("float32", "float16", "packed"), default="float32", help="precision of --output"
    )
    parser.add_argument("--verify", action="store_true", help="compute a sample of a bank anew and compare")
    parser.add_argument("--probe", action="store_true", help="compare linear probes on the shipped and cached features")
    parser.add_argument("--json", action="store_true", help="print one JSON object for every step of progress")


def _networks() -> str:
    return (
        f"{', '.join(NETWORKS)} or torchvision's name of another classification network; empty: the data set's default"
    )


def _image_datasets() -> str:
    *others, last = (name for name, entry in DATASETS.items() if not entry.is_points)
    return f"{', '.join(others)} or {last}"


def run(given: argparse.Namespace) -> int:
    """Do what the options say; 1 when a verification fails."""
    if given.list:
        return _list()
    from core.data.backbones import name_of_weights

    if given.batch_size < 1:
        raise LabError(f"batch_size = {given.batch_size} is not possible: use 1 or more")
    if given.backbone and (given.dataset not in DATASETS or not DATASETS[given.dataset].is_points):
        network(given.backbone)
    names = {"dataset": given.dataset, "backbone": given.backbone, "layer": given.layer, "weights": given.weights_name}
    config = run_config(names)
    if given.weights and not given.weights_name:
        weights = name_of_weights(config.backbone, config.layer, given.weights)
        config = RunConfig.model_validate(names | {"weights": weights})
    if dataset(config.dataset).is_points:
        raise LabError(f"dataset = {config.dataset!r} is not possible: its points need no extraction, train on them")
    if given.probe:
        return _probe(config)
    if given.verify:
        return _verify(load_bank(config.features), given)

    if given.output:
        check_folder(given.output, "the features", "--output")

    from core.work.here import do
    from core.work.kinds.extract import Extract, FeaturesMade

    work = Extract(
        features=config.features,
        download=given.download,
        data_dir=given.data_dir,
        weights_file=given.weights,
        batch_size=given.batch_size,
    )
    show = _print_json if given.json else Line()
    made = do(work, lambda event: show(event) if isinstance(event, Progress) else None)
    assert isinstance(made, FeaturesMade)
    bank, path = read_bank(made.path), made.path
    if given.output:
        path = config.features.file(given.output)
        write_bank(bank, path, given.storage)
    _tell(given, {"bank": str(path), "title": bank.of.cut.title, "shape": list(bank.features.shape)})
    return 0


def _list() -> int:
    for line in available_banks():
        size = f"{line.megabytes:5.1f} MB" if line.megabytes else 8 * " "
        print(f"{line.state:9} {size}  {line.features.dataset:12} {line.n_features:5}  {line.title}")
    return 0


def _verify(bank: FeatureBank, given: argparse.Namespace) -> int:
    from core.data.extraction import verify

    result = verify(bank, data_dir=given.data_dir, weights_file=given.weights)
    _tell(given, vars(result) | {"agrees": result.agrees})
    return 0 if result.agrees else 1


def _probe(config: RunConfig) -> int:
    right = {}
    for folder in (SHIPPED, settings().cache_dir):
        path = config.features.file(folder)
        if not path.is_file():
            raise LabError(f"There is no {path}: extract these features on this machine first")
        right[folder] = linear_probe(read_bank(path))
        print(f"{100 * right[folder].mean():.2f} % of {len(right[folder]):,} test images with {path}")
    print(f"{(right[SHIPPED] != right[folder]).sum()} test images change between right and wrong")
    return 0


def _tell(given: argparse.Namespace, result: dict[str, Any]) -> None:
    if given.json:
        print_json(result)
    elif given.verify:
        print(
            f"{result['n_images']} images computed anew with {result['weights_source']}: the stored features are off "
            f"by {result['mean']:.4f} standard deviations on average, {result['largest']:.4f} at most: "
            f"{'they agree' if result['agrees'] else 'THEY DO NOT AGREE'}"
        )
    else:
        print(f"{result['title']}: {result['shape'][0]} images x {result['shape'][1]} features in {result['bank']}")


def _print_json(progress: Progress) -> None:
    print_json(vars(progress))


class Line:
    """Progress for a person, beside what a command prints."""

    def __init__(self) -> None:
        self.line = ProgressLine(sys.stderr)

    def __call__(self, progress: Progress) -> None:
        scale, unit = (1e6, "MB") if progress.unit == "bytes" else (1, progress.unit)
        text = f"{progress.what}: {progress.done / scale:,.0f} of {progress.total / scale:,.0f} {unit}"
        if progress.per_second:
            text += f", {progress.per_second / scale:,.1f} {unit}/s"
        if progress.seconds_left:
            text += f", {duration(progress.seconds_left)} left"
        if 0 < progress.total <= progress.done:
            self.line.end(text)
        else:
            self.line.show(text)
