"""Is the quantum head better? Every rival on the same data, seeds and budget, and what may be concluded from it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.comparison.record import (
    CANDIDATE,
    GROUPS,
    MARGIN,
    PROBLEMS,
    SEEDS,
    TRIALS,
    Comparison,
    Contribution,
    Result,
    comparison_ranking,
    load_comparison,
    load_predictions,
    problem_config,
    problem_name,
    rivals,
    stored_names,
    untuned_comparison,
)
from core.errors import LabError
from core.figures.comparison import critical_difference, differences_height, list_height, paired_differences, tuning
from core.statistics.verdict import RULE, Interval, Verdict, headline, mean_interval, points, too_few_seeds
from core.words import duration
from pages.ui.charts import charts
from pages.ui.contest import contest_going, contest_view, start_contest
from pages.ui.panel import escape, panel

# In the address → on the page
SETTINGS = {"paper": "the paper's for every head", "tuned": "tuned equally"}

# Percent points that the page offers as margin, from and to
MARGINS = (0.1, 10.0)


def page() -> None:
    """From top to bottom: the question, the verdict, why, the numbers, the circuit's part, all data sets, run it."""
    st.title("Is the quantum head better?")
    st.markdown(
        "The quantum head against its rivals, its own ablations and the standard methods of scikit-learn, on the same "
        "features, split and test set, which is looked at once. The networks share seeds, batches and number of "
        "epochs; scikit-learn's methods know neither batches nor epochs and are fitted to training and validation "
        "samples together, with standardised features. What the seeds can show is computed by one rule, and what they "
        "cannot show is said."
    )
    chosen = _choose()
    if chosen is None:
        st.info("No comparison is stored here yet: run one below, or all with `python -m core compare --all`.")
    else:
        comparison = chosen.comparison
        found = _verdicts(comparison.name, comparison.created.isoformat(), chosen.margin)
        _figure(comparison, found)
        st.subheader("Why")
        _explained(comparison, found, chosen.against)
        st.subheader("All numbers")
        _table(comparison, found)
        st.subheader("Does the circuit do anything?")
        _contribution(comparison.contribution)
        if comparison.tuned:
            st.subheader("What tuning tried")
            _tuning(comparison)
        st.subheader("Over all data sets")
        _ranking(comparison.tuned)
    st.subheader("Run it again")
    _run(problem_name(chosen.comparison.config) if chosen else None)


# --- what to look at --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Refused:
    """Something that the address names and the page does not have."""

    key: str
    named: str
    instead: str


@dataclass(frozen=True)
class Choice:
    """What is looked at."""

    comparison: Comparison
    margin: float
    """In percent points"""
    against: str
    """The rival that is explained"""


def _choose() -> Choice | None:
    """The comparison, the margin and the rival that are looked at; None where nothing is stored."""
    names = stored_names()
    if not names:
        return None
    left, middle, right = st.columns([3, 2, 1.4])
    own = [name for name in names if name.removesuffix("-tuned") not in PROBLEMS]
    problems = [name for name in PROBLEMS if name in names or f"{name}-tuned" in names] + own
    refused: list[Refused] = []
    problem = _named_in_address("problem", problems, problems[0], refused)
    left.selectbox("Problem", problems, format_func=_title, key="problem", on_change=_into_address, args=("problem",))
    there = [each for each in SETTINGS if _stored_as(problem, each) in names]
    settings = _named_in_address("settings", there, there[0], refused)
    middle.segmented_control(
        "Learning rate and width",
        there,
        required=True,
        format_func=lambda each: SETTINGS[each] if problem in PROBLEMS else "as it was run",
        key="settings",
        on_change=_into_address,
        args=("settings",),
        help="The paper's settings were chosen for the quantum head. Tuned equally: every head tries the same number "
        "of settings on validation data first.",
    )
    margin = _margin_in_address(refused)
    right.number_input(
        "Margin (points)",
        *MARGINS,
        step=0.1,
        key="margin",
        on_change=_into_address,
        args=("margin",),
        help="Differences of test accuracy smaller than this many percent points do not matter to you.",
    )
    try:
        comparison = load_comparison(_stored_as(problem, settings))
    except LabError as error:
        st.warning(str(error))
        return None
    others = [name for name in comparison.accuracy() if name != CANDIDATE]
    against = _named_in_address("against", others, "bottleneck" if "bottleneck" in others else others[0], refused)
    if refused:
        st.info(_told(refused))
    return Choice(comparison, margin, against)


