"""`python -m sipetl` is the program `sipetl`."""

from sipetl.cli import main

if __name__ == "__main__":
    main()
