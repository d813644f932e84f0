"""From tables and folders of anybody's to labels."""
