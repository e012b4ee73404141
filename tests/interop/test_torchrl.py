"""TorchRL's wrapper of Gymnasium environments, one and several, in each autoreset mode that it takes."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pytest

from tests.interop.tools import HORIZON, needed, single, vector

torch = needed("torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    needed("torchrl")
    envs_of_torchrl = needed("torchrl.envs")
logging.getLogger("torchrl").setLevel(logging.ERROR)
pytestmark = pytest.mark.filterwarnings("ignore")

STEPS = 2 * HORIZON + 2
COUNT = 3


def wrapped(env):
    return envs_of_torchrl.GymWrapper(env, categorical_action_encoding=True)


def rolled(env):
    """Steps over the ends of episodes; (environments, steps) or (steps,)."""
    env.set_seed(0)
    return env.rollout(STEPS, break_when_any_done=False)


@pytest.mark.parametrize("observation", ["dict", "dict+mask", "index"])
def test_one_environment(observation):
    data = rolled(wrapped(single(observation=observation)))
    done = data["next", "done"].flatten().tolist()
    assert done == [step % HORIZON == 0 for step in range(1, STEPS + 1)]
    assert (data["next", "reward"] > 0).all()


@pytest.mark.parametrize("kind", ["native", "sync"])
@pytest.mark.parametrize("reward", ["score", "final"])
@pytest.mark.parametrize("mode", ["same_step", "disabled"])
@pytest.mark.parametrize("observation", ["dict", "dict+mask", "index"])
def test_several_environments(kind, mode, reward, observation):
    envs = vector(kind, mode, COUNT, reward=reward, observation=observation)
    data = rolled(wrapped(envs))
    assert data.batch_size == (COUNT, STEPS)
    done = data["next", "done"].squeeze(-1)
    assert (done == torch.tensor([step % HORIZON == 0 for step in range(1, STEPS + 1)])).all()
    ended = data["next", "terminated" if reward == "final" else "truncated"].squeeze(-1)
    assert (ended == done).all()
    paid = data["next", "reward"].squeeze(-1) > 0
    assert (paid == (done if reward == "final" else torch.ones_like(done))).all()


@pytest.mark.parametrize("kind", ["native", "sync"])
def test_information_becomes_tensors_where_environments_reset_in_the_same_step(kind):
    """The last state of an episode is the state's own, not the one after the reset; texts are numbers."""
    envs = vector(kind, "same_step", COUNT, observation="index", initial="random")
    data = rolled(wrapped(envs))
    after = data["next", "observation"]
    assert data["architecture"].dtype == torch.int64
    assert (data["next", "architecture"] == after).all()
    assert (data["next", "edit"][data["next", "illegal_action"].logical_not()] >= 0).all()
    assert not data["next", "error"].any()
    legal = data["action_mask"].gather(-1, data["action"].unsqueeze(-1)).squeeze(-1)
    assert (data["next", "illegal_action"] == (legal == 0)).all()
    table = vector("native", "same_step").search_space
    for row in range(COUNT):
        for here, action, there in zip(
            data["observation"][row].tolist(), data["action"][row].tolist(), after[row].tolist(), strict=True
        ):
            edited = table.edited(table.architecture(here), action)
            assert there == (here if edited is None else table.index(edited))


def test_next_step_is_refused_by_torchrl_itself():
    with pytest.raises(RuntimeError, match="must be one of SAME_STEP or DISABLED"):
        wrapped(vector("native", "next_step"))


def test_a_mask_in_the_observation_keeps_torchrl_from_illegal_actions():
    from torchrl.envs import ActionMask, TransformedEnv

    from nas_gym.envs import ActionMaskObservation

    env = wrapped(ActionMaskObservation(single(initial="random"), dtype="bool"))
    env = TransformedEnv(env, ActionMask(action_key="action", mask_key="action_mask"))
    data = rolled(env)
    legal = data["action_mask"].gather(-1, data["action"].unsqueeze(-1))
    assert np.asarray(legal).all()
