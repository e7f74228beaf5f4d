"""A node's part in a round: tag, submit, and prove what was found with the other side."""
