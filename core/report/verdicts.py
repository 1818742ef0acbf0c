"""Verdicts in words: a few, a headline, two sentences with the numbers, and all of one candidate together."""

from collections.abc import Callable, Sequence

from core.report.numbers import p_value, points, signed_points, size
from core.statistics.intervals import FEWEST_SEEDS
from core.statistics.metrics import Chance
from core.statistics.verdict import Finding, Verdict
from core.words import counted, listed

ALONE = "on this test set alone"
"""Marks what other test data leave open."""


def words(verdict: Verdict) -> str:
    """The verdict in a few words, e.g. "better, by less than the margin" or "worse on this test set alone"."""
    if verdict.is_for_this_test_set_alone:
        return f"{_words(verdict.here)} {ALONE}"
    return _words(verdict.elsewhere)


def _words(finding: Finding) -> str:
    if finding.kind == "at chance":
        return "neither learned anything"
    return f"{finding.kind}{', by less than the margin' if finding.is_below_margin else ''}"


def words_of_candidate(verdict: Verdict) -> str:
    """The verdict in a few words that name the candidate where it is ahead or behind."""
    shown = verdict.here if verdict.is_for_this_test_set_alone else verdict.elsewhere
    return f"{verdict.candidate} is {words(verdict)}" if shown.is_difference else words(verdict)


def title(verdict: Verdict) -> str:
    """The verdict as a headline."""
    candidate, rival = verdict.candidate, verdict.rival
    shown = verdict.here if verdict.is_for_this_test_set_alone else verdict.elsewhere
    alone = f" {ALONE}" if verdict.is_for_this_test_set_alone else ""
    match shown.kind:
        case "equivalent":
            return f"{candidate} and {rival} are equivalent within {points(verdict.margin)}{alone}"
        case "at chance":
            return f"neither {candidate} nor {rival} learned anything"
        case "not decided":
            return f"{candidate} against {rival}: not decided"
        case kind:
            difference = size(verdict.paired.estimate)
            if shown.is_below_margin:
                return f"{candidate} is {kind} than {rival}{alone}, by less than the margin ({difference})"
            return f"{candidate} is {kind} than {rival}{alone} by {difference}"


def sentence(verdict: Verdict) -> str:
    """The verdict with the numbers that lead there: one sentence for each population that it is about."""
    if verdict.n_seeds < FEWEST_SEEDS:
        return f"On this test set {_difference(verdict, verdict.here)}: not decided, {too_few_seeds(verdict.n_seeds)}."
    learned = f"Neither learned anything ({chance_words(verdict.chance)}). " if _nothing_learned(verdict) else ""
    here = f"On this test set, with other seeds, {_difference(verdict, verdict.here)}: {_judged(verdict, verdict.here)}"
    there = f"On other test data of this kind {_ends(verdict.elsewhere)}: {_judged(verdict, verdict.elsewhere)}"
    return f"{learned}{here}. {there}{_needed(verdict)}."


def _nothing_learned(verdict: Verdict) -> bool:
    return "at chance" in (verdict.here.kind, verdict.elsewhere.kind) and verdict.chance is not None


def _difference(verdict: Verdict, finding: Finding) -> str:
    return (
        f"{verdict.candidate} differs from {verdict.rival} by {_mean(verdict)} points ({_ends(finding)}, "
        f"{counted(verdict.n_seeds, 'paired seed')})"
    )


def _mean(verdict: Verdict) -> str:
    mean = signed_points(verdict.paired.estimate)
    return mean if mean != "0.0" else "less than 0.1"


def _ends(finding: Finding) -> str:
    interval = finding.interval
    kind = "range" if interval.is_range else "95 % interval"
    return f"{kind} {signed_points(interval.low)} to {signed_points(interval.high)}"


def _judged(verdict: Verdict, finding: Finding) -> str:
    inside = f"± {points(verdict.margin)}"
    match finding.kind:
        case "equivalent" | "at chance":
            return f"equivalent within {inside} ({p_value(finding.equivalence_p)})"
        case "not decided":
            different, equal = p_value(finding.difference_p), p_value(finding.equivalence_p)
            return f"not decided (difference {different}, within {inside} {equal})"
        case kind:
            small = f", by less than the margin of {points(verdict.margin)}" if finding.is_below_margin else ""
            return f"{kind}{small} ({p_value(finding.difference_p)})"