def _stored_as(problem: str, settings: str) -> str:
    return f"{problem}-tuned" if settings == "tuned" else problem


def _named_in_address(key: str, options: Sequence[str], default: str, refused: list[Refused]) -> str:
    """The option that a menu shows: what was chosen, else what the address names, else the default.

    What the address names in vain is corrected there and told in ``refused``.
    """
    if st.session_state.get(key) not in options:
        named = st.query_params.get(key, default)
        if named not in options:
            if key not in st.session_state:
                refused.append(Refused(key, named, default))
            named = st.query_params[key] = default
        st.session_state[key] = named
    return str(st.session_state[key])


def _margin_in_address(refused: list[Refused]) -> float:
    """The margin in percent points: what was typed, else what the address names, else the usual one."""
    if "margin" not in st.session_state:
        usual, (low, high) = f"{MARGIN:g}", MARGINS
        named = st.query_params.get("margin", usual)
        try:
            margin = float(named)
        except ValueError:
            margin = float("nan")
        if not low <= margin <= high:
            refused.append(Refused("margin", named, usual))
            st.query_params["margin"], margin = usual, MARGIN
        st.session_state["margin"] = margin
    return float(st.session_state["margin"])


def _told(refused: Sequence[Refused]) -> str:
    """One sentence about everything that the address asked for in vain."""
    asked = ", ".join(f"`{one.key} = {one.named[:60].replace('`', '')}`" for one in refused)
    instead = ", ".join(f"`{one.key} = {one.instead}`" for one in refused)
    low, high = MARGINS
    margins = f" (margins go from {low:g} to {high:g})" if any(one.key == "margin" for one in refused) else ""
    return f"The address asked for {asked}, which this page does not have{margins}; it shows {instead} instead."


def _into_address(key: str) -> None:
    value = st.session_state[key]
    st.query_params[key] = f"{value:g}" if isinstance(value, float) else value


@st.cache_data(max_entries=64, show_spinner=False)
def _title(name: str) -> str:
    if name in PROBLEMS:
        return PROBLEMS[name].title
    try:
        comparison = load_comparison(name)
    except LabError:
        return name
    tuned = ", tuned equally" if comparison.tuned else ""
    return f"{comparison.title}{tuned}, run {comparison.created:%d %B %Y, %H:%M} UTC"


@st.cache_data(max_entries=64, show_spinner="Testing ...")
def _verdicts(name: str, created: str, margin: float) -> list[Verdict]:
    return load_comparison(name).verdicts(margin, load_predictions(name))


# --- the verdict ------------------------------------------------------------------------------------------------------


def _figure(comparison: Comparison, found: Sequence[Verdict]) -> None:
    charts(
        [paired_differences(comparison, found)],
        key="paired",
        height=differences_height(found),
        revision=f"{comparison.name} {comparison.created}",
        describe=[f"Paired differences of test accuracy for {len(found)} rivals: {headline(found)}"],
    )
    where = "" if comparison.device == "cpu" else f", heads on {comparison.device}"
    st.caption(
        f"Measured {comparison.created:%d %B %Y} with `{comparison.command}`{where}. All seeds share one split and one "
        f"test set of {comparison.n_test:,} samples; the dots show what seeds change and nothing else. Where a verdict "
        "says 'on this test set', other test samples might not show the difference."
    )
    for names in comparison.same_networks(load_predictions(comparison.name)):
        st.caption(
            f"{' and '.join(f'**{name}**' for name in names)} became the same network here: as many parameters, the "
            "same learning rate and the same answers. They are one rival that is listed more than once."
        )


