"""What data is: contracts, value types, code lists, derivations, the published set."""
