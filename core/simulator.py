"""Runs a circuit on batches of inputs for many members at once: values, states, and hand-derived gradients.

No autograd inside `Simulator`: training calls forward and backward by hand, `expval` wraps them for plain torch.
Double backward (a gradient of a gradient) is not supported.
"""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from core.circuits import Circuit
from core.gate_by_gate import GateByGate
from core.phase_form import PhaseForm
from core.split_state import SplitState

PHASE_FORM_QUBITS = 7
ENGINES: dict[str, type[PhaseForm] | type[SplitState] | type[GateByGate]] = {
    "phase_form": PhaseForm,
    "split_state": SplitState,
    "gate_by_gate": GateByGate,
}


class Simulator:
    """One circuit at one precision on one device.

    M is the number of members (weight vectors), B the batch of inputs of each.
    """

    def __init__(
        self, circuit: Circuit, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu", engine: str = ""
    ) -> None:
        self.circuit, self.dtype, self.device = circuit, dtype, torch.device(device)
        engine = engine or ("phase_form" if circuit.n_qubits <= PHASE_FORM_QUBITS else "split_state")
        self._engine: Any = ENGINES[engine](circuit, dtype, self.device)

    def forward(self, inputs: Tensor, weights: Tensor) -> tuple[Tensor, Any]:
        """inputs (M, B, n_inputs), weights (M, n_weights) -> expectation values (M, B, observables), saved."""
        return self._engine.forward(inputs, weights)

    def expval(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """What `forward` computes, without keeping anything for `backward`: for evaluation of large batches."""
        return self._engine.forward(inputs, weights)[0]

    def backward(
        self, saved: Any, grad_expvals: Tensor, need_inputs: bool = True, need_weights: bool = True
    ) -> tuple[Tensor | None, Tensor | None]:
        """Gradient with respect to expectation values (M, B, observables) -> to inputs and to weights.

        saved comes from `forward` and may be used once.
        Shapes (M, B, n_inputs) and (M, n_weights); None for the one that is not needed.
        """
        return self._engine.backward(saved, grad_expvals, need_inputs, need_weights)

    @torch.no_grad()
    def states(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """Amplitudes (M, B, 2^n), complex, qubit 0 the most significant bit."""
        return self._engine.states(inputs, weights)


@lru_cache(maxsize=64)
def simulator(circuit: Circuit, dtype: torch.dtype = torch.float32, device: str = "cpu") -> Simulator:
    """The simulator of a circuit, made once for each circuit, dtype and device."""
    return Simulator(circuit, dtype, device)


class _Expval(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, run: Simulator, inputs: Tensor, weights: Tensor) -> Tensor:
        values, ctx.saved = run.forward(inputs, weights)
        ctx.run = run
        ctx.save_for_backward(inputs, weights)
        return values

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_expvals: Tensor) -> tuple[None, Tensor | None, Tensor | None]:
        # A second backward through a retained graph runs the circuit again.
        saved = ctx.run.forward(*ctx.saved_tensors)[1] if ctx.saved is None else ctx.saved
        ctx.saved = None
        return None, *ctx.run.backward(saved, grad_expvals, *ctx.needs_input_grad[1:])


def expval(circuit: Circuit, inputs: Tensor, weights: Tensor) -> Tensor:
    """Expectation values of a circuit as a differentiable torch operation.

    inputs (..., B, n_inputs) or (n_inputs,), weights (..., n_weights), leading dimensions broadcast; the result is
    (..., B, observables) or (observables,), in the dtype and on the device of inputs. Gradients once, not twice.
    """
    run = simulator(circuit, inputs.dtype, str(inputs.device))
    if inputs.dim() == 2 and weights.dim() == 1:
        return _Expval.apply(run, inputs[None], weights[None])[0]
    if inputs.dim() == 1:
        return expval(circuit, inputs[None], weights)[..., 0, :]
    lead = torch.broadcast_shapes(inputs.shape[:-2], weights.shape[:-1])
    flat_inputs = inputs.expand(*lead, *inputs.shape[-2:]).reshape(-1, *inputs.shape[-2:])
    flat_weights = weights.expand(*lead, weights.shape[-1]).reshape(-1, weights.shape[-1])
    values = _Expval.apply(run, flat_inputs, flat_weights)
    return values.view(*lead, *values.shape[1:])


def states(circuit: Circuit, inputs: Tensor, weights: Tensor) -> Tensor:
    """Amplitudes (M, B, 2^n), complex, of inputs (M, B, n_inputs) and weights (M, n_weights); no gradients."""
    return simulator(circuit, inputs.dtype, str(inputs.device)).states(inputs, weights)


def probabilities(circuit: Circuit, inputs: Tensor, weights: Tensor) -> Tensor:
    """Probability (M, B, 2^n) of every outcome of measuring all qubits; arguments as for `states`."""
    return states(circuit, inputs, weights).abs().square()
