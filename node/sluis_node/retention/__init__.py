"""Retention: how long what is kept, and that it goes by itself, with proof (rule 16)."""
