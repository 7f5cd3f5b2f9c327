"""`python -m cli`: the same as `hutong`."""

from cli.main import main

main()
