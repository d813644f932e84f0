"""Audio files as corpora know them: which there are, what is in them, whether they can be used."""
