"""Measurements of `core.bench.step` → files in results/benchmarks/, a table in words, a figure."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from statistics import median
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.bench.profile import LARGE, SHOWN_OPERATIONS
from core.bench.step import LABELS, StepSize
from core.figures.style import template
from core.files import json_text, replace_text
from core.words import counted

AXES = {
    "qubits": ("n_qubits", "qubits (depth 6, batch 32)"),
    "depth": ("q_depth", "depth (4 qubits, batch 4)"),
    "batch": ("batch_size", "batch (4 qubits, depth 6)"),
    "members": ("members", "members (4 qubits, depth 6, batch 4)"),
}
"""Axis → (field of a row, title)."""

COLOURS = {
    "ours": "#0072B2",
    "module": "#0072B2",
    "expval_fused": "#56B4E9",
    "classical": "#E69F00",
    "tensorcircuit": "#D55E00",
    "tensorcircuit_state": "#D55E00",
    "pennylane_loop": "#009E73",
    "pennylane_broadcast": "#009E73",
    "lightning": "#009E73",
}
"""Others are grey and differ by their symbols."""

FILES = {
    "step": "step.json",
    "profile": "profile.json",
    "run": "protocol.json",
    "first_point": "first_point.json",
    "load": "load.json",
    "scaling": "scaling.json",
    "verdicts": "verdicts.json",
}
"""Kind of measurement → its file; run.json is the name of a stored run's record."""

DASHES = {"pennylane_loop": "dash", "lightning": "dot", "tensorcircuit": "dash"}


