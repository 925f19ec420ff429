"""``python -m eclectyc`` is the ``eclectyc`` command."""

import sys

from eclectyc.cli import main

if __name__ == "__main__":
    sys.exit(main())
