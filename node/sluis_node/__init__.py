"""What a municipality runs: its caseload, its rounds, its matches; also the key holder role."""
