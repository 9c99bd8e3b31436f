"""`python -m tileops_spec.cli`: the same as `tospec`."""

from .main import main

if __name__ == "__main__":
    main()
