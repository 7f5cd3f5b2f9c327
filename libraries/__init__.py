"""The shared records of every dataset, who is named in them, and the golden records made of them."""
