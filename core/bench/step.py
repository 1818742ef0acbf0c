"""What one training step costs: ours, a classical network's, and the same step in other simulators, side by side.

A step is a whole one: Linear d→n, tanh·π/2, circuit, Linear n→classes, mean cross-entropy, all gradients, Adam. All
contestants start from the same weights on the same data, and must report the same loss before they are timed. They
take turns, round after round, in one process, so that a busy machine is busy for all of them; every step is timed, and
the median over all rounds counts, which a step that another process interrupts does not move.
"""

import os
import platform
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from math import pi
from time import perf_counter
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from core.bench import peers
from core.circuit.description import Circuit
from core.circuit.dressed import dressed_circuit
from core.circuit.simulator import expval, simulator
from core.config.heads.base import Head
from core.config.heads.bottleneck import Bottleneck
from core.config.heads.dressed_quantum import DressedQuantum
from core.training.layers import Quantum
from core.training.loop import cross_entropy, training_step
from core.training.network import Network
from core.training.optimiser import MemberAdam
from core.training.torch_module import TorchHead
from core.versions import version

LEARNING_RATE = 4e-4
SLICE = 0.02
"""Seconds that a contestant runs in one round, at least one step."""
PEER_BYTES = 6e9
"""A peer that keeps every gate's state for backpropagation is left out where they would need more memory."""


@dataclass(frozen=True)
class StepSize:
    """The size of a training step; members are networks that are trained together."""

    n_qubits: int = 4
    q_depth: int = 6
    batch_size: int = 4
    members: int = 1
    n_features: int = 512
    n_classes: int = 2
    device: str = "cpu"
    """Where ours and the classical twins compute, by torch's name."""
    engine: str = ""
    """Engine that runs our circuits, a name in `core.circuit.simulator.ENGINES`; empty: the one chosen there."""

    @property
    def head(self) -> DressedQuantum:
        """Not validated: the simulator goes on where the form ends, at 12 qubits."""
        return DressedQuantum().model_copy(update={"n_qubits": self.n_qubits, "q_depth": self.q_depth})

    def __str__(self) -> str:
        members = "one member" if self.members == 1 else f"{self.members} members"
        features = "" if self.n_features == StepSize.n_features else f", {self.n_features} features"
        device = "" if self.device == StepSize.device else f", {self.device}"
        engine = f", {self.engine}" if self.engine else ""
        size = f"{self.n_qubits} qubits, depth {self.q_depth}, batch {self.batch_size}, {members}"
        return f"{size}{features}{device}{engine}"

    def data(self) -> tuple[Tensor, Tensor]:
        """Features (members, batch, n_features) and labels (members, batch)."""
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(self.members, self.batch_size, self.n_features, generator=generator)
        labels = torch.randint(self.n_classes, (self.members, self.batch_size), generator=generator)
        return x.to(self.device), labels.to(self.device)

    def start(self, head: Head) -> dict[str, Tensor]:
        """Initial weights by name, each (members, *shape)."""
        return self.network(head).weights

    def network(self, head: Head) -> Network:
        """A head for this size with its initial weights."""
        network = Network(head, self.n_features, self.n_classes, self.members, self.device)
        network.initialise(range(self.members))
        self.force_engine(network)
        return network

    def force_engine(self, network: Network) -> None:
        """Have the network's circuit run by `engine`, if one is named; raises as `core.circuit.simulator.Simulator`."""
        for layer in network.layers:
            if isinstance(layer, Quantum) and self.engine:
                layer.circuit = simulator(layer.circuit.circuit, device=self.device, engine=self.engine)

    @property
    def chosen_engine(self) -> str:
        """Name of the engine that runs our circuit in this step."""
        run = simulator(dressed_circuit(self.head), device=self.device, engine=self.engine)
        return run.chosen(self.members * self.batch_size)


Step = Callable[[], float | Tensor]
"""One training step; what it returns is the loss of the first member before it."""


def ours(size: StepSize, head: Head) -> Step:
    """The laboratory's own training step, gradients by hand."""
    network = size.network(head)
    optimiser = MemberAdam(network.flat, network.flat_grad)
    optimiser.set_rate(network.per_member([LEARNING_RATE] * size.members))
    x, labels = size.data()
    target = functional.one_hot(labels, size.n_classes).float()
    return lambda: training_step(network, optimiser, x, target)