def _needed(verdict: Verdict) -> str:
    """What an answer would take where there is none."""
    if verdict.kind != "not decided":
        return ""
    wanted = verdict.needed
    if wanted is None:
        return "; no number of seeds and samples within reach would decide"
    return f"; about {counted(wanted.seeds, 'seed')} and {counted(wanted.samples, 'test sample')} would likely decide"


def chance_words(chance: Chance | None) -> str:
    """ "always answering 'bee' gives 54.2 %"."""
    return f"always answering '{chance.answer}' gives {100 * chance.accuracy:.1f} %" if chance else ""


def too_few_seeds(n_seeds: int) -> str:
    """That so few seeds decide nothing, and how many do; empty where they can."""
    return "" if n_seeds >= FEWEST_SEEDS else f"{n_seeds} seeds are too few to decide anything: it takes {FEWEST_SEEDS}"


def headline(verdicts: Sequence[Verdict]) -> str:
    """All verdicts of one candidate in one sentence: what holds on other test data too, and what does not."""
    first, margin = verdicts[0], points(verdicts[0].margin)

    def count(kind: str) -> str:
        of_kind = [one.elsewhere for one in verdicts if one.kind == kind]
        small = sum(one.is_below_margin for one in of_kind)
        return f"{len(of_kind)}{f' ({small} by less than {margin})' if small else ''}" if of_kind else ""

    parts = {
        "better than": count("better"),
        "worse than": count("worse"),
        f"equivalent within {margin} to": count("equivalent"),
        "as far from having learned anything as": count("at chance"),
    }
    shown = listed([f"{how} {number}" for how, number in parts.items() if number])
    still_open = sum(one.kind == "not decided" for one in verdicts)
    if not shown:
        told = f"{first.candidate} against {counted(len(verdicts), 'rival')}: nothing is decided"
    else:
        told = f"{first.candidate} is {shown} of {counted(len(verdicts), 'rival')}"
        told += f"; {still_open} not decided" if still_open else ""
    if too_few := too_few_seeds(first.n_seeds):
        return f"{told} ({too_few})"
    alone = sum(one.is_for_this_test_set_alone for one in verdicts)
    return f"{told} ({alone} of them decided {ALONE})" if alone else told


def all_in_one(verdicts: Sequence[Verdict], condition: str = "") -> str:
    """What the seeds show of the candidate, rivals of one verdict together; empty without any rival.

    condition: under which it holds, e.g. ", at one learning rate for all heads".
    """
    if not verdicts:
        return ""
    first = verdicts[0]
    if too_few := too_few_seeds(first.n_seeds):
        return f"{too_few}."
    here, there = (_together(verdicts, of) for of in (_here, _elsewhere))
    seeds = counted(first.n_seeds, "seed")
    if here == there:
        return f"On this test set and on other test data of this kind{condition}, {seeds} {here}."
    return f"On this test set{condition}, {seeds} {here}. For other test data of this kind they {there}."


def _here(verdict: Verdict) -> Finding:
    return verdict.here


def _elsewhere(verdict: Verdict) -> Finding:
    return verdict.elsewhere


def _together(verdicts: Sequence[Verdict], of: Callable[[Verdict], Finding]) -> str:
    """What seeds show of the candidate in one population, e.g. "show that quantum is better than linear"."""
    candidate, chance = verdicts[0].candidate, verdicts[0].chance
    rivals: dict[str, list[str]] = {}
    for verdict in verdicts:
        rivals.setdefault(_up_to_the_rival(verdict, of(verdict)), []).append(verdict.rival)
    still_open, nothing = rivals.pop("", []), rivals.pop("at chance", [])
    parts = []
    if rivals:
        groups = listed([f"{what} {listed(names)}" for what, names in rivals.items()])
        parts.append(f"show that {candidate} is {groups}")
    if still_open:
        parts.append(f"do not decide between {candidate} and {listed(still_open)}")
    if nothing:
        parts.append(f"show that neither {candidate} nor {listed(nothing)} learned anything ({chance_words(chance)})")
    return "; they ".join(parts)


def _up_to_the_rival(verdict: Verdict, finding: Finding) -> str:
    """A finding as far as the rival's name; empty where nothing is shown."""
    margin = points(verdict.margin)
    match finding.kind:
        case "not decided":
            return ""
        case "at chance":
            return "at chance"
        case "equivalent":
            return f"equivalent within {margin} to"
        case kind:
            return f"{kind}, by less than {margin}, than" if finding.is_below_margin else f"{kind} than"


def capital(text: str) -> str:
    """With a capital letter at its start."""
    return text[:1].upper() + text[1:]
