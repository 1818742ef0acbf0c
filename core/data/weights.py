"""Weight files that nobody has to trust: read under one guard, and written so that equal weights are equal bytes."""

import hashlib
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from core.errors import LabError

SAFETENSORS = ".safetensors"
COUNTER = "num_batches_tracked"
"""Batches that a BatchNorm has seen in training; it matters only without a momentum, which no network here lacks."""
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_WRAPPERS = re.compile(r"^((module|_orig_mod)\.)+")
"""What ``DataParallel`` and ``torch.compile`` put before every name."""


def read_weights(path: Path) -> dict[str, Tensor]:
    """The state dict in a file of safetensors or of ``torch.save``: name → tensor on the CPU.

    What wrappers of a network put before its names is taken away. Nothing in the file is executed. Raises `LabError`
    for a file that is neither, and for one that holds something other than plain tensors under names.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # what torch says of a strange file, the error below says too
            if path.suffix == SAFETENSORS:
                state = load_file(path)
            else:
                state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # a damaged file raises whatever its reader stumbled over: IndexError, AssertionError, ...
        raise LabError(f"{path} is not a readable file of weights: save model.state_dict() and use that") from None
    if (
        not isinstance(state, dict)
        or not all(isinstance(key, str) for key in state)
        or not all(map(_plain, state.values()))
    ):
        raise LabError(
            f"{path} holds something other than a state_dict of plain tensors: save model.state_dict() and use that"
        )
    return {_WRAPPERS.sub("", key): value for key, value in state.items()}


def _plain(value: object) -> bool:
    """Whether this is a dense tensor with numbers in it."""
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
        and not value.is_nested
    )


def write_weights(state: Mapping[str, Tensor], path: Path) -> None:
    """Write a state dict as safetensors, without BatchNorm's counters: equal weights give equal bytes."""
    save_file({key: state[key].contiguous() for key in sorted(state) if not key.endswith(COUNTER)}, path)


def load_into(network: nn.Module, state: Mapping[str, Tensor], what: str, source: str) -> None:
    """Copy what a network needs out of a state dict that may hold more.

    Raises `LabError` with the first name that is missing, or whose tensor has another shape, another type (one of
    `FLOATS` stands for any other of them) or numbers that are not finite.
    """
    needed = {key: value for key, value in network.state_dict().items() if not key.endswith(COUNTER)}
    for key, value in needed.items():
        if key not in state:
            raise LabError(f"{source} has no {key}, which {what} needs: use weights of this network")
        if state[key].shape != value.shape:
            raise LabError(
                f"{source} has {key} of shape {tuple(state[key].shape)} where {what} needs {tuple(value.shape)}: use "
                f"weights of this network"
            )
        if state[key].dtype not in (FLOATS if value.is_floating_point() else (value.dtype,)):
            kinds = [str(kind).removeprefix("torch.") for kind in (state[key].dtype, value.dtype)]
            raise LabError(
                f"{source} has {key} of type {kinds[0]} where {what} needs {kinds[1]}: use weights of this network "
                f"that are not quantised"
            )
        if not torch.isfinite(state[key]).all():
            raise LabError(f"{source} has numbers in {key} that are not finite: use undamaged weights")
    network.load_state_dict({key: state[key] for key in needed}, strict=False)


def file_sha256(path: Path) -> str:
    """The digest of a weight file, hexadecimal; `LabError` for one that cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise LabError(f"weights = {str(path)!r} is not possible: {error.strerror}; name a readable file") from None
