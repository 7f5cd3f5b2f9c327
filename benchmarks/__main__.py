"""`python -m benchmarks`: everything that is measured."""

from benchmarks.journey import main

main()
