"""The verdict on the page Compare: the figure, one rival explained, all rivals in words."""

from collections.abc import Sequence

import streamlit as st

from core.comparison.record import Comparison
from core.comparison.store import load_predictions
from core.figures.comparison import TELLING, by_difference, differences_height, five_rivals, paired_differences
from core.report.comparison import evidence_table, plain_answers
from core.report.verdicts import capital, headline, sentence, title
from core.statistics.intervals import mean_interval
from core.statistics.verdict import RULE, Verdict
from pages.ui.charts import charts
from pages.ui.compare import wording
from pages.ui.compare.choice import into_address
from pages.ui.compare.rows import rows_html
from pages.ui.panel import escape, panel


def answers(comparison: Comparison, verdicts: Sequence[Verdict]) -> None:
    """What everybody asks first, in plain words."""
    told = "".join(
        f"<dt>{escape(question)}</dt><dd>{escape(answer)}</dd>"
        for question, answer in plain_answers(comparison, verdicts)
    )
    panel(f"<dl>{told}</dl>", key="answers", min_height=150)


def verdict_figure(comparison: Comparison, verdicts: Sequence[Verdict]) -> None:
    """Five rivals or all with a dot a seed, and where the numbers come from."""
    shows_all = len(verdicts) > len(TELLING) and st.toggle(f"All {len(verdicts)} rivals", key="all-rivals")
    rows = by_difference(verdicts) if shows_all else five_rivals(verdicts)
    charts(
        [paired_differences(comparison, verdicts, rows=rows)],
        key="paired",
        height=differences_height(rows),
        revision=f"{comparison.name} {comparison.created} {shows_all}",
        describe=[f"Paired differences of test accuracy for {len(verdicts)} rivals: {headline(verdicts)}"],
    )
    st.caption(wording.origin(comparison, verdicts[0].margin, _share_of_errors(comparison, verdicts)))
    for names in comparison.same_networks(load_predictions(comparison.name)):
        st.caption(wording.same_network(names))


def _share_of_errors(comparison: Comparison, verdicts: Sequence[Verdict]) -> float:
    """The margin as a share of the candidate's errors: at 96 % accuracy a point is a quarter of them."""
    errors = 1 - mean_interval(comparison.accuracy()[comparison.candidate]).estimate
    return verdicts[0].margin / 100 / errors if errors else 1.0


def verdict_explained(comparison: Comparison, verdicts: Sequence[Verdict], against: str) -> None:
    """The rule, one verdict at a time, and all of them in words."""
    st.markdown(f"**The rule.** {RULE}")
    by_rival = {verdict.rival: verdict for verdict in verdicts}
    words = {result.rival.name: result.rival.words for result in comparison.results}
    st.selectbox(
        "Against",
        list(by_rival),
        format_func=lambda each: f"{each}: {words[each]}",
        key="against",
        on_change=into_address,
        args=("against",),
    )
    verdict = by_rival[against]
    panel(
        f"<h2>{escape(capital(title(verdict)))}</h2><p>{escape(capital(sentence(verdict)))}</p>"
        f"{rows_html(evidence_table(verdict))}",
        key="explained",
        min_height=330,
    )
    with st.expander("All verdicts in words"):
        st.markdown("\n".join(f"- **{each.rival}**: {sentence(each)}" for each in verdicts))
