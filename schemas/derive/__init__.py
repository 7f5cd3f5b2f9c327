"""What follows from a contract, one file per target. Derived at run time; nothing is generated into files."""