def _explained(comparison: Comparison, found: Sequence[Verdict], against: str) -> None:
    """The rule, one verdict at a time, and all of them in words."""
    st.markdown(f"**The rule.** {RULE}")
    by_rival = {verdict.rival: verdict for verdict in found}
    words = {result.rival.name: result.rival.words for result in comparison.results}
    st.selectbox(
        "Against",
        list(by_rival),
        format_func=lambda each: f"{each}: {words[each]}",
        key="against",
        on_change=_into_address,
        args=("against",),
    )
    verdict = by_rival[against]
    paired = verdict.paired
    rows = [
        ("mean difference, 95 % BCa bootstrap interval", _with_ends(paired.interval)),
        ("Wilcoxon signed-rank p, and after Holm", f"{paired.wilcoxon_p:.2g}, {verdict.wilcoxon_holm:.2g}"),
        (f"TOST p for ± {points(verdict.margin)}, and after Holm", f"{paired.tost_p:.2g}, {verdict.tost_holm:.2g}"),
        ("effect size d_z (mean / spread between seeds)", f"{paired.effect_size:+.2f}"),
        ("seeds in which quantum is ahead", f"{paired.wins:.0%}"),
    ]
    if verdict.images is not None and verdict.images_holm is not None:
        images = verdict.images
        rows.append(
            (
                f"right alone, of {images.n_images:,} test samples",
                f"quantum {images.candidate_alone:.1f}, {verdict.rival} {images.rival_alone:.1f}",
            )
        )
        rows.append(("McNemar p over samples, and after Holm", f"{images.p:.2g}, {verdict.images_holm:.2g}"))
    cells = _rows(rows)
    panel(
        f"<h2>{escape(_sentence_case(verdict.title))}</h2><p>{escape(_sentence_case(verdict.sentence))}</p>"
        f'<div class="scroll"><table><tbody>{cells}</tbody></table></div>',
        key="explained",
        min_height=330,
    )
    with st.expander("All verdicts in words"):
        st.markdown("\n".join(f"- **{each.rival}**: {each.sentence}" for each in found))


def _rows(pairs: Sequence[tuple[str, str]]) -> str:
    """Table rows whose cells may break over lines on a phone."""
    cell = '<td style="white-space: normal">'
    return "".join(f"<tr>{cell}{escape(label)}</td>{cell}{escape(value)}</td></tr>" for label, value in pairs)


def _with_ends(interval: Interval) -> str:
    estimate, low, high = (round(end * 100, 2) + 0.0 for end in (interval.estimate, interval.low, interval.high))
    return f"{estimate:+.2f} ({low:+.2f} to {high:+.2f}) points"


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- the numbers ------------------------------------------------------------------------------------------------------


def _table(comparison: Comparison, found: Sequence[Verdict]) -> None:
    kinds = {one.rival: f"quantum is {one.words}" if one.is_difference else one.words for one in found}
    untuned = untuned_comparison(comparison) if comparison.tuned else None
    before = untuned.accuracy() if untuned else {}
    frame = pd.DataFrame([_cells(result, kinds, before) for result in comparison.results])
    text = st.column_config.TextColumn
    st.dataframe(
        frame,
        hide_index=True,
        height="content",
        column_config={
            "Head": text(width=140, pinned=True),
            "Verdict": text(width=240, help="On this test set: other test samples might not show the difference"),
            "Chosen": text(width=190, help="By tuning or by cross-validation, on data outside the test set"),
            "What it is": text(width=280),
            "Test accuracy": text(help="Mean over seeds ± half the 95 % t interval of that mean"),
            "Untuned": text(help="Test accuracy with the settings as given, from the comparison without tuning"),
            "Loss": text(help="Cross-entropy in nats on the test set; none where a method gives no probabilities"),
            "AUC": text(help="Area under the ROC curve on the test set"),
            "ECE": text(help="Expected calibration error, 15 bins: mean distance of confidence from accuracy"),
            "Parameters": text(help="Trained: in the circuit + elsewhere"),
            "Time": text(
                help="Training of all seeds together on one thread, without tuning; cross-validation included"
            ),
        },
        alt="Every head with accuracy, verdict, loss, AUC, calibration error, parameters and time",
    )
    st.caption("  \n".join(f"**{group}**: {words}" for group, words in GROUPS.items()))


