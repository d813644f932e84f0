"""Corpora: what utterances there are, who speaks, which emotion, and how they are split."""
