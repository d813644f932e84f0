"""Hyperparameter search for speech emotion recognition, in a terminal."""

__version__ = "0.2.0"
