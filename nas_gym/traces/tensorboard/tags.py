"""The names of what a run shows in TensorBoard, with the title and the explanation that each is shown with.

TensorBoard sorts by name and opens the first three groups of scalars; hence the numbers before the
groups that come first. Titles and descriptions of scalars and pictures are read by its slower loader
alone (``--load_fast=false``), so that names have to do without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from nas_gym._markdown import code

OUTCOME = "outcome"
"""The run inside the run that holds its hyperparameters and the curves of `METRICS`, and nothing else.

TensorBoard counts every scalar of the run that holds the hyperparameters, and of the runs inside it,
as a metric of theirs, and it hides hyperparameters of other agents where a run names its metrics.
"""

FIRST_PAGE = "0_look_here_first"
BEST, SCORE, RETURN = "1_search/best_score", "1_search/score", "1_search/episode_return"
EVALUATIONS, SECONDS = "2_cost/distinct_evaluations", "2_cost/recorded_seconds"
STORED = "2_cost/stored_hits"
BEST_SIZE, SIZE = "3_size/parameters_of_the_best", "3_size/parameters"
STEP_SCORE, REWARD, EPISODE_BEST = "4_steps/score", "4_steps/reward", "4_steps/best_score_of_the_episode"
CURVES = "5_learning_curves"
START_EDITS = "policy_start_state"
METRICS = (BEST, EVALUATIONS, SECONDS, BEST_SIZE)
"""What HParams shows beside the hyperparameters: the last value of each, in this order."""

HEAT_MAP, START_PICTURE = "policy/heat_map", "policy/start_state_edits"
BEST_PICTURE, TOP_PICTURE = "architectures/best_so_far", "architectures/top"
CURVES_PICTURE = "architectures/learning_curves"
FRONT = "front"
START_WEIGHTS, VISITED_WEIGHTS = "policy/start_state", "policy/visited_states"


class About(NamedTuple):
    """What a tag is shown with.

    Attributes:
        title: stands above a chart.
        description: behind the chart's sign for more: what is on the axes, in which units.
    """

    title: str
    description: str


def about_tags(metric: str) -> Mapping[str, About]:
    """Return what the fixed tags are shown with.

    Args:
        metric: what the score of an architecture is, for readers (``"accuracy"``).
    """
    seen = f"{metric} on the validation examples, of 1"
    by_evaluation = "Across: distinct evaluations, as a budget counts them."
    by_step = "Across: steps of the run; an architecture asked for without a step counts as one."
    by_snapshot = "The slider goes through the run by its steps."
    return {
        BEST: About(f"best {metric} so far", f"Up: best {seen}. {by_evaluation}"),
        SCORE: About(f"{metric} of each evaluation", f"Up: {seen}. {by_evaluation}"),
        RETURN: About(
            "return of each episode", f"Up: sum of the rewards of a complete episode, no unit. {by_step}"
        ),
        EVALUATIONS: About(
            "distinct evaluations", f"Up: networks evaluated so far, each counted once. {by_step}"
        ),
        SECONDS: About(
            "recorded seconds",
            "Up: seconds that the training of all networks so far took when it was done, also where it was "
            f"read from a store or a table. {by_evaluation}",
        ),
        STORED: About("stored hits", f"Up: evaluations read from the store so far. {by_step}"),
        BEST_SIZE: About(
            "parameters of the best so far",
            f"Up: trainable parameters of the network with the best {metric} so far. {by_evaluation}",
        ),
        SIZE: About("parameters of each network", f"Up: trainable parameters. {by_evaluation}"),
        STEP_SCORE: About(f"{metric} after each step", f"Up: {seen}. {by_step}"),
        REWARD: About("reward of each step", f"Up: reward, no unit. {by_step}"),
        EPISODE_BEST: About(f"best {metric} of each episode", f"Up: {seen}. {by_step}"),
        "policy/entropy": About(
            "entropy of the policy",
            f"Up: nats, among the legal edits; 0 where the policy is certain. {by_step}",
        ),
        "policy/legal_probability": About(
            "probability of a legal edit",
            f"Up: probability, of 1, before masking. {by_step}",
        ),
        "policy/best_q_value": About(
            "highest Q-value", f"Up: expected return of the best legal edit. {by_step}"
        ),
        "policy/q_value_gap": About(
            "lead of the best edit", f"Up: highest Q-value less the second highest. {by_step}"
        ),
        "train/epsilon": About("epsilon", f"Up: probability of a random edit. {by_step}"),
        HEAT_MAP: About(
            HEAT_MAP,
            "What the policy thinks of edits (rows) in the states that it visited most (columns, named "
            f"below). Grey: illegal. Ring: best edit of the state. {by_snapshot}",
        ),
        START_PICTURE: About(
            START_PICTURE, "What the policy thought of the edits of the run's first state, by steps."
        ),
        BEST_PICTURE: About(BEST_PICTURE, f"The network with the best {metric} so far. {by_snapshot}"),
        TOP_PICTURE: About(TOP_PICTURE, f"The networks with the best {metric} of the run, the best first."),
        CURVES_PICTURE: About(
            CURVES_PICTURE, f"The best networks while they were trained. Up: {seen}. Across: epochs."
        ),
    }


def about_curve(metric: str, name: str, architecture: str) -> About:
    """Return what the learning curve of an architecture is shown with."""
    return About(
        name,
        f"Up: {metric} on the validation examples, of 1, of {code(architecture)}. Across: epochs.",
    )


def about_front(metric: str, cost: str) -> About:
    """Return what the picture of a front is shown with."""
    return About(
        f"{FRONT}/{cost}",
        f"The front that the search found. Up: the best {metric} on the validation examples, as it was seen, "
        f"of the networks with at most so much of the cost. Across: {cost}.",
    )
