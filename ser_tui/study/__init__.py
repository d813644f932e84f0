"""The vocabulary of ser_tui: study documents, search spaces, events and run state. Imports nothing heavy."""
