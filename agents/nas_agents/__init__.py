"""Agents that search nas-gym environments."""