def save(what: str, result: Mapping[str, Any], folder: Path) -> Path:
    """Store a measurement as JSON in ``FILES`` and rewrite the tables in README.md; the path of that.

    A step, or its profile, is kept beside those of other sizes that were stored before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILES[what]
    if what in ("step", "profile"):
        kept = json.loads(path.read_text(encoding="utf-8"))["steps"] if path.exists() else []
        others = [old for old in kept if size_of(old) != size_of(result)]
        result = {"steps": sorted([*others, dict(result)], key=_size)}
    replace_text(path, json_text(result, indent=1, ascii_only=True) + "\n")
    readme = folder / "README.md"
    replace_text(readme, report(folder))
    return readme


def report(folder: Path) -> str:
    """All stored measurements as a page of markdown, with the commands that made them."""
    parts = ["# What a training step costs\n"]
    describing = {
        "step": _steps_in_words,
        "profile": _profiles_in_words,
        "run": _run_in_words,
        "first_point": _first_point_in_words,
        "load": _load_in_words,
        "scaling": _scaling_in_words,
        "verdicts": _verdicts_in_words,
    }
    for what, describe in describing.items():
        path = folder / FILES[what]
        if path.exists():
            parts.append(describe(json.loads(path.read_text(encoding="utf-8"))))
    return "\n".join(parts)


def scaling_figure(rows: Sequence[Mapping[str, Any]], *, dark: bool = False) -> go.Figure:
    """Milliseconds of a training step against every axis that was measured, both logarithmic but for the qubits.

    rows: as `core.bench.step.compare_scaling` yields them.
    """
    axes = [axis for axis in AXES if any(row["axis"] == axis for row in rows)]
    columns = 2 if len(axes) > 1 else 1
    figure = make_subplots(rows=-(-len(axes) // columns), cols=columns, vertical_spacing=0.16, horizontal_spacing=0.09)
    names = [name for name in LABELS if any(row["name"] == name for row in rows)]
    for place, axis in enumerate(axes):
        field, title = AXES[axis]
        row, col = place // columns + 1, place % columns + 1
        for index, name in enumerate(names):
            points = [one for one in rows if one["axis"] == axis and one["name"] == name]
            figure.add_scatter(
                x=[point[field] for point in points],
                y=[point["ms"] for point in points],
                name=LABELS[name],
                legendgroup=name,
                showlegend=place == 0,
                mode="lines+markers",
                line={"color": COLOURS.get(name, "#767F8C"), "dash": DASHES.get(name, "solid")},
                marker={"symbol": index, "size": 8},
                hovertemplate="%{y:.3g} ms<extra>" + LABELS[name] + "</extra>",
                row=row,
                col=col,
            )
        sizes = sorted({one[field] for one in rows if one["axis"] == axis})
        figure.update_xaxes(title=title, type="linear" if axis == "qubits" else "log", tickvals=sizes, row=row, col=col)
        figure.update_yaxes(title="ms a training step" if col == 1 else None, type="log", dtick=1, row=row, col=col)
    figure.update_layout(template=template(dark), height=420 * (-(-len(axes) // columns)) + 160)
    figure.update_layout(legend={"orientation": "h", "x": 0, "xanchor": "left", "y": -0.12, "yanchor": "top"})
    return figure


def _steps_in_words(stored: Mapping[str, Any]) -> str:
    on_gpu = [step for step in stored["steps"] if size_of(step).device != StepSize.device]
    on_cpu = [step for step in stored["steps"] if step not in on_gpu]
    what = "Linear {}→n, tanh·π/2, circuit, Linear n→2, cross-entropy, all gradients, Adam; milliseconds,\n"
    what += "median of rounds in which the contestants take turns. {}\n"
    parts = []
    if on_cpu:
        note = "A library that trains one network at a time is shown\nfor one."
        parts.append(_table_of_steps("## One step\n\n" + what.format(_widths(on_cpu), note), on_cpu))
    if on_gpu:
        note = "Each step is timed until the GPU\nhas finished it."
        parts.append(_table_of_steps("## One step on a GPU\n\n" + what.format(_widths(on_gpu), note), on_gpu))
    return "\n".join(parts)


def _table_of_steps(heading: str, steps: Sequence[Mapping[str, Any]]) -> str:
    head = [_title(step) for step in steps]
    lines = [
        heading,
        *_machines(steps),
        "| | " + " | ".join(head) + " |",
        "|---|" + "---:|" * len(steps),
    ]
    for name, label in LABELS.items():
        cells = [_cell(step, name) for step in steps]
        if any(cells):
            lines.append(f"| {label} | " + " | ".join(cell or "–" for cell in cells) + " |")
    ratios = {
        "ratio_to_classical": "our step / classical twin in plain torch with Adam",
        "ratio_to_classical_alike": "our step / classical twin in our step",
        "autograd_ratio_to_classical": "torch module / classical twin, both autograd and Adam",
        "autograd_fused_ratio_to_classical": "torch module / classical twin, both autograd and fused Adam",
        "speedup_over_pennylane_loop": "times faster than PennyLane's loop, per seed",
        "speedup_over_pennylane_broadcast": "times faster than PennyLane broadcast, per seed",
        "speedup_over_fastest_peer": "times faster than the fastest other simulator, per seed",
        "speedup_over_cpu": "times faster than on the same machine's processor, our step",
        "members_32_over_1": "32 members / 1 member, our step",
        "members_32_ratio_to_classical": "32 members: our step / classical twins in plain torch with Adam",
        "members_32_ratio_to_classical_alike": "32 members: our step / classical twins in our step",
    }
    for key, label in ratios.items():
        if any(step.get(key) for step in steps):
            lines.append(f"| {label} | " + " | ".join(f"{s[key]:.3g}" if s.get(key) else "–" for s in steps) + " |")
    commands = [_command("step", step) for step in steps]
    return "\n".join([*lines, "", "Measured by", "", *commands, ""])


def _profiles_in_words(stored: Mapping[str, Any]) -> str:
    steps = stored["steps"]
    lines = [
        "## Where our step spends its time\n",
        "Milliseconds of torch's operations and their calls in one step, as torch's profiler sees them (its own cost a",
        "call included). The last line is what the matrix products alone would take at the speed of one product of",
        f"{LARGE} × {LARGE} matrices on this core: no order of calls goes below it.\n",
        *_machines(steps),
        "| | " + " | ".join(map(_title, steps)) + " |",
        "|---|" + "---:|" * len(steps),
    ]
    named = {operation["name"]: None for step in steps for operation in step["operations"][:SHOWN_OPERATIONS]}
    for name in named:
        operations = [next((one for one in step["operations"] if one["name"] == name), None) for step in steps]
        cells = [f"{one['ms']:.3g} in {one['calls']:.3g}" if one else "–" for one in operations]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    for label, key, unit in (
        ("whole step, without the profiler", "step_ms", 1),
        ("million operations in matrix products", "flops", 1e6),
        ("their milliseconds at the speed of a large product", "least_ms", 1),
    ):
        lines.append(f"| {label} | " + " | ".join(f"{step[key] / unit:.3g}" for step in steps) + " |")
    commands = [_command("profile", step) for step in steps]
    return "\n".join([*lines, "", "Measured by", "", *commands, ""])


def _run_in_words(stored: Mapping[str, Any]) -> str:
    lines = [f"## The ants-and-bees protocol, {stored['epochs']} epochs, batch 4\n", *_machine(stored["machine"])]
    lines += ["| seeds | seconds | until the first epoch | mean test accuracy |", "|---:|---:|---:|---:|"]
    for seeds, seconds in stored["seconds"].items():
        first, accuracy = stored["first_epoch_seconds"][seeds], stored["test_accuracy"][seeds]
        lines.append(f"| {seeds} | {seconds:.2f} | {first:.2f} | {accuracy:.1%} |")
    return "\n".join([*lines, "", "Measured by", "", "    python -m core bench run --save", ""])


def _verdicts_in_words(stored: Mapping[str, Any]) -> str:
    lines = [
        "## How often the rule of verdicts is wrong\n",
        f"On made-up heads whose truth is known, {stored['runs']:,} runs a line, every run with new heads, seeds and",
        "samples; in brackets the upper end of the one-sided 95 % interval.\n",
        "| heads like those on | what can go wrong | how often |\n|---|---|---:|",
    ]
    for row in stored["rows"]:
        share = f"{row['count'] / stored['runs']:.2%} ({row['upper']:.2%})"
        lines.append(f"| {row['world']} | {row['question']} | {share} |")
    return "\n".join([*lines, "", "Measured by", "", "    python -m core bench verdicts --save", ""])


def _first_point_in_words(stored: Mapping[str, Any]) -> str:
    seconds = sorted(stored["seconds"])
    lines = [
        "## The first point on the page\n",
        "From the click on Run, default settings, workers warm, to the frame in which a chart shows the first epoch,",
        "in headless Chromium on the same machine.\n",
        *_machine(stored["machine"]),
        "| clicks | fastest | median | slowest |\n|---:|---:|---:|---:|",
        f"| {len(seconds)} | {seconds[0]:.2f} s | {stored['median']:.2f} s | {seconds[-1]:.2f} s |",
    ]
    return "\n".join([*lines, "", "Measured by", "", "    python tests/first_point.py --save", ""])


def load_table(stored: Mapping[str, Any]) -> list[str]:
    """Lines of a table, a column for each crowd of pages.

    stored: "crowds", each the fields of ``tests/load/crowd.py``'s ``Crowd``.
    """
    crowds = stored["crowds"]
    lines = ["| | " + " | ".join(f"{each['pages']} page{'s' * (each['pages'] > 1)}" for each in crowds) + " |"]
    lines.append("|---|" + "---:|" * len(crowds))
    rows: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "seconds from the end of a page's runs to the message about it": lambda each: _spread(each["told_seconds"]),
        "pages that never got it": lambda each: str(each["untold"]),
        "seconds until a new visitor has the page, while runs go on": lambda each: _spread(each["visitor_seconds"]),
        "seconds until all of a page is there, all opened at once": lambda each: _spread(each["opening_seconds"]),
        "seconds from the click on Run to all of the page, all at once": lambda each: _spread(each["click_seconds"]),
        "seconds until all runs were trained": lambda each: f"{each['training_seconds']:.1f}",
        "kB received when a page opens": lambda each: _spread(each["opening_bytes"], 1e3),
        "kB received from the click to the page with the results": lambda each: _spread(each["page_bytes"], 1e3),
        "live messages to a page": lambda each: _spread(each["news"]),
        "kB of live messages to a page": lambda each: _spread(each["news_bytes"], 1e3),
        "bytes received by all idle pages together": lambda each: str(each["idle_bytes"]),
        "server's share of a core while runs go on": lambda each: f"{each['busy_share']:.0%}",
        "the same, when all pages are idle": lambda each: f"{each['idle_share']:.1%}",
        "server's memory in MB: warm, all open, all ended": lambda each: " → ".join(
            f"{megabytes:.0f}" for megabytes in each["memory_mb"].values()
        ),
        "faults on pages": lambda each: str(len(each["faults"])),
    }
    return lines + [f"| {label} | " + " | ".join(map(cell, crowds)) + " |" for label, cell in rows.items()]


def _load_in_words(stored: Mapping[str, Any]) -> str:
    crowds = stored["crowds"]
    query = crowds[0]["query"]
    settings = f"the settings `{query}`" if query else "default settings"
    lines = [
        "## Many pages at once\n",
        "So many pages are opened at the same moment, and press Run at the same moment, each with its own base seed",
        f"and otherwise {settings}. Median, and the worst in brackets. {stored['workers']} processes train, on the",
        "cores that serve the pages.\n",
        *_machine(stored["machine"]),
        *load_table(stored),
    ]
    command = f"    python tests/load/run.py --pages {' '.join(str(each['pages']) for each in crowds)}"
    command += f" --settings '{query}'" if query else ""
    return "\n".join([*lines, "", "Measured by", "", f"{command} --save", ""])


def _spread(values: Sequence[float], unit: float = 1) -> str:
    """Median, and the largest in brackets."""
    scaled = [value / unit for value in values]
    return f"{median(scaled):.3g} ({max(scaled):.3g})" if scaled else "–"


def _scaling_in_words(stored: Mapping[str, Any]) -> str:
    lines = ["## Scaling\n", *_machine(stored["machine"])]
    for axis, (field, title) in AXES.items():
        rows = [row for row in stored["rows"] if row["axis"] == axis]
        if not rows:
            continue
        sizes = sorted({row[field] for row in rows})
        lines += [f"Milliseconds a step by {title}:\n", "| | " + " | ".join(map(str, sizes)) + " |"]
        lines.append("|---|" + "---:|" * len(sizes))
        for name, label in LABELS.items():
            ms_of_size = {row[field]: row["ms"] for row in rows if row["name"] == name}
            if ms_of_size:
                lines.append(
                    f"| {label} | "
                    + " | ".join(f"{ms_of_size[s]:.3g}" if s in ms_of_size else "–" for s in sizes)
                    + " |"
                )
        lines.append("")
    command = "    python -m core bench scaling --save --figure scaling.html"
    return "\n".join([*lines, "Measured, and drawn, by", "", command, ""])


def _widths(steps: Sequence[Mapping[str, Any]]) -> str:
    return " or ".join(str(width) for width in sorted({step["n_features"] for step in steps}))


def _machines(steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every machine, with its versions, that measured some of the steps."""
    return list(dict.fromkeys(line for step in steps for line in _machine(step["machine"])))


