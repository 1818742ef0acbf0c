"""What can be done from a terminal: one file a command, each with add_arguments and run."""
