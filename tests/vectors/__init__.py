"""Published values, with the programs that made them."""
