"""Rights of persons concerned."""