def autograd_step(
    size: StepSize, layer: Callable[[Tensor], Tensor], inner: Sequence[Tensor], head: Head, fused: bool
) -> Step:
    """The step as a user writes it in plain torch, around a layer between the two dense ones.

    layer maps (members, batch, n) to the same shape, or (batch, n) for a single member.
    """
    names = ("pre.weight", "pre.bias", "post.weight", "post.bias")
    start = size.start(head)
    single = size.members == 1
    dense = [start[name][0 if single else slice(None)].clone().requires_grad_() for name in names]
    x, labels = size.data()
    x, labels = (x[0], labels[0]) if single else (x, labels.flatten())
    optimiser = torch.optim.Adam([*dense, *inner], lr=LEARNING_RATE, fused=fused or None)

    def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        if single:
            return functional.linear(x, weight, bias)
        return torch.baddbmm(bias[:, None], x, weight.transpose(1, 2))

    def step() -> Tensor:
        optimiser.zero_grad()
        logits = linear(layer(torch.tanh(linear(x, *dense[:2]))), *dense[2:])
        loss = functional.cross_entropy(logits.flatten(0, -2), labels)
        (loss if single else loss * size.members).backward()
        optimiser.step()
        return loss.detach()

    return step


def classical_autograd(size: StepSize, fused: bool) -> Step:
    """The classical twin, Linear d→n, tanh, Linear n→classes, with torch.optim.Adam."""
    return autograd_step(size, lambda x: x, [], Bottleneck(width=size.n_qubits), fused)


def module(size: StepSize, fused: bool) -> Step:
    """`core.training.torch_module.TorchHead` in a plain training loop, with torch.optim.Adam."""
    head = TorchHead(size.head, size.n_features, size.n_classes, tuple(range(size.members)), size.device)
    size.force_engine(head.network)
    x, labels = size.data()
    x, labels = (x[0], labels[0]) if size.members == 1 else (x, labels.flatten())
    optimiser = torch.optim.Adam(head.parameters(), lr=LEARNING_RATE, fused=fused or None)

    def step() -> Tensor:
        optimiser.zero_grad()
        loss = functional.cross_entropy(head(x).flatten(0, -2), labels)
        (loss if size.members == 1 else loss * size.members).backward()
        optimiser.step()
        return loss.detach()

    return step


def expval_fused(size: StepSize) -> Step:
    """`core.circuit.simulator.expval` as a drop-in operation between layers of plain torch, with torch's fused Adam."""
    circuit, angles = _circuit_and_angles(size)
    parameter = angles[0 if size.members == 1 else slice(None)].requires_grad_()

    def layer(x: Tensor) -> Tensor:
        return expval(circuit, x * (pi / 2), parameter, size.engine)

    return autograd_step(size, layer, [parameter], size.head, fused=True)


def peer(size: StepSize, name: str) -> Step:
    """A torch library's circuit in the same step, with torch's fused Adam; one member."""
    circuit, angles = _circuit_and_angles(size)
    layer, parameters = peers.TORCH_LAYERS[name](circuit, angles[0])
    return autograd_step(size, lambda x: layer(x * (pi / 2)), parameters, size.head, fused=True)


def tensorcircuit(size: StepSize, from_state: bool) -> Step:
    """TensorCircuit-NG on JAX, the whole step compiled."""
    circuit, _ = _circuit_and_angles(size)
    return peers.tensorcircuit_step(circuit, *size.data(), size.start(size.head), from_state)


def _circuit_and_angles(size: StepSize) -> tuple[Circuit, Tensor]:
    return dressed_circuit(size.head), size.start(size.head)["circuit.weights"].clone()


OURS = ("ours", "module", "module_fused", "expval_fused", "classical_ours", "classical", "classical_fused")
PEERS = {
    "tensorcircuit": "tensorcircuit-ng",
    "tensorcircuit_state": "tensorcircuit-ng",
    "pennylane_loop": "pennylane",
    "pennylane_broadcast": "pennylane",
    "lightning": "pennylane-lightning",
    "pyqtorch": "pyqtorch",
    "deepquantum": "deepquantum",
    "torchquantum": "torchquantum",
    "qandle": "qandle",
}
"""Contestant → package that must be installed."""
ANY_MEMBERS = (*OURS, "ours_on_cpu", "tensorcircuit", "tensorcircuit_state")
"""Contestants that train several members at once."""
LABELS = {
    "ours": "this laboratory, training step",
    "ours_on_cpu": "this laboratory, training step, on the same machine's processor",
    "module": "this laboratory, head as torch module, Adam",
    "module_fused": "this laboratory, head as torch module, fused Adam",
    "expval_fused": "this laboratory, expval in plain torch, fused Adam",
    "classical_ours": "classical twin, this laboratory's training step",
    "classical": "classical twin, plain torch, Adam",
    "classical_fused": "classical twin, plain torch, fused Adam",
    "tensorcircuit": "TensorCircuit-NG on JAX, jit, expectation_ps",
    "tensorcircuit_state": "TensorCircuit-NG on JAX, jit, from amplitudes",
    "pennylane_loop": "PennyLane default.qubit, loop over samples",
    "pennylane_broadcast": "PennyLane default.qubit, broadcast",
    "lightning": "PennyLane lightning.qubit, adjoint",
    "pyqtorch": "pyqtorch",
    "deepquantum": "deepquantum",
    "torchquantum": "torchquantum",
    "qandle": "qandle",
}