def _cells(result: Result, kinds: dict[str, str], untuned: dict[str, tuple[float, ...]]) -> dict[str, str]:
    """One row; ``untuned`` has the heads' accuracies without tuning where they are known."""
    chosen = ", ".join(f"{name} {value:.3g}" for name, value in result.chosen.items() if not isinstance(value, str))
    if result.trials:
        best = result.best_trial
        chosen = f"learning rate {best.learning_rate:.2g}" + (f", width {best.width}" if best.width else "")
    diverged = f"; {len(result.diverged)} seeds diverged" if result.diverged else ""
    cells = {
        "Head": result.rival.name,
        "Verdict": kinds.get(result.rival.name, "candidate"),
        "Test accuracy": _percent(result.accuracy),
    }
    if untuned:
        cells["Untuned"] = _percent(untuned[result.rival.name]) if result.trials else ""
    return cells | {
        "Loss": _number(result.loss),
        "AUC": _number(result.area_under_curve),
        "ECE": _number(result.calibration_error),
        "Parameters": _parameters(result),
        "Time": duration(result.seconds),
        "Chosen": chosen,
        "What it is": result.rival.words + diverged,
        "Group": result.rival.group,
    }


def _percent(values: Sequence[float]) -> str:
    interval = mean_interval(values)
    return f"{interval.estimate * 100:.1f} ± {(interval.high - interval.low) * 50:.1f} %"


def _number(values: Sequence[float] | None) -> str:
    return "" if values is None else f"{mean_interval(values).estimate:.3f}"


def _parameters(result: Result) -> str:
    if result.classical_parameters is None:
        return "grows with data"
    if result.quantum_parameters:
        return f"{result.quantum_parameters} + {result.classical_parameters:,}"
    return f"{result.classical_parameters:,}"


# --- the circuit's part -----------------------------------------------------------------------------------------------


def _contribution(found: Contribution) -> None:
    zero = "its closed form" if found.is_closed_form else "all angles at zero"
    rows = [
        ("angles moved from their start, mean", _with_interval(found.moved_mean, "{:.3f}", " rad")),
        ("angles moved from their start, the most", _with_interval(found.moved_max, "{:.3f}", " rad")),
        (f"⟨Z⟩ differs from {zero}, mean", _with_interval(found.map_from_zero, "{:.3f}")),
        ("⟨Z⟩ differs from the start's, mean", _with_interval(found.map_from_start, "{:.3f}")),
        (f"test predictions that change with {zero}", _with_interval(found.changed_from_zero, "{:.1%}")),
        ("test predictions that change with the start's angles", _with_interval(found.changed_from_start, "{:.1%}")),
        ("test accuracy as trained", _with_interval(found.accuracy, "{:.1%}")),
        (f"test accuracy with {zero}", _with_interval(found.accuracy_from_zero, "{:.1%}")),
        ("the logits' squared gradient that runs through the angles", _with_interval(found.gradient_share, "{:.1%}")),
        ("trained parameters that are angles", f"{found.parameter_share:.1%}"),
    ]
    cells = _rows(rows)
    panel(
        f'<p>{escape(found.sentence)}</p><div class="scroll"><table><tbody>{cells}</tbody><caption>Mean over seeds and '
        "its 95 % interval. The rest of the network stays as trained when the angles are exchanged; how far a network "
        "comes that never had trained angles is the line 'near zero' above.</caption></table></div>",
        key="contribution",
        min_height=420,
    )


def _with_interval(values: Sequence[float], form: str, unit: str = "") -> str:
    interval = mean_interval(values)
    low, high = (form.format(max(end, 0.0)) for end in (interval.low, interval.high))
    return f"{form.format(interval.estimate)}{unit} ({low} to {high})"


