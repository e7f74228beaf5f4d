"""What the strategic board runs, offline: its key, the sums that it opens, and the report."""