def _machine(machine: Mapping[str, Any]) -> list[str]:
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    cores = f"{counted(machine['cores'], 'core')}, {counted(machine['threads'], 'thread')}"
    gpu = f"{machine['gpu']}; " if "gpu" in machine else ""
    return [f"{gpu}{machine['processor']}, {cores}; Python {machine['python']}, {versions}.\n"]


def _cell(step: Mapping[str, Any], name: str) -> str:
    """Time of a contestant at the step's number of members, or at one if that is all it was measured at."""
    times = {row["members"]: row["ms"] for row in step["contestants"] if row["name"] == name}
    if step["members"] in times:
        return f"{times[step['members']]:.3g}"
    return f"{times[1]:.3g} (one)" if 1 in times else ""


def _title(step: Mapping[str, Any]) -> str:
    return str(size_of(step))


def _command(what: str, step: Mapping[str, Any]) -> str:
    size = size_of(step)
    device = "" if size.device == StepSize.device else f" --device {size.device}"
    engine = f" --engine {size.engine}" if size.engine else ""
    return (
        f"    python -m core bench {what} --n-qubits {size.n_qubits} --q-depth {size.q_depth} "
        f"--batch-size {size.batch_size} --members {size.members} --n-features {size.n_features}{device}{engine} --save"
    )


def size_of(step: Mapping[str, Any]) -> StepSize:
    """The size of a stored step; records from before there was a choice of devices or engines name none."""
    return StepSize(**{field.name: step[field.name] for field in fields(StepSize) if field.name in step})


def _size(step: Mapping[str, Any]) -> tuple[int | str, ...]:
    size = ("members", "n_qubits", "q_depth", "batch_size", "n_features")
    return *(step[name] for name in size), size_of(step).device, size_of(step).engine
