"""What is sent to the terminal, and how."""
