"""The commands, one module for each thing an operator does."""
