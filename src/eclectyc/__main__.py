"""``python -m eclectyc`` is the ``eclectyc`` command."""

import sys

from eclectyc.cli import program

if __name__ == "__main__":
    sys.exit(program())
