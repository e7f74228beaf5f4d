"""The Sluis protocol: pure functions and data, with no clock, randomness, files or network of their own."""
