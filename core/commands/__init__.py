"""What can be done from a terminal: one file a command, each with HELP, add_arguments and run."""
