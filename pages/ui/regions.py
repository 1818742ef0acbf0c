"""Decision regions: what each head says at every place of the plane, drawn by the browser while training goes on.

A browser that shows them asks for them, when it hears that its runs have got further: what nobody looks at is not
computed, and what several look at is computed once.
"""

import asyncio
import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from core.config.heads.base import Head
from core.data.banks import FeatureBank, load_bank
from core.data.cuts import POINTS
from core.data.features import Features
from core.data.registry import dataset
from core.errors import LabError
from core.figures.regions import CLASS_COLOURS, CLASS_MARKS, SIDE, cells, levels, places, reach_of
from core.runs.snapshots import Snapshot
from pages.ui.panel import escape, swatch
from pages.ui.routes import REGIONS_PATH, address
from pages.ui.service import jobs

SECONDS_BETWEEN_PICTURES = 0.15
SHARE_OF_TIME = 0.1
"""A run is looked at for at most this share of a worker's time."""
MOST_RUNS = 20
"""No page shows more runs at once."""
KEPT_RUNS = 200
"""Pictures of so many runs are kept."""

_HERE = Path(__file__).parent
_regions = st.components.v2.component(
    "regions",
    html='<div class="panel"></div>\n',
    css="\n".join((_HERE / name).read_text(encoding="utf-8") for name in ("panel.css", "regions.css")),
    js=(_HERE / "regions.js").read_text(encoding="utf-8"),
)


def regions_view(name: str, heads: Sequence[Head], snapshots: Sequence[Snapshot], live: Sequence[str] = ()) -> None:
    """Show the regions of some heads on a data set of points, with its test points.

    name: of the data set; snapshots: how the runs of these heads stand, none where they have not been trained; live:
    the runs whose news bring new regions.
    """
    bank = _bank(name)
    test = bank.split == "test"
    runs = [each.run_id for each in snapshots] or [""] * len(heads)
    _regions(
        key="regions",
        data={
            "dataset": name,
            "heads": [
                {"name": head.style.label, "title": _title(head), "run": run}
                for head, run in zip(heads, runs, strict=True)
            ],
            "classes": [
                {
                    "name": each,
                    "colour": CLASS_COLOURS[label % len(CLASS_COLOURS)],
                    "mark": CLASS_MARKS[label % len(CLASS_MARKS)],
                }
                for label, each in enumerate(bank.classes)
            ],
            "points": _in_square(bank)[test].round(4).tolist(),
            "labels": bank.labels[test].tolist(),
            "side": SIDE,
            "levels": levels(len(bank.classes)),
            "address": address(REGIONS_PATH),
            "live": list(live),
            "state": [jobs().wait_until_ready(0), *((each.status, len(each.epochs)) for each in snapshots)],
        },
    )


def _title(head: Head) -> str:
    return f"{swatch(head.style.colour, head.style.dash)} {escape(head.style.label)}"


def _bank(name: str) -> FeatureBank:
    return load_bank(Features(name, POINTS))


def _in_square(bank: FeatureBank) -> np.ndarray:
    """Points of a bank as shares of the square's side, (n, 2) from its left and from its top."""
    return (bank.features / reach_of(bank.features) * [1, -1] + 1) / 2


@dataclass
class _Picture:
    """What a run's network said of the plane when it was last asked, or is about to say."""

    state: tuple[str, int]
    """How the run stood then: status and epochs"""
    task: "asyncio.Task[dict[str, Any] | None]" = field(init=False)
    rests_until: float = float("inf")
    """When the run may be asked again, on the monotonic clock"""

    def serves(self, state: tuple[str, int]) -> bool:
        """Whether no other picture is to be made of a run that stands so."""
        if self.task.done() and (self.task.cancelled() or self.task.exception() or self.task.result() is None):
            return False
        return self.state == state or time.monotonic() < self.rests_until


_pictures: dict[str, _Picture] = {}


async def regions_now(query: str) -> dict[str, Any]:
    """Regions of these runs, ids with commas between them, for regions.js; `LabError` for one that can have none.

    "which" says of which weights they are; "behind": whether a run has got further since; "again": seconds after which
    it is worth asking again, if so.
    """
    run_ids = query.split(",")
    if len(run_ids) > MOST_RUNS:
        raise LabError(f"runs = {len(run_ids)} of them is not possible: name {MOST_RUNS} or fewer")
    snapshots = await asyncio.to_thread(lambda: [jobs().snapshot(run_id) for run_id in run_ids])
    states = [(each.status, len(each.epochs)) for each in snapshots]
    pictures = [_picture(snapshot, state) for snapshot, state in zip(snapshots, states, strict=True)]
    regions = await asyncio.gather(*(asyncio.shield(picture.task) for picture in pictures))
    return {
        "regions": dict(zip(run_ids, regions, strict=True)),
        "behind": [each.state for each in pictures] != states,
        "again": max(0.0, max(each.rests_until for each in pictures) - time.monotonic()),
    }


def _picture(snapshot: Snapshot, state: tuple[str, int]) -> _Picture:
    """The latest picture of a run, or a new one if it is time for that."""
    known = _pictures.pop(snapshot.run_id, None)
    if known is None or not known.serves(state):
        known = _Picture(state)
        known.task = asyncio.create_task(_look(snapshot, known))
    _pictures[snapshot.run_id] = known
    if len(_pictures) > KEPT_RUNS:
        del _pictures[next(iter(_pictures))]
    return known


async def _look(snapshot: Snapshot, picture: _Picture) -> dict[str, Any] | None:
    """Ask a run's network for all places of the plane; None while it has no weights or nobody can compute."""
    name, answers = snapshot.config.dataset, None
    if not dataset(name).is_points:
        raise LabError(f"run = {snapshot.run_id!r} has no plane: name one on a data set of points")
    try:
        bank = await asyncio.to_thread(_bank, name)
        answers = await asyncio.wrap_future(jobs().answers(snapshot.run_id, places(reach_of(bank.features))))
        if answers is None:
            return None
        tested = "last epoch" if snapshot.config.protocol == "paper_last" else "best epoch"
        which = f"{tested}: {answers.epoch}" if answers.selected else f"after epoch {answers.epoch}"
        return {"which": which, "cells": base64.b64encode(cells(answers.logits)).decode()}
    finally:
        rest = max(SECONDS_BETWEEN_PICTURES, answers.seconds / SHARE_OF_TIME) if answers else 0.0
        picture.rests_until = time.monotonic() + rest
