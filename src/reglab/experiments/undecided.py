"""Decides after each look which recipes get more seeds: those without a verdict that can have one with the most seeds."""

from collections.abc import Mapping
from typing import NamedTuple

from reglab.core.families import sections
from reglab.core.wording import many
from reglab.evaluation.comparison import NONE
from reglab.evaluation.judgement import PairedComparison, exclusion, judge
from reglab.evaluation.looks import Looks
from reglab.evaluation.paired_values import Key, Records, differences_so_far, failed_checks
from reglab.experiments import left_out
from reglab.experiments.tuning.settings import STUDIES

NETWORKS = sections(compared_with="none", classical=False)
GROUPS = {NETWORKS: NONE} | {(family,): (family, NONE[1]) for family in STUDIES}  # with the reference of each
Counts = dict[str, dict[str, int]]  # section -> entry -> seeds


class Decision(NamedTuple):
    """The number of seeds that each recipe is to have now, and a line that says why."""

    counts: Counts
    line: str


def decide(settings, records: Records, counts: Counts) -> Decision:
    """Give every recipe of `counts` that is undecided the seeds of its next look, unless it would need more than there are;
    the reference of a group has as many as any of them. `settings` are the `Params`, with looks.

    A verdict that has been reached stays: the p-value over all looks never rises, nor does Holm's correction.
    """
    looks, records = settings.looks, left_out.applicable(records)
    decided, growing, beyond = 0, {}, 0
    after = {section: dict(names) for section, names in counts.items()}
    for group, reference in GROUPS.items():
        keys = [(section, name) for section in group for name in records.get(section, {})]
        for key, row in judged(keys, reference, records, settings).items():
            seeds = counts.get(key[0], {}).get(key[1], looks.most)
            possible = row["seeds_needed"] is not None and row["seeds_needed"] <= looks.most
            if row["verdict"] != "cannot tell":
                decided += 1
            elif seeds < looks.most and possible:
                growing["/".join(key)] = after[key[0]][key[1]] = next_size(looks, seeds)
            else:
                beyond += 1
        if reference[0] in after and reference[1] in after[reference[0]]:
            known = [seeds for section in group for seeds in after.get(section, {}).values()]
            after[reference[0]][reference[1]] = max(known)
    return Decision(after, sentence(looks, decided, growing, beyond))


def next_size(looks: Looks, seeds: int) -> int:
    return looks.sizes[looks.number(seeds) + 1]


def judged(keys: list[Key], reference: Key, records: Records, settings) -> dict[Key, dict]:
    """By key of a recipe other than the reference its row, as in `judgement.judge`, by the metric that decides."""
    rule, failed = settings.evaluation.rule, failed_checks(records)
    comparisons = {}
    for section, name in keys:
        if (section, name) != reference and reference in keys:
            record, other = records[section][name], records[reference[0]][reference[1]]
            *earlier, last = differences_so_far(record, other, rule["metric"], settings.looks)
            excluded = exclusion(record, failed=(section, name) in failed)
            comparisons[section, name] = PairedComparison(last, rule["metric"], excluded, earlier)
    return judge(comparisons, [], **rule, looks=settings.looks)


def sentence(looks: Looks, decided: int, growing: Mapping[str, int], beyond: int) -> str:
    """Look: 31 verdicts; 1 gets more seeds (tuned/l1 22); 9 stay undecided, which 44 seeds could not decide."""
    more = {0: "none gets", 1: "1 gets"}.get(len(growing), f"{len(growing)} get") + " more seeds"
    if growing:
        more += f" ({', '.join(f'{name} {seeds}' for name, seeds in growing.items())})"
    stay = {0: "none stays", 1: "1 stays"}.get(beyond, f"{beyond} stay") + " undecided"
    reason = f", which {looks.most} seeds could not decide" if beyond else ""
    return f"Look: {many(decided, 'verdict')}; {more}; {stay}{reason}."
