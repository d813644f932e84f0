"""What the tests of corpora share."""

from corpora_fixtures import emodb, home, server, sound

__all__ = ["emodb", "home", "server", "sound"]
