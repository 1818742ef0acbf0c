"""The numbers on the page Compare: all rivals, the circuit's part, what tuning tried, ranks over data sets."""

from collections.abc import Sequence

import streamlit as st

from core.comparison.problem import SHIPPED_COMPARISONS, conditions_of
from core.comparison.record import Comparison, Contribution, comparison_ranking
from core.comparison.rivals import GROUPS
from core.comparison.store import load_comparison, stored_names, untuned_comparison
from core.errors import LabError
from core.figures.comparison import critical_difference, list_height, tuning
from core.report.comparison import (
    contribution_sentence,
    contribution_table,
    rivals_table,
    tuning_caption,
    tuning_sentence,
)
from core.statistics.verdict import Verdict
from core.words import verbatim
from pages.ui.charts import charts
from pages.ui.compare import wording
from pages.ui.compare.rows import rows_html
from pages.ui.panel import escape, panel
from pages.ui.sortable import sortable

_WIDTHS = {"Head": 140, "Verdict": 240, "Parameters": 122, "Chosen": 190, "What it is": 280}
"""Pixels of the columns that are not as wide as their text"""


def numbers_table(comparison: Comparison, verdicts: Sequence[Verdict]) -> None:
    """Every rival with its numbers."""
    table = rivals_table(comparison, verdicts, untuned_comparison(comparison) if comparison.tuned else None)
    st.dataframe(
        sortable(table),
        hide_index=True,
        height="content",
        column_config={
            column.heading: st.column_config.Column(
                width=_WIDTHS.get(column.heading), pinned=column.heading == "Head", help=column.help or None
            )
            for column in table.columns
        },
        alt=wording.NUMBERS_ALT,
    )
    st.caption("  \n".join(f"**{group}**: {words}" for group, words in GROUPS.items()))


def circuit_part(contribution: Contribution) -> None:
    """Whether the circuit does anything."""
    panel(
        f"<p>{escape(contribution_sentence(contribution))}</p>{rows_html(contribution_table(contribution))}",
        key="contribution",
        min_height=420,
    )


def tuning_tried(comparison: Comparison) -> None:
    """Every setting that tuning tried, and what came of it."""
    tried = {result.rival.name: result for result in comparison.results if result.trials}
    shown = st.multiselect(
        "Heads",
        list(tried),
        default=[name for name in (comparison.candidate, "bottleneck", "mlp", "wider mlp") if name in tried],
        key="tuned-heads",
    )
    if shown:
        charts(
            [tuning([tried[name] for name in shown])],
            key="tuning",
            height=400 + 10 * len(shown),
            revision=f"{comparison.name} {shown}",
            describe=["Validation loss of every setting that tuning tried"],
        )
    st.caption(tuning_caption(comparison))
    if untuned := untuned_comparison(comparison):
        st.markdown(f"**On the test set** {tuning_sentence(comparison, untuned)}")


def ranks(comparison: Comparison) -> None:
    """Average ranks of all heads over the comparisons that ship under the conditions of this one."""
    conditions = conditions_of(comparison.config, comparison.tuned)
    names = stored_names()
    there = [name for name, each in SHIPPED_COMPARISONS.items() if each.conditions == conditions and name in names]
    try:
        comparisons = [load_comparison(name) for name in there]
        ranking = comparison_ranking(comparisons)
    except LabError as error:
        st.caption(verbatim(str(error)))
        return
    charts(
        [critical_difference(ranking, [result.rival for result in comparisons[0].results])],
        key="ranking",
        height=list_height(len(ranking.ranks)) - 140 - 8 * len(ranking.ranks),
        revision=" ".join(there),
        describe=[f"Average ranks of {len(ranking.ranks)} heads over {ranking.n_datasets} comparisons"],
    )
    titles = ", ".join(each.title for each in comparisons)
    st.caption(wording.ranks(ranking, titles))
