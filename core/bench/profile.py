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
    """Profile one of our training steps and return plain data: the fields of ``size``, and

    - ``step_ms``: median milliseconds of a step, without the profiler;
    - ``flops``: floating-point operations of all its matrix products;
    - ``large_product_gflops``: 10⁹ operations a second that the product of two large matrices reaches on this machine;
    - ``least_ms``: flops at that speed, a lower bound of every step with the same products;
    - ``operations``: torch's operations, each with its calls and its milliseconds in a step, which include the
      profiler's own cost; the most expensive first.
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