def contestant(size: StepSize, name: str) -> Step:
    """A contestant's step, ready to be called; when it returns, its device has done it."""
    step = _contestant(size, name)
    if size.device == StepSize.device or name == "ours_on_cpu":
        return step

    def finished_step() -> float | Tensor:
        value = step()
        torch.cuda.synchronize(size.device)
        return value

    return finished_step


def _contestant(size: StepSize, name: str) -> Step:
    match name:
        case "ours":
            return ours(size, size.head)
        case "ours_on_cpu":
            size = replace(size, device=StepSize.device)
            return ours(size, size.head)
        case "module" | "module_fused":
            return module(size, fused=name == "module_fused")
        case "expval_fused":
            return expval_fused(size)
        case "classical_ours":
            return ours(size, Bottleneck(width=size.n_qubits))
        case "classical" | "classical_fused":
            return classical_autograd(size, fused=name == "classical_fused")
        case "tensorcircuit" | "tensorcircuit_state":
            return tensorcircuit(size, from_state=name == "tensorcircuit_state")
        case _:
            return peer(size, name)


def installed() -> list[str]:
    """The peers whose packages are here."""
    return [name for name, package in PEERS.items() if version(package)]


def fits(size: StepSize, name: str) -> bool:
    """Whether a contestant can take this size: libraries other than JAX train one member, in bounded memory."""
    if name in ANY_MEMBERS:
        return True
    rows = 1 if name in ("pennylane_loop", "lightning") else size.batch_size
    amplitudes = rows * 2**size.n_qubits * (2**size.n_qubits if name == "qandle" else 1)
    return size.members == 1 and 16 * amplitudes * len(dressed_circuit(size.head).gates) < PEER_BYTES


def measure(
    entries: Sequence[tuple[str, StepSize]], rounds: int = 25, seconds: float = 4.0, limit: float = 20.0
) -> dict[tuple[str, StepSize], float]:
    """Median milliseconds of one step of every contestant, which take turns for some rounds.

    A contestant gets about ``seconds`` and three rounds at least; one whose step takes longer than ``limit`` seconds is
    left out. Raises `RuntimeError` when a contestant's loss is not that of the others on the same size.
    """
    steps: dict[tuple[str, StepSize], tuple[Step, int, int]] = {}
    losses: dict[tuple[StepSize, bool], float] = {}
    for name, size in entries:
        step = contestant(size, name)
        loss = _loss(step(), size)
        expected = losses.setdefault((size, name.startswith("classical")), loss)
        if abs(loss - expected) > 1e-3:
            raise RuntimeError(f"{name} computes a loss of {loss} where {expected} is expected on {size}")
        began = perf_counter()
        step()
        took = perf_counter() - began
        if took > limit:
            continue
        if took < SLICE:
            began = perf_counter()
            step()
            took = perf_counter() - began
        repeats = max(1, min(500, int(SLICE / took)))
        steps[name, size] = step, repeats, max(3, min(rounds, int(seconds / (took * repeats))))
    times: dict[tuple[str, StepSize], list[float]] = {key: [] for key in steps}
    for index in range(rounds):
        for key, (step, repeats, own_rounds) in steps.items():
            if index < own_rounds:
                for _ in range(repeats):
                    began = perf_counter()
                    step()
                    times[key].append((perf_counter() - began) * 1e3)
    return {key: statistics.median(values) for key, values in times.items()}


def _loss(value: float | Tensor, size: StepSize) -> float:
    """Our training step returns logits, the others the mean loss, JAX's that of the first member."""
    if isinstance(value, float):
        return value if size.members == 1 else float("nan")
    if value.dim() == 0:
        return value.item()
    target = functional.one_hot(size.data()[1], size.n_classes).float()
    return cross_entropy(value, target.to(value.device)).mean().item()


