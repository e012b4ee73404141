"""Tests of the agents that search on shared weights."""
