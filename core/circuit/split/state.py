"""The split state: qubits in groups of up to four, one matrix product for each group and layer. For many qubits.

A state is one tensor (members, K_1, …, K_(g−1), batch, K_g) with K_j = 2^(qubits in group j). Gates between groups act
on slices of it (`core.circuit.gate_by_gate`), and so do rotations by inputs in mid-circuit. Everything else is
collected: all gates inside group j between two such gates make one K_j × K_j matrix

    U = E V† diag(exp(iφ)) V O = Σ_s exp(iφ_s) A_s,   φ_s = −½ Σ_j s_j θ_j

(`core.circuit.moments`) for each member. It is linear in the phases, so one product with a constant makes the matrices
of all layers. U acts on all samples in one product: 2 K_j operations for each amplitude, where the matrix of the whole
circuit would take 2^(n+1). Products of different groups commute; they make a layer.

Gradients: with λ = ∂L/∂ψ and ψ after a layer, and Γ_ab = Σ conj(λ_a) ψ_b summed over everything but group j,

    ∂L/∂θ = Re Σ_ab Γ_ab g_ab,   g = −½ i E V† diag(s) V E†  (constant)

The state after each layer is kept; when that would need too much memory, none is, and ψ is walked back with λ.

All gates in a group before the first that is not collected make its opening state: a small circuit in phase form
(`core.circuit.phase_form`), where samples differ by their inputs.
"""

from math import inf
from typing import ClassVar

import torch
from torch import Tensor

from core.circuit.description import Circuit, primitive_gates
from core.circuit.engine import Abilities, Accelerator
from core.circuit.gate_by_gate import Layout
from core.circuit.phase_form import real_numbers
from core.circuit.split.matrices import Matrices, MatrixBuffers
from core.circuit.split.memory import Groups, Numbers
from core.circuit.split.opening import Opening, OpeningBuffers
from core.circuit.split.parts import CnotPart, GatePart, MatrixLayerPart, Part, Path
from core.circuit.split.readout import Measurement, Readout
from core.circuit.split.schedule import MatrixLayer, Product, schedule, split_wires, steps
from core.circuit.workspaces import Workspaces
from core.config.gates import Gate

GROUP_QUBITS = 4
KEPT_BYTES = 1 << 29
"""Most memory for the states of all layers; beyond it they are computed again on the way back."""
ONE_GROUP = 32
"""Real numbers up to which there is one group, and a split state is a phase form that takes more calls."""
CALLS = {"cpu": {"real": 1 << 20, "complex": 1 << 20}, "cuda": {"real": 1 << 32, "complex": 1 << 29}}
"""Cost of a split state where the phase form still competes with it: there its time is that of its calls.

The rows times (2S)² from which on a split state is faster, measured on one core with 4 to 8 qubits and on an H200 with
5 to 11, depth 6, 4 to 16,384 rows; `python -m core bench step --engine NAME` measures one size with one engine.
"""


