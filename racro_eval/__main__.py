"""`python -m racro_eval` is `racro-eval`."""

import sys

from racro_eval.cli import main

if __name__ == "__main__":
    sys.exit(main())
