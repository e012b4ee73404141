"""Traces: every decision of a run in a file, a digest of it in TensorBoard, snapshots of the policy."""

from nas_gym.traces.file import read_trace
from nas_gym.traces.policies.base import Policy, State, TabularPolicy, load_policy
from nas_gym.traces.run_folder import RunFolder
from nas_gym.traces.wrapper import NoTrace, Trace, trace_of

__all__ = [
    "NoTrace",
    "Policy",
    "RunFolder",
    "State",
    "TabularPolicy",
    "Trace",
    "load_policy",
    "read_trace",
    "trace_of",
]
