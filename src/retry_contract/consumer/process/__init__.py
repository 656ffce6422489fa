"""Running the user's code in processes of its own."""
