"""Where our training step spends its time: its operations, their arithmetic, and the least time that takes here."""

import statistics
from collections.abc import Callable
from dataclasses import asdict
from time import perf_counter
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from core.bench.step import StepSize, ours, rounded

STEPS = 50
LARGE = 1024
"""Rows of the square matrix whose product shows what this machine's library reaches at best."""
SHOWN_OPERATIONS = 8
"""The most expensive ones, which tables name."""


def profile_step(size: StepSize) -> dict[str, Any]:
    """Operations of one step of ours, as plain data.

    ``flops`` counts the floating-point operations of all matrix products, ``large_product_gflops`` is what one product
    of large matrices reaches here, in 10⁹ a second, and ``least_ms`` is the one over the other: no order of calls goes
    below it. ``operations`` are torch's own, with calls and milliseconds a step, the profiler's own cost included.
    """
    step = ours(size, size.head)
    step_ms = _median_ms(step)
    with FlopCounterMode(display=False) as counter:
        step()
    square = torch.randn(LARGE, LARGE)
    target = torch.empty_like(square)
    large = 2 * LARGE**3 / _median_ms(lambda: torch.mm(square, square, out=target)) / 1e6
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        for _ in range(STEPS):
            step()
    operations = [
        {
            "name": operation.key.removeprefix("aten::"),
            "calls": operation.count / STEPS,
            "ms": operation.self_cpu_time_total / STEPS / 1e3,
        }
        for operation in recorded.key_averages()
    ]
    flops = counter.get_total_flops()
    result = asdict(size) | {
        "step_ms": step_ms,
        "flops": flops,
        "large_product_gflops": large,
        "least_ms": flops / large / 1e6,
        "operations": sorted(operations, key=lambda operation: -operation["ms"]),
    }
    return dict(rounded(result))


def _median_ms(call: Callable[[], object]) -> float:
    times = []
    for _ in range(STEPS):
        began = perf_counter()
        call()
        times.append((perf_counter() - began) * 1e3)
    return statistics.median(times)
