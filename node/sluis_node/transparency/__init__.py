"""The node's watch over the coordinator's log: what it saw, what it owes, and what it found wrong."""
