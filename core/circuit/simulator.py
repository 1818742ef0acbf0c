"""Runs a circuit on batches of inputs for many members at once: values, states, and hand-derived gradients.

No autograd inside `Simulator`: training calls forward and backward by hand, `expval` wraps them for plain torch.
Double backward (a gradient of a gradient) is not supported.
"""

from functools import lru_cache
from math import prod
from typing import Any

import torch
from torch import Tensor

from core.circuit.description import Circuit
from core.circuit.engine import Engine, accelerator
from core.circuit.gate_by_gate import GateByGate
from core.circuit.phase_form import PhaseForm
from core.circuit.split.state import SplitState
from core.errors import LabError

ENGINES: dict[str, type[Engine]] = {"phase_form": PhaseForm, "split_state": SplitState, "gate_by_gate": GateByGate}
"""Name → engine. Of the able ones the cheapest is chosen, and the first of those that cost the same."""

EVALUATED_AMPLITUDES = {"cpu": 1 << 18, "cuda": 1 << 24}
"""Amplitudes that `Simulator.expval` computes in one go: they stay in a core's cache, or fill a GPU."""


class Simulator:
    """One circuit at one precision on one device.

    Shapes: M members (weight vectors), B samples for each; rows = M · B. Tensors are of the simulator's dtype (float32
    or float64), on its device, and need no gradient. The engine is chosen anew for every number of rows; ``engine``, a
    name in `ENGINES`, forces one.
    Raises `LabError` for an engine that is unknown or that cannot run the circuit there.
    """

    def __init__(
        self, circuit: Circuit, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu", engine: str = ""
    ) -> None:
        self.circuit, self.dtype, self.device = circuit, dtype, torch.device(device)
        self._accelerator = accelerator(self.device)
        self._evaluated_rows = max(1, EVALUATED_AMPLITUDES[self._accelerator] >> circuit.n_qubits)
        self._able = [engine] if engine else [name for name in ENGINES if not self._refusal(name)]
        if engine not in ("", *ENGINES):
            raise LabError(f"engine = {engine} is not known: choose one of {', '.join(ENGINES)}")
        if engine and self._refusal(engine):
            raise LabError(f"engine = {engine} is not possible: {self._refusal(engine)}")
        self._prepared: dict[str, Engine] = {}
        self._by_rows: dict[int, Engine] = {}

    def chosen(self, rows: int) -> str:
        """Name of the engine that runs so many rows."""
        return min(self._able, key=lambda name: ENGINES[name].cost(self.circuit, self._accelerator, rows))

    def forward(self, inputs: Tensor, weights: Tensor) -> tuple[Tensor, Any]:
        """inputs (M, B, n_inputs), weights (M, n_weights) -> expectation values (M, B, observables), saved.

        M and B are 1 at least, and the shapes are not checked here: this is called once in every training step.
        """
        engine = self._engine(inputs)
        values, work = engine.forward(inputs, weights)
        return values, (engine, work)

    def backward(
        self, saved: Any, grad_expvals: Tensor, need_inputs: bool = True, need_weights: bool = True
    ) -> tuple[Tensor | None, Tensor | None]:
        """Gradient with respect to expectation values (M, B, observables) -> to inputs and to weights.

        saved comes from `forward` and may be used once.
        Shapes (M, B, n_inputs) and (M, n_weights); None for the one that is not needed.
        """
        engine, work = saved
        return engine.backward(work, grad_expvals, need_inputs, need_weights)

    def expval(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """The values of `forward` without keeping anything for `backward`: for evaluation of any number of samples."""
        samples = max(1, self._evaluated_rows // max(1, len(weights)))
        engine = self._engine(inputs[:, :samples])
        return torch.cat([engine.evaluate(part, weights) for part in inputs.split(samples, 1)], 1)

    @torch.no_grad()
    def states(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """Amplitudes (M, B, 2^n), complex, qubit 0 the most significant bit."""
        return self._engine(inputs).states(inputs, weights)

    def _engine(self, inputs: Tensor) -> Engine:
        """The prepared engine for inputs (M, B, n_inputs)."""
        rows = inputs.shape[0] * inputs.shape[1]
        try:
            return self._by_rows[rows]
        except KeyError:
            name = self.chosen(rows)
            if name not in self._prepared:
                with torch.inference_mode(False):  # constants that can be used in either mode
                    self._prepared[name] = ENGINES[name](self.circuit, self.dtype, self.device)
            return self._by_rows.setdefault(rows, self._prepared[name])

    def _refusal(self, name: str) -> str:
        return ENGINES[name].abilities.refusal(self.circuit, self.device)


def simulator(
    circuit: Circuit, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu", engine: str = ""
) -> Simulator:
    """The simulator of a circuit, made once for each choice of arguments; raises as `Simulator`."""
    return _simulator(circuit, dtype, torch.device(device), engine)


@lru_cache(maxsize=8)  # each keeps the buffers of its last sizes of batch
def _simulator(circuit: Circuit, dtype: torch.dtype, device: torch.device, engine: str) -> Simulator:
    return Simulator(circuit, dtype, device, engine)


class _Expval(torch.autograd.Function):
    """inputs (M, B, n_inputs) and weights (M, n_weights), or both without M."""

    @staticmethod
    def forward(ctx: Any, run: Simulator, inputs: Tensor, weights: Tensor) -> Tensor:
        ctx.run = run
        ctx.save_for_backward(inputs, weights)
        if inputs.dim() == 3:
            values, ctx.saved = run.forward(inputs, weights)
            return values
        values, ctx.saved = run.forward(inputs.unsqueeze(0), weights.unsqueeze(0))
        return values.squeeze(0)

    @staticmethod
    def backward(ctx: Any, grad_expvals: Tensor) -> tuple[None, Tensor | None, Tensor | None]:
        if torch.is_grad_enabled():
            raise LabError("expval has no second derivative: take its gradient without create_graph")
        inputs, weights = ctx.saved_tensors  # torch raises here when they were changed in place
        saved, ctx.saved = ctx.saved, None
        single = grad_expvals.dim() == 2
        if saved is None:  # a second backward through a retained graph
            saved = ctx.run.forward(*((inputs[None], weights[None]) if single else (inputs, weights)))[1]
        _, need_inputs, need_weights = ctx.needs_input_grad
        grads = ctx.run.backward(saved, grad_expvals[None] if single else grad_expvals, need_inputs, need_weights)
        grad_inputs, grad_weights = (grad[0] if single and grad is not None else grad for grad in grads)
        return None, grad_inputs, grad_weights


def expval(circuit: Circuit, inputs: Tensor, weights: Tensor, engine: str = "") -> Tensor:
    """Expectation values of a circuit as a differentiable torch operation.

    inputs (..., B, n_inputs) or (n_inputs,), weights (..., n_weights), radians, leading dimensions broadcast; the
    result is (..., B, observables) or (observables,), in the dtype and on the device of inputs. Gradients once, not
    twice. engine forces one of `ENGINES`.
    Raises `LabError` for other shapes, for dtypes other than float32 and float64, and as `Simulator`.
    """
    run = _checked(circuit, inputs, weights, engine)
    differentiable = torch.is_grad_enabled() and (inputs.requires_grad or weights.requires_grad)
    if differentiable and inputs.dim() == 2 and weights.dim() == 1 and len(inputs):
        return _Expval.apply(run, inputs, weights)
    if inputs.dim() == 1:
        return expval(circuit, inputs[None], weights, engine)[..., 0, :]
    lead = torch.broadcast_shapes(inputs.shape[:-2], weights.shape[:-1])
    members, samples = prod(lead), inputs.shape[-2]
    if members * samples == 0:  # no value, but part of the graph
        return inputs.new_zeros(*lead, samples, len(circuit.observables)) + 0 * (inputs.sum() + weights.sum())
    inputs = inputs.expand(*lead, *inputs.shape[-2:]).reshape(members, samples, circuit.n_inputs)
    weights = weights.expand(*lead, weights.shape[-1]).reshape(members, circuit.n_weights)
    values = _Expval.apply(run, inputs, weights) if differentiable else run.expval(inputs, weights)
    return values.reshape(*lead, *values.shape[1:])


def _checked(circuit: Circuit, inputs: Tensor, weights: Tensor, engine: str = "") -> Simulator:
    """The simulator for these arguments; one sentence about what is wrong with them."""
    for name, tensor, n in (("inputs", inputs, circuit.n_inputs), ("weights", weights, circuit.n_weights)):
        if tensor.dim() == 0 or tensor.shape[-1] != n:
            raise LabError(f"{name} of shape {tuple(tensor.shape)} are not possible: the last dimension must be {n}")
    if inputs.dtype not in (torch.float32, torch.float64) or weights.dtype != inputs.dtype:
        raise LabError(
            f"inputs of {inputs.dtype} and weights of {weights.dtype} are not possible: use float32 or float64 for both"
        )
    return _simulator(circuit, inputs.dtype, inputs.device, engine)


def states(circuit: Circuit, inputs: Tensor, weights: Tensor) -> Tensor:
    """Amplitudes (M, B, 2^n), complex, of inputs (M, B, n_inputs) and weights (M, n_weights); no gradients.

    Raises `LabError` for other shapes and dtypes.
    """
    run = _checked(circuit, inputs, weights)
    if inputs.dim() != 3 or weights.dim() != 2 or len(inputs) != len(weights):
        raise LabError(
            f"inputs of shape {tuple(inputs.shape)} and weights of shape {tuple(weights.shape)} are not possible: "
            "states need (members, samples, inputs) and (members, weights)"
        )
    if inputs.shape[0] * inputs.shape[1] == 0:
        return inputs.new_zeros(*inputs.shape[:2], 1 << circuit.n_qubits, dtype=inputs.dtype.to_complex())
    return run.states(inputs, weights)


def probabilities(circuit: Circuit, inputs: Tensor, weights: Tensor) -> Tensor:
    """Probability (M, B, 2^n) of every outcome of measuring all qubits; arguments as for `states`."""
    return states(circuit, inputs, weights).abs().square()
