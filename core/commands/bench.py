"""Measure what a training step costs, beside classical networks and other simulators on the same machine.

``step`` compares one training step of every contestant that is installed; ``profile`` says where ours spends its time;
``scaling`` varies qubits, depth, batch and members; ``run`` times the paper's whole ants-and-bees protocol;
``verdicts`` counts how often the rule of verdicts is wrong on made-up heads whose truth is known.
"""

import argparse
import math
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from core.commands.terminal import print_json
from core.errors import LabError
from core.files import check_folder, replace_text, writing
from core.settings import settings

if TYPE_CHECKING:
    from core.bench.step import StepSize


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Size of the step, contestants, and where to write."""
    parser.add_argument(
        "what",
        choices=("step", "profile", "scaling", "run", "verdicts"),
        help="one step; its operations; curves; the whole protocol; errors of the rule of verdicts",
    )
    size = parser.add_argument_group("size of the step that step and profile measure")
    size.add_argument("--n-qubits", type=int, default=4, metavar="N", help="qubits, default 4")
    size.add_argument("--q-depth", type=int, default=6, metavar="N", help="depth, default 6")
    size.add_argument("--batch-size", type=int, default=4, metavar="N", help="samples in a step, default 4")
    size.add_argument("--members", type=int, default=1, metavar="N", help="networks trained at once, default 1")
    parser.add_argument(
        "--device", default="cpu", metavar="NAME", help="where step computes: cpu, cuda for a GPU; default cpu"
    )
    parser.add_argument(
        "--engine",
        default="",
        metavar="NAME",
        help="engine that runs our circuit in step; default: the one chosen for it",
    )
    parser.add_argument("--n-features", type=int, default=512, metavar="N", help="width of the features, default 512")
    parser.add_argument(
        "--against", metavar="NAME,NAME", help="peers to measure; default: all that are installed; none: no peer"
    )
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads of torch, default 1")
    parser.add_argument("--rounds", type=int, default=25, metavar="N", help="rounds of a step comparison, default 25")
    parser.add_argument("--seconds", type=float, default=4.0, metavar="S", help="time for each contestant, default 4")
    parser.add_argument("--axes", default="qubits,depth,batch,members", metavar="NAME,..", help="curves of scaling")
    parser.add_argument("--max-qubits", type=int, default=16, metavar="N", help="end of the qubits' curve, default 16")
    parser.add_argument("--seeds", default="1,32", metavar="N,N", help="numbers of seeds that run times, default 1,32")
    parser.add_argument("--epochs", type=int, default=30, metavar="N", help="epochs that run times, default 30")
    parser.add_argument("--runs", type=int, default=10_000, metavar="N", help="runs of verdicts, default 10000")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="also draw scaling to this HTML file")
    parser.add_argument("--save", action="store_true", help="store the measurement in results/benchmarks/")
    parser.add_argument("--json", action="store_true", help="the last line of output is one JSON object")


def run(given: argparse.Namespace) -> int:
    """Measure and print."""
    _check(given)
    import torch

    from core.bench.step import machine

    torch.set_num_threads(given.threads)
    names = _contestants(given)
    measure = {"step": _step, "profile": _profile, "scaling": _scaling, "run": _run, "verdicts": _verdicts}[given.what]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other people's libraries
        result = measure(given, names) | {"machine": machine(names, given.device)}
    if given.save:
        from core.bench.report import save

        print(f"written to {save(given.what, result, _folder())}", file=sys.stderr)
    if given.json:
        print_json(result)
    return 0


def _folder() -> Path:
    return settings().results_dir / "benchmarks"


def _check(given: argparse.Namespace) -> None:
    for name in ("q_depth", "batch_size", "members", "n_features", "threads", "rounds", "epochs", "runs"):
        if getattr(given, name) < 1:
            raise LabError(f"{name} = {getattr(given, name)} is not possible: use 1 or more")
    for name in ("n_qubits", "max_qubits"):
        if not 2 <= getattr(given, name) <= 20:
            raise LabError(f"{name} = {getattr(given, name)} is not possible: use 2 to 20")
    if not 0 < given.seconds < math.inf:
        raise LabError(f"seconds = {given.seconds} is not possible: use a number above 0, such as 4")
    if given.figure and given.what != "scaling":
        raise LabError(f"figure = {given.figure} is not possible with {given.what}: only scaling is drawn")
    if given.figure and given.figure.suffix.lower() not in (".html", ".htm"):
        raise LabError(f"figure = {given.figure} is not possible: the figure is a page, name a file that ends in .html")
    if given.device != "cpu" and given.what != "step":
        raise LabError(f"device = {given.device} is not possible with {given.what}: only step takes another than cpu")
    if given.engine and given.what != "step":
        raise LabError(f"engine = {given.engine} is not possible with {given.what}: only step takes one")
    unknown = set(given.axes.split(",")) - {"qubits", "depth", "batch", "members"}
    if unknown:
        raise LabError(f"axes = {given.axes} is not possible: choose from qubits, depth, batch, members")
    if not all(part.isdigit() and int(part) > 0 for part in given.seeds.split(",")):
        raise LabError(f"seeds = {given.seeds} is not possible: give whole numbers such as 1,32")
    if given.figure:
        check_folder(given.figure.absolute().parent, "the figure", "--figure")
    if given.save:
        check_folder(_folder(), "the measurement", "LAB_RESULTS_DIR")


def _contestants(given: argparse.Namespace) -> list[str]:
    """Ours and the chosen peers; `LabError` for one that is unknown or not installed."""
    from core.bench.step import OURS, PEERS, installed

    here = installed()
    if given.device != "cpu":
        if given.against not in (None, "none"):
            raise LabError(
                f"against = {given.against} is not possible on {given.device}: others compute on the processor"
            )
        return [*OURS, "ours_on_cpu"]
    if given.against is None:
        return [*OURS, *here]
    chosen = [name for name in given.against.split(",") if name != "none"]
    for name in chosen:
        if name not in PEERS:
            raise LabError(f"against = {name} is not known: choose from {', '.join(PEERS)}, or none")
        if name not in here:
            raise LabError(f"against = {name} is not installed: pip install -r requirements-peers.txt")
    return [*OURS, *chosen]


def _size(given: argparse.Namespace) -> "StepSize":
    from core.bench.step import StepSize

    return StepSize(given.n_qubits, given.q_depth, given.batch_size, given.members, given.n_features)


def _step(given: argparse.Namespace, names: list[str]) -> dict[str, Any]:
    from core.bench.step import LABELS, compare_step
    from core.training.loop import enough_memory, existing_device

    device = existing_device(given.device)
    size = replace(_size(given), device=str(device), engine=given.engine)
    engine = "" if size.engine else f"; our circuit runs in {size.chosen_engine}"
    with enough_memory(device):
        result = compare_step(size, names, given.rounds, given.seconds)
    print(f"{size}{engine}\n")
    print(f"{'one training step, median':52}{'members':>8}{'ms':>12}{'ours is':>12}")
    for row in result["contestants"]:
        faster = f"{row['speedup']:.4g} ×" if row["speedup"] else ""
        print(f"{LABELS[row['name']]:52}{row['members']:8}{row['ms']:12.4g}{faster:>12}")
    return result


def _profile(given: argparse.Namespace, names: list[str]) -> dict[str, Any]:
    from core.bench.profile import SHOWN_OPERATIONS, profile_step

    size = _size(given)
    result = profile_step(size)
    print(f"{size}\n")
    print(f"{'operation':28}{'calls':>8}{'ms':>12}")
    for operation in result["operations"][:SHOWN_OPERATIONS]:
        print(f"{operation['name']:28}{operation['calls']:8.4g}{operation['ms']:12.4g}")
    print(
        f"\na step takes {result['step_ms']:.4g} ms; the {result['flops'] / 1e6:.4g} million operations of its matrix "
        f"products take {result['least_ms']:.4g} ms at the speed of one large product here"
    )
    return result


def _scaling(given: argparse.Namespace, names: list[str]) -> dict[str, Any]:
    from core.bench.step import LABELS, PEERS, compare_scaling

    names = [name for name in names if name in ("ours", "classical") or name in PEERS]
    rows = []
    for row in compare_scaling(given.axes.split(","), names, given.max_qubits, given.seconds / 4, limit=1.0):
        rows.append(row)
        size = f"{row['n_qubits']} qubits, depth {row['q_depth']}, batch {row['batch_size']}, {row['members']} members"
        print(f"{size:50}{LABELS[row['name']]:52}{row['ms']:12.4g} ms", flush=True)
    if given.figure:
        from core.bench.report import scaling_figure

        with writing(given.figure.absolute().parent, "the figure", "--figure"):
            replace_text(given.figure, scaling_figure(rows).to_html())
    return {"rows": rows}


def _run(given: argparse.Namespace, names: list[str]) -> dict[str, Any]:
    from core.config.run import run_config
    from core.data.banks import load_bank
    from core.events import Epoch, Finished
    from core.training.loop import train

    result: dict[str, Any] = {"epochs": given.epochs, "seconds": {}, "first_epoch_seconds": {}, "test_accuracy": {}}
    for seeds in given.seeds.split(","):
        config = run_config({"seeds": int(seeds), "epochs": given.epochs})
        bank = load_bank(config.features)
        began, first = perf_counter(), None
        for event in train(config, bank, device=given.device):
            if isinstance(event, Epoch) and first is None:
                first = perf_counter() - began
            if isinstance(event, Finished):
                result["test_accuracy"][seeds] = sum(event.test_accuracy) / len(event.test_accuracy)
        result["seconds"][seeds] = round(perf_counter() - began, 3)
        result["first_epoch_seconds"][seeds] = round(first or 0.0, 3)
        seconds, first = result["seconds"][seeds], result["first_epoch_seconds"][seeds]
        print(
            f"ants and bees, {given.epochs} epochs, {seeds} seeds: {seconds:.2f} s, first epoch after {first:.2f} s",
            flush=True,
        )
    return result


def _verdicts(given: argparse.Namespace, names: list[str]) -> dict[str, Any]:
    from core.bench.verdicts import simulate

    rows = []
    for world, question, share in simulate(given.runs):
        rows.append({"world": world, "question": question, "count": share.count, "upper": round(share.upper, 4)})
        print(f"{world:18}{question:58}{share.value:8.2%}   at most {share.upper:.2%}", flush=True)
    return {"runs": given.runs, "rows": rows}
