"""Measurements that speed claims come from: `make bench`. Ratios in one run on one machine, never absolute times alone."""