def compare_step(size: StepSize, names: Sequence[str], rounds: int = 25, seconds: float = 4.0) -> dict[str, Any]:
    """One training step of every contestant, and the ratios that matter, as plain data.

    ``ms`` is our training step and ``classical_ms`` the classical twin in plain torch with torch.optim.Adam, both for
    all members; ``ratio_to_classical`` and ``members_32_ratio_to_classical`` are the one over the other. ``…_alike``
    compares with the classical twin in our own training step, ``autograd_…`` both in autograd with the same optimiser.
    Speedups are per seed; ``speedup_over_cpu`` is that of a GPU, over the processor of the same machine.
    """
    chosen = [*OURS, *(name for name in names if name not in OURS)]
    one, many = replace(size, members=1), replace(size, members=32)
    entries = [(name, size if name in ANY_MEMBERS else one) for name in chosen]
    entries = [(name, own) for name, own in entries if fits(own, name)]
    entries += [("ours", one), ("ours", many), ("classical_ours", many), ("classical", many)]
    times = measure(list(dict.fromkeys(entries)), rounds, seconds)

    def speedup(name: str) -> float | None:
        own = size if name in ANY_MEMBERS else one
        if (name, own) not in times:
            return None
        return times[name, own] * (size.members / own.members) / times["ours", size]

    speedups = {name: speedup(name) for name in chosen if name in PEERS}
    known = {name: value for name, value in speedups.items() if value is not None}
    result = asdict(size) | {
        "ms": times["ours", size],
        "classical_ms": times["classical", size],
        "ratio_to_classical": times["ours", size] / times["classical", size],
        "ratio_to_classical_alike": times["ours", size] / times["classical_ours", size],
        "autograd_ratio_to_classical": times["module", size] / times["classical", size],
        "autograd_fused_ratio_to_classical": times["module_fused", size] / times["classical_fused", size],
        "speedup_over_pennylane_loop": speedups.get("pennylane_loop"),
        "speedup_over_pennylane_broadcast": speedups.get("pennylane_broadcast"),
        "fastest_peer": min(known, key=lambda name: known[name]) if known else None,
        "speedup_over_fastest_peer": min(known.values()) if known else None,
        "members_32_over_1": times["ours", many] / times["ours", one],
        "members_32_ratio_to_classical": times["ours", many] / times["classical", many],
        "members_32_ratio_to_classical_alike": times["ours", many] / times["classical_ours", many],
        "speedup_over_cpu": speedup("ours_on_cpu"),
        "contestants": [
            {"name": name, "members": own.members, "ms": ms, "speedup": speedups.get(name)}
            for (name, own), ms in times.items()
        ],
    }
    return dict(rounded(result))


def scaling_sizes(axes: Sequence[str], max_qubits: int) -> Iterator[tuple[str, StepSize]]:
    """What `bench scaling` measures: every axis varied around the paper's ants-and-bees circuit."""
    for axis in axes:
        match axis:
            case "qubits":
                sizes = [StepSize(n_qubits=n, batch_size=32) for n in range(2, max_qubits + 1, 2)]
            case "depth":
                sizes = [StepSize(q_depth=depth) for depth in (1, 2, 4, 6, 10, 20)]
            case "batch":
                sizes = [StepSize(batch_size=size) for size in (1, 4, 16, 32, 128, 512)]
            case _:
                sizes = [StepSize(members=members) for members in (1, 2, 4, 8, 16, 32, 64)]
        yield from ((axis, size) for size in sizes)


def compare_scaling(
    axes: Sequence[str], names: Sequence[str], max_qubits: int, seconds: float, limit: float
) -> Iterator[dict[str, Any]]:
    """One row for every axis, size and contestant; a contestant whose step exceeds ``limit`` seconds leaves its axis.

    A library that trains one member at a time is charged its time for one, times the members.
    """
    given_up: set[tuple[str, str]] = set()
    for axis, size in scaling_sizes(axes, max_qubits):
        able = [name for name in names if (axis, name) not in given_up]
        own = {name: size if fits(size, name) else replace(size, members=1) for name in able}
        entries = [(name, one) for name, one in own.items() if fits(one, name)]
        times = measure(entries, rounds=11, seconds=seconds, limit=limit)
        for name, one in entries:
            if (name, one) not in times or times[name, one] > limit * 1e3:
                given_up.add((axis, name))
            if (name, one) in times:
                ms = times[name, one] * size.members / one.members
                yield {"axis": axis, **asdict(size), "name": name, "ms": rounded(ms)}


def machine(names: Sequence[str], device: str = StepSize.device) -> dict[str, Any]:
    """Where this was measured and with which versions."""
    packages = {"torch", *(PEERS[name] for name in names if name in PEERS)}
    packages |= {"jax"} if "tensorcircuit-ng" in packages else set()
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in sorted(packages)},
    } | ({} if device == StepSize.device else {"gpu": torch.cuda.get_device_name(device)})


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def rounded(value: Any) -> Any:
    """Four significant digits: no measurement here is better than that."""
    if isinstance(value, dict):
        return {name: rounded(part) for name, part in value.items()}
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return value
