"""`python -m xl_econ` is the command line."""

from xl_econ.cli import main

raise SystemExit(main())
