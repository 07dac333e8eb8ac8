"""From a check and a subject to a result: the rules about what may count as a pass."""
