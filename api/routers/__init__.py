"""One file per noun. A router turns a request into one call of a room below, and its result into JSON."""
