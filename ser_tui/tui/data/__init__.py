"""What the screens know, and where it comes from: feeds, followed runs, calls in the background."""
