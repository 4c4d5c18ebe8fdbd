"""Wall 1: values and decisions in the standard library alone; no clock, no randomness, no await."""
