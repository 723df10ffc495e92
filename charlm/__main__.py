"""Run the command line as `python -m charlm`."""

import sys

if __name__ == "__main__":
    try:
        from charlm.cli import main

        sys.exit(main())
    except KeyboardInterrupt:  # before `main` has begun, or after it has ended
        sys.exit(130)
