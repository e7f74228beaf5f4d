"""A whole round on one machine, with the real programs as processes."""
