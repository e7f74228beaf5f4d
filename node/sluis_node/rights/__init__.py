"""Rights of persons concerned: access to everything that is held, correction, objection and erasure (rule 15)."""
