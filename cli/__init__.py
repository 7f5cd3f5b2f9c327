"""The command line: what an operator types, and the processes of one installation."""