def _tuning(comparison: Comparison) -> None:
    tried = {result.rival.name: result for result in comparison.results if result.trials}
    shown = st.multiselect(
        "Heads",
        list(tried),
        default=[name for name in (CANDIDATE, "bottleneck", "mlp", "wider mlp") if name in tried],
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
    trials = len(next(iter(tried.values())).trials)
    st.caption(
        f"{trials} settings for every head, judged by the mean validation loss of three seeds that the comparison does "
        "not use; the first is the untuned one. Ringed: chosen. scikit-learn's methods are cross-validated instead."
    )
    if untuned := untuned_comparison(comparison):
        st.markdown(_change(comparison, untuned))


def _change(tuned: Comparison, untuned: Comparison) -> str:
    """What tuning did to the candidate's test accuracy, and how often it lowered that of a head."""
    before, after = (
        {name: mean_interval(values).estimate for name, values in each.accuracy().items()} for each in (untuned, tuned)
    )
    heads = [result.rival.name for result in tuned.results if result.trials and result.rival.name in before]
    lower = sum(after[name] < before[name] for name in heads)
    return (
        f"**On the test set** tuning moved {CANDIDATE} from {before[CANDIDATE] * 100:.1f} to "
        f"{after[CANDIDATE] * 100:.1f} %. Less accurate than with the settings as given: {lower} of {len(heads)} "
        "heads. The lowest loss of a few seeds on validation samples need not be the highest accuracy on test samples."
    )


# --- over data sets ---------------------------------------------------------------------------------------------------


def _ranking(tuned: bool) -> None:
    suffix = "-tuned" if tuned else ""
    there = [name + suffix for name in PROBLEMS if name + suffix in stored_names()]
    try:
        comparisons = [load_comparison(name) for name in there]
        found = comparison_ranking(comparisons)
    except LabError as error:
        st.caption(str(error))
        return
    charts(
        [critical_difference(found, [result.rival for result in comparisons[0].results])],
        key="ranking",
        height=list_height(len(found.ranks)) - 140 - 8 * len(found.ranks),
        revision=" ".join(there),
        describe=[f"Average ranks of {len(found.ranks)} heads over {found.n_datasets} comparisons"],
    )
    titles = ", ".join(_title(comparison.name.removesuffix("-tuned")) for comparison in comparisons)
    st.caption(
        f"Average rank by mean test accuracy over {found.n_datasets} comparisons: {titles}. Friedman's test that all "
        f"heads are alike: p = {found.p:.2g}. Heads beside one bar have ranks that differ by less than Nemenyi's "
        f"critical difference, {found.critical_difference:.1f}. Two spirals and two sets of features of the same "
        "images are not independent, so this picture is an overview and no proof."
    )


# --- run it again -----------------------------------------------------------------------------------------------------


def _run(shown: str | None) -> None:
    """The controls of a new comparison, of the problem that is shown unless another one is chosen."""
    left, middle, right = st.columns([3, 2, 1.4])
    _follow(shown)
    problem = left.selectbox("Problem to run", list(PROBLEMS), format_func=_title, key="run-problem")
    seeds = middle.number_input("Paired seeds", 2, 64, SEEDS, key="run-seeds")
    if too_few := too_few_seeds(seeds, len(rivals(problem_config(problem))) - 1):
        middle.warning(f"{too_few}.", icon=":material/warning:")
    trials = right.number_input(
        "Settings to try",
        0,
        64,
        0,
        key="run-trials",
        help=f"For every head, on validation data; 0: the paper's settings for all. The shipped ones try {TRIALS}.",
    )
    arguments = ["--problem", str(problem), "--seeds", str(seeds), "--trials", str(trials)]
    st.button(
        "Compare",
        icon=":material/play_arrow:",
        type="primary",
        key="start-comparison",
        disabled=contest_going(),
        on_click=start_contest,
        args=(arguments,),
    )
    contest_view()
    st.caption(
        f"The same from a terminal: `python -m core compare {' '.join(arguments)}`. Other data and features: "
        "`python -m core compare --help`. Everything that ships: `python -m core compare --all`."
    )


def _follow(shown: str | None) -> None:
    """Keep the problem to run at the one that is shown, until somebody chooses another one."""
    state = st.session_state
    if shown in PROBLEMS and state.get("run-problem") in (None, state.get("run-follows"), shown):
        state["run-problem"] = state["run-follows"] = shown


page()
