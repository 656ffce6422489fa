"""Running the user's code in separate processes."""
