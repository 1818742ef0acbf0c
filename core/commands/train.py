"""Train one head from several seeds at once and store the run under results/."""

import argparse

from core.commands.run_options import add_run_options, given_fields, given_head_fields
from core.commands.terminal import ProgressLine, print_json
from core.config.heads.registry import HEAD_KINDS
from core.config.run import RunConfig, run_config
from core.data.banks import find_bank_file
from core.data.cuts import POINTS
from core.data.networks.registry import network
from core.data.registry import dataset
from core.errors import LabError
from core.events import Checkpoint, Epoch, Event, Finished, Started, Step, to_json
from core.settings import settings
from core.words import duration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One option for every field of `RunConfig` and of every head."""
    parser.add_argument("--head", choices=HEAD_KINDS, default="dressed_quantum", help="the trained part")
    add_run_options(parser)
    parser.add_argument("--weights", dest="weights_file", help=argparse.SUPPRESS)
    parser.add_argument("--resume", metavar="RUN_ID", help="go on with a stored run; all other settings are its own")
    parser.add_argument("--json", action="store_true", help="print one JSON object for every event")


def run(given: argparse.Namespace) -> int:
    """Train and print what happens."""
    from core.runs.store import SHIPPED, Store
    from core.work.here import record
    from core.work.resume import resumable, training

    store = Store(also=SHIPPED)
    if given.resume:
        record_so_far, work, material, checkpoint = resumable(store, given.resume)
    else:
        config = config_from(given)
        _check_cut(config)
        record_so_far, work, checkpoint = None, training(config), None
        material = work.material()

    import torch  # only now: a mistake is answered at once

    from core.training.loop import existing_device

    existing_device(settings().device)
    run_id = record_so_far.run_id if record_so_far else store.create(work.config, work.provenance(material))
    torch.set_num_threads(1)  # a run's numbers are the same wherever it is trained
    show = _print_json if given.json else _Words(work.config.epochs)
    record(work.events(material, checkpoint), store, run_id, lambda event: show(event, run_id))
    return 0


def config_from(given: argparse.Namespace) -> RunConfig:
    """The run that the options describe; `LabError` for an option that the head does not have."""
    if given.weights_file:
        raise LabError(
            "train has no --weights: extract with `python -m core features --weights FILE --weights-name NAME`, then "
            "train with --weights-name NAME"
        )
    if given.backbone and given.backbone != POINTS.backbone:
        network(given.backbone)
    return run_config(given_fields(given) | {"head": given_head_fields(given) | {"kind": given.head}})


def _check_cut(config: RunConfig) -> None:
    """Raise `LabError` when there are no such features and never can be, since the network has no such layer."""
    if not dataset(config.dataset).is_points and find_bank_file(config.features) is None:
        from core.data.backbones import cut_network

        cut_network(config.cut)


def _print_json(event: Event, run_id: str) -> None:
    if isinstance(event, Checkpoint):
        return
    values = to_json(event)
    if isinstance(event, Started | Finished):
        values["run_id"] = run_id
    print_json(values)


class _Words:
    """One line that is rewritten while training goes on, and what came out at the end."""

    def __init__(self, epochs: int) -> None:
        self.line = ProgressLine()
        self.epochs = epochs
        self.seconds = 0.0
        self.done = 0

    def __call__(self, event: Event, run_id: str) -> None:
        match event:
            case Started():
                total = event.quantum_parameters + event.classical_parameters
                print(
                    f"{run_id}: {len(event.seeds)} seeds on {event.device}, {total:,} trainable parameters "
                    f"({event.quantum_parameters:,} in the circuit), {event.n_train} training samples"
                )
            case Step():
                self.line.show(f"epoch {event.epoch}/{self.epochs}, step {event.step}")
            case Epoch():
                self.seconds += event.seconds
                self.done += 1
                left = self.seconds / self.done * (self.epochs - event.epoch)
                self.line.show(
                    f"epoch {event.epoch}/{self.epochs}  loss {_mean(event.train_loss):.3f}  "
                    f"validation {_mean(event.validation_accuracy):.1%}  {duration(left)} left",
                    milestone=True,
                )
            case Finished():
                accuracies = "  ".join(f"{accuracy:.1%}" for accuracy in event.test_accuracy)
                mean = f"test accuracy {_mean(event.test_accuracy):.1%}, mean over seeds"
                self.line.end(f"{mean}, in {event.seconds:.1f} s")
                print(f"each seed: {accuracies}")


def _mean(values: list[float]) -> float:
    """Mean over the members that have a value."""
    known = [value for value in values if value == value]
    return sum(known) / len(known) if known else float("nan")
