"""From the world to the departments' tables: their columns, their codes and their dirt. All cells are text."""
