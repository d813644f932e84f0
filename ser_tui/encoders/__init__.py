"""Pre-trained speech encoders: which there are, how they are fetched, loaded and masked exactly."""
