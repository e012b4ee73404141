"""Pure mathematics of explanations: arrays in, records out; README.md is a tour."""
