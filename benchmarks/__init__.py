"""Speed, as ratios measured in one run; one command each."""
