"""The exchange's health: how fresh each dataset is, what landed, what waits."""
