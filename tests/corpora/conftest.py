"""What the tests of corpora share."""

from corpora_fixtures import home, server, sound

__all__ = ["home", "server", "sound"]