class SplitState:
    """One circuit as layers of products (an `Engine`); constants only, the buffers are in `_Walk`."""

    abilities: ClassVar = Abilities()

    @staticmethod
    def cost(circuit: Circuit, accelerator: Accelerator, rows: int) -> float:
        """`CALLS`, however many rows there are; `inf` where there is nothing to split."""
        if real_numbers(circuit) <= ONE_GROUP:
            return inf
        return CALLS[accelerator]["real" if circuit.real else "complex"]

    def __init__(
        self,
        circuit: Circuit,
        dtype: torch.dtype,
        device: torch.device,
        group_qubits: int = GROUP_QUBITS,
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        self.circuit, self.kept_bytes = circuit, kept_bytes
        self.numbers = numbers = Numbers(circuit.real, dtype, device)
        self.groups = groups = split_wires(circuit.n_qubits, group_qubits)
        opening_gates, self.program = schedule(primitive_gates(circuit), groups, circuit.real)
        self.openings = [
            Opening(circuit, len(group), gates, numbers) for group, gates in zip(groups, opening_gates, strict=True)
        ]
        products = [step for part in self.program for step in steps(part) if isinstance(step, Product)]
        self.matrices = Matrices(products, circuit.n_weights, numbers)
        # ⟨Y⟩ of a real state is zero, and needs no readout.
        paulis = sorted({pauli for pauli, _ in circuit.observables if not (circuit.real and pauli == "Y")})
        self.readouts = [Readout(circuit, groups, numbers, pauli) for pauli in paulis]
        self._walks = Workspaces(lambda members, batch: _Walk(self, members, batch))

    def forward(self, inputs: Tensor, weights: Tensor) -> tuple[Tensor, "_Walk"]:
        """inputs (M, B, n_inputs), weights (M, n_weights) -> expectation values (M, B, observables), saved."""
        walk = self._walks.take(inputs.shape[0], inputs.shape[1])
        walk.forward(inputs, weights)
        return walk.measurement.values(), walk

    def backward(
        self, walk: "_Walk", grad_expvals: Tensor, need_inputs: bool, need_weights: bool
    ) -> tuple[Tensor | None, Tensor | None]:
        """Gradients (M, B, n_inputs) and (M, n_weights); the walk is free for the next `forward` afterwards."""
        grads = walk.backward(grad_expvals, need_inputs, need_weights)
        self._walks.give(walk.members, walk.batch, walk)
        return grads

    def evaluate(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """The values of `forward` alone."""
        values, walk = self.forward(inputs, weights)
        self._walks.give(walk.members, walk.batch, walk)
        return values

    def states(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """Amplitudes (M, B, 2^n), complex."""
        walk = self._walks.take(inputs.shape[0], inputs.shape[1])
        walk.forward(inputs, weights)
        batch_last = walk.final.view(walk.members, -1, walk.batch, walk.groups.sizes[-1])
        amplitudes = batch_last.transpose(1, 2).reshape(walk.members, walk.batch, -1)
        self._walks.give(walk.members, walk.batch, walk)
        return amplitudes.to(self.numbers.real_dtype.to_complex(), copy=True)


class _Walk:
    """A pass forward and one back for M members and B samples, over buffers and views that are made once.

    ψ and λ go back and forth between two buffers each, except for states that are kept.
    """

    def __init__(self, split: SplitState, members: int, batch: int) -> None:
        circuit, numbers = split.circuit, split.numbers
        self.split, self.members, self.batch = split, members, batch
        self.layout = Layout(members, batch, circuit.n_qubits, circuit.n_qubits - len(split.groups[-1]))
        self.groups = Groups(members, batch, tuple(1 << len(group) for group in split.groups))
        self.spare = [numbers.empty(self.groups.n_amplitudes) for _ in range(2)]
        self.spare_adjoint = [numbers.empty(self.groups.n_amplitudes) for _ in range(2)]
        self.matrices = MatrixBuffers(split.matrices, members)
        self.opening = OpeningBuffers(split.openings, self.groups, numbers, self.spare[0])
        self._prepare_parts()
        n_observables = len(circuit.observables)
        self.measurement = Measurement(
            split.readouts, n_observables, self.groups, numbers, self.final, self.spare_adjoint[0]
        )

    def forward(self, inputs: Tensor, weights: Tensor) -> None:
        """inputs (M, B, n_inputs), weights (M, n_weights) -> the final state, in ``final``."""
        self.inputs, self.weights = inputs, weights
        self.matrices.make(weights)
        self.opening.forward(inputs, weights)
        for part in self.parts:
            part.forward(inputs, weights)

    def backward(
        self, grad_expvals: Tensor, need_inputs: bool, need_weights: bool
    ) -> tuple[Tensor | None, Tensor | None]:
        """Gradients (M, B, n_inputs) and (M, n_weights) from those with respect to the expectation values."""
        inputs, weights = self.inputs, self.weights
        grad_inputs, grad_weights = torch.zeros_like(inputs), torch.zeros_like(weights)
        self.measurement.backward(grad_expvals)
        for part in self.parts_back:
            part.backward(inputs, weights, grad_inputs, grad_weights)
        if need_weights:
            self.matrices.add_gradients(grad_weights)
        wanted = grad_inputs if need_inputs else None, grad_weights if need_weights else None
        self.opening.backward(self.opening_adjoint, *wanted)
        return wanted

    def _prepare_parts(self) -> None:
        """Give every part of the program the buffers that it reads and writes."""
        program = self.split.program
        n_kept = sum(_needs_state(part) for part in program)
        keeps = n_kept * self.groups.n_amplitudes * self.spare[0].element_size() <= self.split.kept_bytes
        state = self.spare[0]
        states: list[list[Tensor]] = []
        for part in program:
            own = _alternating(self.spare, state, len(steps(part)))
            if keeps and _needs_state(part):
                own[-1] = self.split.numbers.empty(self.groups.n_amplitudes)
            states.append(own)
            state = own[-1]
        self.final = state

        self.parts_back: list[Part] = []
        adjoint = self.spare_adjoint[0]
        for part, own in zip(reversed(program), reversed(states), strict=True):
            n_steps = len(steps(part))
            adjoints = _alternating(self.spare_adjoint, adjoint, n_steps)
            undone = [] if keeps else _alternating(self.spare, state, n_steps)
            path = Path(own, own[-1] if keeps else state, adjoints, undone)
            self.parts_back.append(self._part(part, path))
            adjoint, state = adjoints[-1], state if keeps else undone[-1]
        self.parts = self.parts_back[::-1]
        self.opening_adjoint = adjoint

    def _part(self, part: MatrixLayer | Gate, path: Path) -> Part:
        if isinstance(part, MatrixLayer):
            return MatrixLayerPart(part, self.groups, self.matrices.matrices, self.matrices.overlaps, path)
        return CnotPart(part, self.layout, path) if part.name == "CNOT" else GatePart(part, self.layout, path)


def _needs_state(part: MatrixLayer | Gate) -> bool:
    """Whether the gradient needs the state after this part."""
    return isinstance(part, MatrixLayer) or part.takes("input") or part.takes("weight")


def _alternating(pair: list[Tensor], first: Tensor, n_steps: int) -> list[Tensor]:
    """``first``, and the buffers that so many steps write to, each one of the pair that the step does not read."""
    buffers = [first]
    for _ in range(n_steps):
        buffers.append(pair[1] if buffers[-1] is pair[0] else pair[0])
    return buffers
