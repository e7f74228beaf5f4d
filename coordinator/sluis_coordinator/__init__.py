"""What the operator runs: rounds, the relay, submissions, the join, candidates and confirmations."""
