"""Zero-shot evaluation, intervals and comparisons between scores."""
