"""What `import ser_tui` offers to scripts and notebooks."""
