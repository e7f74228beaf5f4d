"""The processing log."""
