"""What is kept on disk: event logs, run folders, the TinyDB index, models, exports."""
