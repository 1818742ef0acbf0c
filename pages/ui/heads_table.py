"""The heads side by side: parameters, validation accuracy, time."""

from collections.abc import Sequence

from core.events import Epoch
from core.report.numbers import plus_minus
from core.statistics.intervals import share_interval
from pages.ui import wording
from pages.ui.lines import Line, judged_on
from pages.ui.panel import escape, panel, swatch

EPOCHS_TO_SHOW, SECONDS_TO_SHOW = 10, 1.0
"""A time is shown after so many epochs, or after fewer that have lasted so long together."""


def heads_table(lines: Sequence[Line], live: Sequence[str]) -> None:
    """One row for each head, also before it is trained; live: the runs whose news change it."""
    data = judged_on(lines[0].config) if lines else "validation"
    panel(
        f'<h2>{wording.HEADS_TITLE}</h2><div class="scroll" data-live="table">{table_html(lines)}</div>'
        f'<div class="quiet"><small>{wording.heads_caption(data, EPOCHS_TO_SHOW, SECONDS_TO_SHOW)}</small></div>',
        key="table",
        min_height=120 + 52 * max(len(lines), 3),
        live=live,
    )


def table_html(lines: Sequence[Line]) -> str:
    """The table alone."""
    linear = next((_fastest_epoch(line.epochs) for line in lines if line.config.head.kind == "linear"), None)
    data = judged_on(lines[0].config) if lines else "validation"
    columns = ("head", "parameters<br>circuit + other", f"{data}<br>accuracy", "s per<br>epoch", "times<br>linear")
    headings = "".join(f'<th scope="col">{column}</th>' for column in columns)
    body = "".join(_row(line, linear) for line in lines)
    return f"<table><thead><tr>{headings}</tr></thead><tbody>{body}</tbody></table>"


def _row(line: Line, linear: float | None) -> str:
    style = line.config.head.style
    seconds = _fastest_epoch(line.epochs)
    ratio = f"{seconds / linear:.1f}" if seconds and linear else "–"
    accuracy = _accuracy(line.epochs[-1]) if line.epochs else "–"
    return (
        f"<tr><td>{swatch(style.colour, style.dash)} {escape(style.label)}"
        f"<small>{escape(line.config.head.detail)}{', waiting' if line.waits else ''}</small></td>"
        f"<td>{line.parameters[0]:,} + {line.parameters[1]:,}</td><td>{accuracy}</td>"
        f"<td>{_short(seconds) if seconds is not None else '–'}</td><td>{ratio}</td></tr>"
    )


def _accuracy(epoch: Epoch) -> str:
    kept = [value for value, status in zip(epoch.validation_accuracy, epoch.status, strict=True) if status == "ok"]
    lost = len(epoch.status) - len(kept)
    note = f"<small>{lost} of {len(epoch.status)} diverged</small>" if lost else ""
    if not kept:
        return f"–{note}"
    return f"{plus_minus(share_interval(kept))}{note}"


def _fastest_epoch(epochs: Sequence[Epoch]) -> float | None:
    """Seconds of the fastest epoch; None while there are too few."""
    seconds = [epoch.seconds for epoch in epochs]
    return min(seconds) if len(seconds) >= EPOCHS_TO_SHOW or sum(seconds) >= SECONDS_TO_SHOW else None


def _short(seconds: float) -> str:
    return f"{seconds:.3f}" if seconds < 0.0995 else f"{seconds:.2f}" if seconds < 9.95 else f"{seconds:.0f}"
